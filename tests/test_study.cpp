#include "data/study.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "data/image_io.h"
#include "engine/core/check.h"
#include "tests/support/temporary_folder.h"

namespace tern {
namespace {

// A 4x4 PNG of one colour, so that each image can be told from the others after decoding.
std::string png(std::uint8_t level) {
  const Image image{4, 4, std::vector<std::uint8_t>(48, level)};
  std::string text;
  for (const std::byte byte : encode_png(image)) text += static_cast<char>(byte);
  return text;
}

constexpr const char* kRows =
    "image,superclass_index,subclass_index,description\n"
    "10.png,0,1,\"a bird, with a comma\"\n"
    "2.png,1,0,a dog\n"
    "3.png,0,1,\n";

// Two superclasses and novel; subclass 2 has no images.
struct Folder : test::TemporaryFolder {
  Folder() {
    write("train_data.csv", kRows);
    write("superclass_mapping.csv", "index,class\n0,bird\n1,dog\n2,novel\n");
    write("subclass_mapping.csv", "index,class\n1,\"wren, small\"\n0,beagle\n2,gull\n3,novel\n");
    write("train_images/2.png", png(20));
    write("train_images/10.png", png(100));
    write("train_images/3.png", png(30));
    write("train_images/unused.png", "never read");
    write("train_images/notes.txt", "no image");
  }
  void rows(const std::string& text) const {
    write("train_data.csv", "image,superclass_index,subclass_index\n" + text);
  }
  void fails(const std::string& message) const {
    CHECK_THROWS_WITH_AS(load_study(path(), 4), doctest::Contains(message.c_str()), Error);
  }
};

TEST_CASE("study: rows in the table's order, names and superclasses by index") {
  const Folder folder;
  const Dataset dataset = load_study(folder.path(), 4, 2);
  CHECK(dataset.image_size == 4);
  CHECK(dataset.names == std::vector<std::string>{"10.png", "2.png", "3.png"});
  CHECK(dataset.superclasses == std::vector<std::int32_t>{0, 1, 0});
  CHECK(dataset.subclasses == std::vector<std::int32_t>{1, 0, 1});
  CHECK(dataset.is_extra == std::vector<std::uint8_t>{0, 0, 0});
  CHECK(dataset.classes.superclass_names == std::vector<std::string>{"bird", "dog", "novel"});
  CHECK(dataset.classes.subclass_names == std::vector<std::string>{"beagle", "wren, small", "gull", "novel"});
  CHECK(dataset.classes.subclass_to_super == std::vector<std::int32_t>{1, 0, -1, 2});
  REQUIRE(dataset.pixels.size() == 3 * 48);
  for (int i = 0; i < 3; ++i)
    CHECK(dataset.image(i)[17] == std::array{100, 20, 30}[static_cast<std::size_t>(i)]);
  CHECK(load_study(folder.path(), 6).pixels.size() == 3 * 108);
}

TEST_CASE("study: novel rows are novel at both levels") {
  const Folder folder;
  folder.rows("2.png,1,0\n3.png,2,3\n10.png,0,1\n");
  const Dataset dataset = load_study(folder.path(), 4);
  CHECK(dataset.superclasses == std::vector<std::int32_t>{1, 2, 0});
  CHECK(dataset.subclasses == std::vector<std::int32_t>{0, 3, 1});
}

TEST_CASE("study: faults of train_data.csv are named with their line") {
  const Folder folder;
  folder.write("train_data.csv", "image,superclass_index,description\n2.png,1,x\n");
  folder.fails("train_data.csv: wanted a column \"subclass_index\"");
  folder.rows("");
  folder.fails("train_data.csv: wanted at least one image, got none");
  folder.rows("2.png,1,0\n3.png,one,0\n");
  folder.fails("train_data.csv line 3: wanted an integer in column \"superclass_index\", got \"one\"");
  folder.rows("2.png,3,0\n");
  folder.fails("line 2: wanted 0 to 2 in column \"superclass_index\", got 3");
  folder.rows("2.png,1,-1\n");
  folder.fails("line 2: wanted 0 to 3 in column \"subclass_index\", got -1");
  folder.rows("2.png,1,0\n3.png,0,1\n2.png,1,0\n");
  folder.fails("line 4: wanted each image once, got \"2.png\" as on line 2");
  folder.rows("2.png,1,0\n3.png,0,1\n10.png,0,0\n");
  folder.fails("line 4: wanted subclass 0 in superclass 1 as on line 2, got superclass 0");
  folder.rows("2.png,1,0\n7.png,0,1\n");
  folder.fails("line 3: wanted an image of");
  folder.fails("got \"7.png\", which is not there");
  folder.rows("2.png,2,0\n");
  folder.fails(
      "line 2: wanted a training image that is novel at both levels or at none, got superclass 2, subclass "
      "0");
  folder.rows("2.png,1,3\n");
  folder.fails("novel at both levels");
  folder.rows("2.png,1,0\nunused.png,0,1\n");
  folder.fails("unused.png");
}

TEST_CASE("study: a table by names needs no mappings, and is numbered by them where they are") {
  const Folder folder;
  folder.write(
      "train_data.csv",
      "image,superclass,subclass\n10.png,bird,\"wren, small\"\n2.png,dog,beagle\n3.png,novel,novel\n");
  const auto same = load_study(folder.path(), 4);
  CHECK(same.superclasses == std::vector<std::int32_t>{0, 1, 2});
  CHECK(same.subclasses == std::vector<std::int32_t>{1, 0, 3});
  folder.write("train_data.csv", "image,superclass,subclass\n10.png,bird,gul\n");
  folder.fails(
      "train_data.csv line 2: wanted a known class or \"novel\" in column \"subclass\", got \"gul\" (the "
      "nearest is "
      "gull)");

  for (const char* name : {"superclass_mapping.csv", "subclass_mapping.csv"})
    std::filesystem::remove(folder / name);
  folder.write("train_data.csv", "image,superclass,subclass\n3.png,dog,type 10\n2.png,dog,type 9\n");
  const Dataset named = load_study(folder.path(), 4);
  CHECK(named.classes.superclass_names == std::vector<std::string>{"dog", "novel"});
  CHECK(named.classes.subclass_names == std::vector<std::string>{"type 9", "type 10", "novel"});
  CHECK(named.subclasses == std::vector<std::int32_t>{1, 0});
  CHECK(load_class_names(folder.path()).subclass_names == named.classes.subclass_names);
  folder.write("train_data.csv", "image,superclass,subclass\n3.png,dog,\n");
  folder.fails("train_data.csv line 2: wanted a name in column \"subclass\", got nothing");
  folder.write("train_data.csv", "image,superclass,subclass\n3.png,dog, beagle\n");
  folder.fails("line 2: wanted a name without a space at its ends in column \"subclass\", got \" beagle\"");
  folder.write("train_data.csv", "image,superclass\n3.png,dog\n");
  folder.fails("wanted a column \"subclass\"");
  folder.write("train_data.csv", "image,label\n3.png,dog\n");
  folder.fails(
      "wanted columns superclass_index and subclass_index, or superclass and subclass, or class, got none");
}

TEST_CASE("study: a table by names takes one subclass name in two superclasses, as folders do") {
  const Folder folder;
  const std::string header = "image,superclass,subclass\n",
                    rows = "2.png,dog,other\n3.png,cat,other\n10.png,dog,beagle\n";
  folder.write("train_data.csv", header + rows);
  const auto is_of_two = [&](const std::string& name) {
    folder.write("train_data.csv", header + "2.png,dog," + name + "\n");
    folder.fails("line 2: wanted the name of one class, got \"" + name + "\", which 2 have");
  };
  folder.write("superclass_mapping.csv", "index,class\n0,dog\n1,cat\n2,novel\n");
  folder.write("subclass_mapping.csv", "index,class\n0,dog/other\n1,beagle\n2,cat/other\n3,novel\n");
  CHECK(load_study(folder.path(), 4).subclasses == std::vector<std::int32_t>{0, 2, 1});
  folder.write("subclass_mapping.csv", "index,class\n0,other\n1,beagle\n2,other\n3,novel\n");
  is_of_two("other");

  for (const char* name : {"superclass_mapping.csv", "subclass_mapping.csv"})
    std::filesystem::remove(folder / name);
  folder.write("train_data.csv", header + rows);
  const Dataset dataset = load_study(folder.path(), 4);
  CHECK(dataset.classes.superclass_names == std::vector<std::string>{"cat", "dog", "novel"});
  CHECK(dataset.classes.subclass_names ==
        std::vector<std::string>{"cat/other", "beagle", "dog/other", "novel"});
  CHECK(dataset.classes.subclass_to_super == std::vector<std::int32_t>{0, 1, 1, 2});
  CHECK(dataset.subclasses == std::vector<std::int32_t>{2, 0, 1});
  folder.write("train_data.csv", header + "2.png,dog,beagle\n3.png,novel,beagle\n");
  folder.fails(
      "line 3: wanted a training image that is novel at both levels or at none, got superclass \"novel\", "
      "subclass \"beagle\"");
}

TEST_CASE("study: a table of one level, and images by their paths") {
  const Folder folder;
  for (const char* name : {"superclass_mapping.csv", "subclass_mapping.csv", "train_images/unused.png"})
    std::filesystem::remove(folder / name);
  std::filesystem::rename(folder / "train_images", folder / "pictures");
  folder.write("train_data.csv", "image,class\npictures/2.png,a\npictures/10.png,novel\n");
  const Dataset dataset = load_study(folder.path(), 4);
  CHECK(dataset.names == std::vector<std::string>{"pictures/2.png", "pictures/10.png"});
  CHECK(dataset.classes.superclass_names == std::vector<std::string>{"any", "novel"});
  CHECK(dataset.superclasses == std::vector<std::int32_t>{0, 1});
  CHECK(dataset.subclasses == std::vector<std::int32_t>{0, 1});
  CHECK(dataset.image(1)[0] == 100);
  folder.write("train_data.csv", "image,class\npictures/7.png,a\n");
  folder.fails("got \"pictures/7.png\"");
  folder.write("train_data.csv", "image,class\n2.png,a\n");
  folder.fails("wanted train_images/ or train_images.zip, or paths from here in the table, got neither");
}

TEST_CASE("study: an image's path that leads elsewhere is told as such") {
  const Folder folder;
  const std::string file = (folder / "train_images/2.png").string();  // is there, and is refused all the same
  const std::string absolute =
      "wanted a path within the images in column \"image\", got \"" + file + "\", which is absolute";
  folder.rows("3.png,0,1\n" + file + ",1,0\n");
  folder.fails("train_data.csv line 3: " + absolute);
  for (const char* path : {"C:\\pictures\\2.png", "d:/2.png", "\\\\server\\2.png"}) {
    folder.rows(path + std::string(",1,0\n"));
    folder.fails(path + std::string("\", which is absolute"));
  }
  for (const char* path : {"../2.png", "..", "a/../../train_images/2.png"}) {
    folder.rows(path + std::string(",1,0\n"));
    folder.fails("line 2: wanted a path within the images in column \"image\", got \"" + std::string(path) +
                 "\", which leads out of them");
  }
  folder.rows("a/../2.png,1,0\n..2.png,0,1\n");  // these do not
  folder.fails("wanted an image of");
  Dataset images;
  images.names = {"2.png"};
  CHECK_THROWS_WITH_AS(load_labels(folder / "train_data.csv", images), doctest::Contains("none for"), Error);
  folder.rows(file + ",1,0\n");
  CHECK_THROWS_WITH_AS(load_labels(folder / "train_data.csv", images), doctest::Contains(absolute.c_str()),
                       Error);
}

TEST_CASE("study: faults of the mappings") {
  const Folder folder;
  const auto mapping_fails = [&](const char* rows, const char* message) {
    folder.write("subclass_mapping.csv", std::string("index,class\n") + rows);
    folder.fails(message);
  };
  mapping_fails("0,a\n1,b\n1,c\n",
                "subclass_mapping.csv line 4: wanted each index once, got index 1 as on line 3");
  mapping_fails("0,a\n2,b\n", "line 3: wanted 0 to 1 in column \"index\", got 2");
  mapping_fails("-1,a\n", "line 2: wanted 0 to 0 in column \"index\", got -1");
  mapping_fails("0,novel\n1,b\n", "line 2: wanted the class \"novel\" at the last index, 1, got index 0");
  mapping_fails("0,a\n1,b\n",
                "subclass_mapping.csv line 3: wanted the class \"novel\" at the last index, 1, got \"b\"");
  mapping_fails("2,b\n0,a\n1,novel\n",
                "line 4: wanted the class \"novel\" at the last index, 2, got index 1");
  mapping_fails("0,Novel\n", "line 2: wanted the class \"novel\" at the last index, 0, got \"Novel\"");
  mapping_fails("0,a\n1,\n", "line 3: wanted a name in column \"class\"");
  mapping_fails("", "wanted at least one class, got none");
  mapping_fails("x,a\n", "line 2: wanted an integer");
  folder.write("subclass_mapping.csv", "index,name\n0,a\n");
  folder.fails("wanted a column \"class\"");
  // Latin-1 would end up in TensorBoard's tags, which are UTF-8.
  mapping_fails(
      "0,caf\xE9\n1,novel\n",
      "subclass_mapping.csv line 2: wanted a class name in UTF-8, got \"caf\\xE9\" of another encoding");
  std::filesystem::remove(folder / "superclass_mapping.csv");
  folder.fails("superclass_mapping.csv");
}

TEST_CASE("study: byte order marks are no part of names; names in UTF-8 are taken") {
  const Folder folder;
  const std::string mark = "\xEF\xBB\xBF";
  folder.write("subclass_mapping.csv",
               mark + "index,class\r\n1,ma\xC3\xA9n\r\n0,beagle\r\n2,gull\r\n3,novel\r\n");
  folder.write("train_data.csv", mark + kRows);
  CHECK(load_study(folder.path(), 4).classes.subclass_names[1] == "ma\xC3\xA9n");
}

TEST_CASE("study: files that are not trained on are told; those that a table names are never missed") {
  const Folder folder;
  folder.write("train_images/a.webp", "another format");
  CHECK(load_study(folder.path(), 4).passed_over.text() ==
        "passed over 3 files of " + (folder / "train_images").string() +
            ": 1 .txt (notes.txt), 1 .webp (a.webp), 1 not in train_data.csv (unused.png)\n");
  folder.rows("2.png,1,0\na.webp,0,1\n");
  folder.fails("\"a.webp\", which is there but no image by its name or place");
  folder.rows("2.png,1,0\n3.PNG,0,1\n");
  folder.fails("\"3.PNG\", where 3.png is there");
}

TEST_CASE("study: names in another Unicode normalisation") {
  const Folder folder;
  const std::string composed = "caf\xC3\xA9.png", decomposed = "cafe\xCC\x81.png";
  std::filesystem::rename(folder / "train_images/3.png", folder / "train_images" / decomposed);  // as macOS
  folder.rows("2.png,1,0\n" + composed + ",0,1\n");
  folder.fails("got \"" + composed +
               "\", whose file there has the name in another Unicode normalisation (NFD, not NFC)");
  folder.rows("2.png,1,0\n" + decomposed + ",0,1\n");
  CHECK(load_study(folder.path(), 4).count() == 2);
  for (const char* name : {"unused.png", "10.png"}) std::filesystem::remove(folder / "train_images" / name);
  Dataset images = load_images(folder / "train_images", 4);
  folder.write("labels.csv", "image,superclass_index,subclass_index\n2.png,1,0\n" + composed + ",0,1\n");
  const std::string wanted = "none for \"" + decomposed +
                             "\", whose name on line 3 is in another Unicode normalisation (NFC, not NFD)";
  CHECK_THROWS_WITH_AS(load_labels(folder / "labels.csv", images), doctest::Contains(wanted.c_str()), Error);
}

TEST_CASE("study: faults of the folder and of images") {
  const Folder folder;
  CHECK_THROWS_WITH_AS(load_study(folder / "nowhere"),
                       doctest::Contains("nowhere: wanted a folder of images in folders of classes"), Error);
  folder.write("train_images/3.png", "not a PNG");
  folder.fails("3.png");
  std::filesystem::remove_all(folder / "train_images");
  folder.fails("wanted train_images/ or train_images.zip, or paths from here in the table, got neither");
}

TEST_CASE("study: load_images takes images in numeric order") {
  const Folder folder;
  std::filesystem::remove(folder / "train_images" / "unused.png");
  const Dataset dataset = load_images(folder / "train_images", 4);
  CHECK(dataset.names == std::vector<std::string>{"2.png", "3.png", "10.png"});
  CHECK(dataset.superclasses.empty());
  CHECK(dataset.subclasses.empty());
  CHECK(dataset.image(2)[0] == 100);
  CHECK_THROWS_WITH_AS(load_images(folder / "nowhere"), doctest::Contains("nowhere"), Error);
}

TEST_CASE("study: load_labels joins a table to images") {
  const Folder folder;
  std::filesystem::remove(folder / "train_images" / "unused.png");
  Dataset dataset = load_images(folder / "train_images", 4);
  dataset.classes = load_class_names(folder.path());
  CHECK(dataset.classes.subclass_to_super == std::vector<std::int32_t>{-1, -1, -1, 2});
  const std::string header = "image,superclass_index,subclass_index\n";
  folder.write("labels.csv",
               header + "10.png,0,3\n3.png,2,3\n2.png,1,0\n");  // a novel subclass of a known superclass
  load_labels(folder / "labels.csv", dataset);
  CHECK(dataset.superclasses == std::vector<std::int32_t>{1, 2, 0});
  CHECK(dataset.subclasses == std::vector<std::int32_t>{0, 3, 3});

  const std::pair<const char*, const char*> bad[] = {
      {"10.png,0,3\n3.png,2,3\n", "wanted a row for every image, got none for \"2.png\""},
      {"10.png,0,3\n3.png,2,3\n2.png,1,0\n4.png,0,0\n",
       "line 5: wanted the name of one of the images, got \"4.png\""},
      {"10.png,0,4\n3.png,2,3\n2.png,1,0\n", "line 2: wanted 0 to 3 in column \"subclass_index\", got 4"},
      {"10.png,0,3\n3.png,2,3\n2.png,1,0\n3.png,0,0\n", "line 5: wanted each image once"},
  };
  for (const auto& [rows, message] : bad) {
    folder.write("labels.csv", header + rows);
    CHECK_THROWS_WITH_AS(load_labels(folder / "labels.csv", dataset), doctest::Contains(message), Error);
    CHECK(dataset.subclasses == std::vector<std::int32_t>{0, 3, 3});  // as before
  }
}

TEST_CASE("study: labels of another number of levels are told as such") {
  const Folder folder;
  std::filesystem::remove(folder / "train_images" / "unused.png");
  Dataset images = load_images(folder / "train_images", 4);  // 2, 3, 10
  const auto fails = [&](const std::string& message) {
    CHECK_THROWS_WITH_AS(load_labels(folder / "labels.csv", images), doctest::Contains(message.c_str()),
                         Error);
  };
  images.classes = {{"bird", "dog", "novel"}, {"gull", "beagle", "novel"}, {0, 1, 2}};
  folder.write("labels.csv", "image,class\n2.png,gull\n3.png,beagle\n10.png,novel\n");
  fails(
      "labels.csv: wanted columns superclass and subclass, as there are two levels of classes, got a column "
      "class");
  images.classes = {{"any", "novel"}, {"gull", "beagle", "novel"}, {0, 0, 1}};
  CHECK(load_labels(folder / "labels.csv", images).empty());
  CHECK(images.subclasses == std::vector<std::int32_t>{0, 1, 2});
  folder.write("labels.csv",
               "image,superclass,subclass\n2.png,bird,gull\n3.png,dog,beagle\n10.png,novel,novel\n");
  fails(
      "labels.csv: wanted a column class, as there is one level of classes, got columns superclass and "
      "subclass");
}

TEST_CASE("study: indices of labels are those of the mappings beside them") {
  const Folder folder;
  std::filesystem::remove(folder / "train_images" / "unused.png");
  Dataset images = load_images(folder / "train_images", 4);  // 2, 3, 10
  images.classes = {{"bird", "cat", "dog", "novel"},         // as folders number them
                    {"gull", "wren", "cat/other", "beagle", "dog/other", "novel"},
                    {0, 0, 1, 2, 2, 3}};
  folder.write("labels.csv", "image,superclass_index,subclass_index\n2.png,0,0\n3.png,1,2\n10.png,0,3\n");
  folder.write("superclass_mapping.csv", "index,class\n0,dog\n1,bird\n2,novel\n");
  folder.write("subclass_mapping.csv", "index,class\n0,other\n1,beagle\n2,wren\n3,novel\n");
  const auto fails = [&](const std::string& message) {
    CHECK_THROWS_WITH_AS(load_labels(folder / "labels.csv", images), doctest::Contains(message.c_str()),
                         Error);
  };
  CHECK(load_labels(folder / "labels.csv", images).empty());
  CHECK(images.superclasses == std::vector<std::int32_t>{2, 0, 2});
  CHECK(images.subclasses == std::vector<std::int32_t>{4, 1, 5});

  folder.write("subclass_mapping.csv", "index,class\n0,beagel\n1,beagle\n2,wren\n3,novel\n");
  fails(
      "line 2: wanted a known class or \"novel\" in column \"subclass_index\", got 0, which is called "
      "\"beagel\" (the "
      "nearest is beagle)");
  folder.write("subclass_mapping.csv", "index,class\n0,gull\n1,beagle\n2,wren\n3,novel\n");
  fails("got 0, which is called \"gull\", which lies in superclass \"bird\"");
  folder.write("subclass_mapping.csv", "index,class\n0,other\n1,novel\n");
  fails("wanted 0 to 1 in column \"subclass_index\", got 2");

  std::filesystem::remove(folder / "subclass_mapping.csv");
  const std::string csv = (folder / "labels.csv").string();
  CHECK(load_labels(csv, images) == csv +
                                        ": no subclass_mapping.csv beside it, so its indices are taken for "
                                        "the run's, where 0 is \"gull\"\n");
  CHECK(images.superclasses == std::vector<std::int32_t>{2, 0, 2});
  CHECK(images.subclasses == std::vector<std::int32_t>{0, 2, 3});
  std::filesystem::remove(folder / "superclass_mapping.csv");
  CHECK(load_labels(csv, images).starts_with(csv + ": no superclass_mapping.csv beside it"));
  CHECK(images.superclasses == std::vector<std::int32_t>{0, 1, 0});

  images.classes = {{kOnlySuperclass, "novel"}, {"a", "b", "c", "novel"}, {0, 0, 0, 1}};
  CHECK(
      load_labels(csv, images) ==
      csv +
          ": no subclass_mapping.csv beside it, so its indices are taken for the run's, where 0 is \"a\"\n");
  folder.write("labels.csv", "image,class\n2.png,a\n3.png,novel\n10.png,c\n");  // by name: nothing to say
  CHECK(load_labels(csv, images).empty());
  CHECK(images.subclasses == std::vector<std::int32_t>{0, 3, 2});
}

TEST_CASE("study: the real data") {
  const std::filesystem::path folder = TERN_SOURCE_DIR "/../shared/data/bird_dog_reptile";
  if (!std::filesystem::exists(folder)) {
    std::puts("no ../shared: this case is left out");
    return;
  }
  const Dataset dataset = load_study(folder);
  CHECK(dataset.count() == 6288);
  CHECK(dataset.pixels.size() == 6288u * 64 * 64 * 3);
  CHECK(dataset.classes.superclass_names == std::vector<std::string>{"bird", "dog", "reptile", "novel"});
  CHECK(dataset.classes.subclass_count() == 88);
  for (const auto& [superclass, count] : {std::pair{0, 1850}, {1, 2084}, {2, 2354}, {3, 0}}) {
    CHECK(std::count(dataset.superclasses.begin(), dataset.superclasses.end(), superclass) == count);
    CHECK(std::count(dataset.classes.subclass_to_super.begin(), dataset.classes.subclass_to_super.end(),
                     superclass) == (superclass == 3 ? 1 : 29));
  }
}

}  // namespace
}  // namespace tern

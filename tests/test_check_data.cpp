// tern check-data on a folder in which every fault is.
#include "apps/check_data/check_data.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "data/image_io.h"
#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace tern {
namespace {

std::string png(std::uint64_t number) {
  RandomStream random(number, random_purpose::test);
  Image image{17, 16, std::vector<std::uint8_t>(17 * 16 * 3)};
  for (std::uint8_t& byte : image.rgb) byte = static_cast<std::uint8_t>(random.below(256));
  std::string text;
  for (const std::byte byte : encode_png(image)) text += static_cast<char>(byte);
  return text;
}

/// Two classes of 12 and 10 images, all different.
struct Folder : test::TemporaryFolder {
  Folder() {
    std::filesystem::create_directories(path() / "pets/cat");
    std::filesystem::create_directories(path() / "pets/<dog>");
    for (std::uint64_t i = 1; i <= 12; ++i) write("pets/cat/" + std::to_string(i) + ".png", png(i));
    for (std::uint64_t i = 1; i <= 10; ++i) write("pets/<dog>/" + std::to_string(i) + ".png", png(20 + i));
  }
  test::Result check(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"check-data", "--data", (path() / "pets").string()});
    return test::run_tern(more);
  }
};

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

TEST_CASE("check-data: counts, sizes and nothing odd") {
  const Folder folder;
  const test::Result result = folder.check();
  CHECK(result.code == 0);
  CHECK(!holds(result.output, "any"));  // one level of classes
  CHECK(holds(result.output, "  cat        12 ########################################\n"));
  CHECK(holds(result.output, "  <dog>      10 ##################################\n"));
  CHECK(holds(result.output, "22 labelled images of 2 classes\n"));
  CHECK(holds(result.output, "pixels: width 17, height 16\n"));
  CHECK(holds(result.output, "nothing odd was found\n"));
}

TEST_CASE("check-data: of hundreds of classes the terminal gets a line a superclass") {
  const test::TemporaryFolder folder;
  for (std::uint64_t i = 0; i < 202; ++i) {
    const std::string name = (i < 2 ? "birds/" : "dogs/") + std::to_string(i);
    std::filesystem::create_directories(folder / name);
    folder.write(name + "/" + std::to_string(i) + "a.png", png(i));
    if (i == 5) folder.write(name + "/5b.png", png(300));
  }
  const test::Result result = test::run_tern({"check-data", "--data", folder.path().string()});
  CHECK(holds(result.output, "birds: 2 subclasses of 1 images each\n"));
  CHECK(holds(result.output, "dogs: 200 subclasses of 1 to 2 (median 1) images each\n"));
  CHECK(std::count(result.output.begin(), result.output.end(), '\n') < 20);
}

TEST_CASE(
    "check-data: duplicates, contradictions, leaks, unreadable images and small classes, and the page") {
  const Folder folder;
  folder.write("pets/cat/again.png", png(1));
  folder.write("pets/<dog>/cat.png", png(2));
  std::filesystem::create_directories(folder / "new");
  folder.write("new/seen.png", png(25));
  folder.write("new/other.png", png(99));
  folder.write("pets/cat/broken.png", "no PNG");
  std::filesystem::create_directories(folder / "pets/ant");
  folder.write("pets/ant/1.png", png(50));
  const std::string page = (folder / "page.html").string();
  const test::Result result = folder.check({"--images", (folder / "new").string(), "--out", page});
  CHECK(result.code == 1);
  CHECK(holds(result.errors, "wanted images that can be read, got 1 that cannot: "));
  CHECK(holds(result.errors, "cat/broken.png: wanted a JPEG, PNG or BMP image"));
  CHECK(holds(result.output, "look at: 1 image cannot be read"));
  CHECK(holds(result.output, "look at: 1 group of images that look the same have several classes"));
  CHECK(holds(result.output, "look at: 1 image to be predicted looks like labelled ones"));
  CHECK(holds(result.output, "look at: 2 groups of labelled images that look the same: "));
  CHECK(holds(result.output, "look at: 1 class with fewer than 10 images; ant has 1"));
  CHECK(holds(result.output, "the same pixels: <dog>/cat.png (<dog>), cat/2.png (cat)\n"));
  CHECK(holds(result.output, "the same pixels: <dog>/5.png (<dog>), seen.png (to be predicted)\n"));

  folder.write("pets/notes.txt", "no image");
  const test::Result as_json = folder.check({"--images", (folder / "new").string(), "--json"});
  CHECK(as_json.code == 1);
  CHECK(holds(as_json.errors, "passed over 1 file of "));
  CHECK(holds(as_json.errors, "wanted images that can be read, got 1 that cannot: "));
  const Json json = Json::parse(as_json.output);
  CHECK(json.at("labelled_images") == 26);
  CHECK(json.at("images_to_be_predicted") == 2);
  CHECK(json.at("warnings").size() == 5);
  CHECK(json.at("passed_over") ==
        Json::array({{{"path", (folder / "pets").string()},
                      {"files", 1},
                      {"reasons", {{{"reason", ".txt"}, {"files", 1}, {"examples", {"notes.txt"}}}}}}}));
  CHECK(json.at("width_pixels") == Json{{"smallest", 17}, {"median", 17}, {"largest", 17}});
  CHECK(json.at("classes").size() == 3);
  CHECK(json.at("classes")[0] == Json{{"superclass", "any"}, {"subclass", "cat"}, {"images", 14}});
  REQUIRE(json.at("unreadable").size() == 1);
  CHECK(json.at("unreadable")[0].at("image") == "cat/broken.png");
  CHECK(holds(json.at("unreadable")[0].at("error"), "wanted a JPEG, PNG or BMP image"));
  REQUIRE(json.at("alike").size() == 3);
  CHECK(json.at("alike")[0].at("several_classes") == true);
  CHECK(json.at("alike")[0].at("images")[0].at("subclass") == "<dog>");
  CHECK(json.at("alike")[1].at("labelled_and_to_be_predicted") == true);
  CHECK(json.at("alike")[1].at("images")[1] ==
        Json{{"image", "seen.png"}, {"labelled", false}, {"mirrored", false}});

  const std::string html = read_text_file(page);
  CHECK(holds(html, "<h1>26 labelled images of 3 classes, 2 to be predicted</h1>"));
  CHECK(holds(html, "&lt;dog&gt;/cat.png"));
  CHECK(!holds(html, "<dog>"));
  CHECK(holds(html, "The same pixels, of several classes: 2 images"));
  CHECK(holds(html, "The same pixels, labelled and to be predicted: 2 images"));
  CHECK(holds(html, "data:image/jpeg;base64,"));
  CHECK(holds(html, "cat/broken.png: wanted"));
}

/// Of a picture, flipped.
std::string mirrored_png(const std::string& file) {
  Image image = decode_image(read_file(file), file), flipped = image;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(image.rgb.begin() + (y * image.width + x) * 3, 3,
                  flipped.rgb.begin() + (y * image.width + image.width - 1 - x) * 3);
    }
  }
  std::string text;
  for (const std::byte byte : encode_png(flipped)) text += static_cast<char>(byte);
  return text;
}

TEST_CASE("check-data: what is flipped is found, and told to be") {
  const Folder folder;
  std::filesystem::create_directories(folder / "pets/test_images");
  folder.write("pets/test_images/1.png", mirrored_png((folder / "pets/cat/3.png").string()));
  folder.write("pets/test_images/2.png", png(25));
  folder.write("pets/test_images/notes.txt", "no image");
  folder.write("pets/cat/4b.png", mirrored_png((folder / "pets/cat/4.png").string()));
  const std::string page = (folder / "page.html").string();
  const test::Result result = folder.check({"--out", page});
  CHECK(result.code == 0);
  CHECK(
      holds(result.output, "look at: 2 images to be predicted look like labelled ones (1 mirrored), which"));
  CHECK(holds(result.output, "look at: 1 group of labelled images that look the same (1 mirrored): "));
  CHECK(holds(result.output, "  alike:           cat/3.png (cat), 1.png (to be predicted, mirrored)\n"));
  CHECK(holds(result.output, "  alike:           cat/4.png (cat), cat/4b.png (cat, mirrored)\n"));
  CHECK(holds(result.output, "  the same pixels: <dog>/5.png (<dog>), 2.png (to be predicted)\n"));
  const std::string passed_over = "passed over 1 file of " + (folder / "pets/test_images").string();
  CHECK(holds(result.output, passed_over));

  const std::string html = read_text_file(page);
  for (const char* told :
       {"2 images to be predicted look like labelled ones (1 mirrored)", "pixels: width 17, height 16",
        "23 labelled images of 2 classes, 2 to be predicted"})
    CHECK((holds(html, told) && holds(result.output, told)));
  CHECK(holds(html, passed_over));
  CHECK(holds(html, "Alike, some mirrored, labelled and to be predicted: 2 images"));
  CHECK(holds(html, "1.png<br>to be predicted, mirrored<br>17 x 16"));

  const Json alike = Json::parse(folder.check({"--json"}).output).at("alike");
  REQUIRE(alike.size() == 3);
  CHECK(alike[1].at("mirrored") == true);
  CHECK(alike[1].at("same_pixels") == false);
  CHECK(alike[1].at("images")[0].at("mirrored") == false);
  CHECK(alike[1].at("images")[1].at("mirrored") == true);
  CHECK(alike[0].at("mirrored") == false);
}

TEST_CASE("check-data: the page of two levels and nothing odd tells what the text tells") {
  const Folder folder;
  std::filesystem::create_directories(folder / "pets/birds");
  std::filesystem::rename(folder / "pets/cat", folder / "pets/birds/cat");
  std::filesystem::create_directories(folder / "pets/wild");
  std::filesystem::rename(folder / "pets/<dog>", folder / "pets/wild/dog");
  const std::string page = (folder / "page.html").string();
  const test::Result result = folder.check({"--out", page});
  const std::string html = read_text_file(page);
  for (const char* told : {"birds: 12 images", "wild: 10 images", "nothing odd was found",
                           "22 labelled images of 2 subclasses in 2 superclasses"})
    CHECK((holds(html, told) && holds(result.output, told)));
}

TEST_CASE("check-data: escape sequences of names are shown, not obeyed, in result, remarks and errors") {
  const Folder folder;
  const std::string name = "\x1B[2Jwiped", shown = "\\x1B[2Jwiped";
  std::filesystem::rename(folder / "pets/cat", folder / "pets" / name);
  folder.write("pets/" + name + "/again.png", png(1));
  folder.write("pets/" + name + "/notes.txt", "no image");
  folder.write("pets/" + name + "/broken.png", "no PNG");
  const test::Result result = folder.check();
  CHECK(holds(result.output, shown + "/1.png (" + shown + ")"));
  CHECK(holds(result.output, shown + "/notes.txt"));
  CHECK(holds(result.errors, shown + "/broken.png: wanted a JPEG"));
  for (const std::string& text : {result.output, result.errors}) CHECK(text.find('\x1B') == text.npos);
  const Json classes = Json::parse(folder.check({"--json"}).output).at("classes");
  CHECK(classes[0].at("subclass") == name);  // as it is
}

TEST_CASE("check-data: bad input leaves one line and no page") {
  const Folder folder;
  const std::string page = (folder / "page.html").string();
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& part) {
    const test::Result result = test::run_tern(arguments);
    CHECK(result.code == 1);
    CHECK(holds(result.errors, part));
    CHECK(!std::filesystem::exists(page));
  };
  const std::string data = (folder / "pets").string();
  fails({"check-data", "--data", (folder / "none").string(), "--out", page},
        "wanted a folder of images in folders of classes");
  fails({"check-data", "--data", data, "--images", (folder / "none").string(), "--out", page},
        "none: wanted");
  fails({"check-data", "--data", data, "--out", (folder / "none/page.html").string()}, "--out");
  fails({"check-data", "--data", (folder / "pets/cat").string(), "--out", page},
        "in folders of at least two classes");
  folder.write("pets/train_data.csv", "image,class\ncat/1.png,cat\ncat/2.png,cat\n");
  fails({"check-data", data},
        "pets: wanted labelled images of at least 2 classes, to be told apart, got of 1");
  std::filesystem::remove(folder / "pets/train_data.csv");
  const std::string notes = (folder / "notes.html").string();
  test::write_quickly(notes, "<p>mine</p>");
  fails({"check-data", "--data", data, "--out", notes},
        "or a page of tern's to write over, got another file");
  CHECK(read_text_file(notes) == "<p>mine</p>");
}

TEST_CASE("check-data: the folder by its place, images that cannot be read by name, twenty of them") {
  const Folder folder;
  for (int i = 0; i < 22; ++i) folder.write("pets/cat/broken " + std::to_string(i) + ".png", "no image");
  const test::Result result = test::run_tern({"check-data", (folder / "pets").string()});
  CHECK(result.code == 1);
  CHECK(holds(result.output, "look at: 22 images cannot be read"));
  CHECK(holds(result.output, "broken 19.png: wanted"));
  CHECK(holds(result.output, "  and 2 more; --out FILE.html lists them"));
  CHECK(holds(result.errors, "wanted images that can be read, got 22 that cannot\n"));
}

TEST_CASE("check-data: no page over an image") {
  const Folder folder;
  const std::string data = (folder / "pets").string();
  int tried = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
    if (!entry.is_regular_file() || entry.path().extension() != ".png") continue;
    const std::string before = read_text_file(entry.path());
    const test::Result result =
        test::run_tern({"check-data", "--data", data, "--out", entry.path().string()});
    CHECK(result.code == 1);
    CHECK(holds(result.errors, "wanted another file than the inputs, got one of the images"));
    CHECK(read_text_file(entry.path()) == before);
    if (++tried == 2) break;
  }
  CHECK(tried == 2);
}

}  // namespace
}  // namespace tern

#include "data/class_folders.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/image_io.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "tests/support/temporary_folder.h"

namespace tern {
namespace {

using Names = std::vector<std::string>;
using Indices = std::vector<std::int32_t>;

struct Folder : test::TemporaryFolder {
  /// Images, each of its own grey: 10, 20, ...
  explicit Folder(const Names& images) {
    std::uint8_t level = 10;
    for (const std::string& image : images) {
      std::string text;
      for (const std::byte byte : encode_png(Image{4, 4, std::vector<std::uint8_t>(48, level)}))
        text += static_cast<char>(byte);
      std::filesystem::create_directories((path() / image).parent_path());
      write(image, text);
      level = static_cast<std::uint8_t>(level + 10);
    }
  }
  void fails(const std::string& message) const {
    CHECK_THROWS_WITH_AS(load_study(path(), 4), doctest::Contains(message.c_str()), Error);
  }
};

TEST_CASE("class folders: two levels, in natural order, and what is in no class") {
  const Folder folder({"dog/type 10/1.png", "dog/type 9/10.png", "dog/type 9/2.png", "bird/wren/1.png",
                       "novel/x.png", "beside.png"});
  folder.write("dog/notes.txt", "no image");
  std::filesystem::create_directories(folder / "bird/empty");
  std::filesystem::create_directories(folder / "bird/wren/deeper/still");
  const Dataset dataset = load_study(folder.path(), 4);
  CHECK(dataset.classes.superclass_names == Names{"bird", "dog", "novel"});
  CHECK(dataset.classes.subclass_names == Names{"wren", "type 9", "type 10", "novel"});
  CHECK(dataset.classes.subclass_to_super == Indices{0, 1, 1, 2});
  CHECK(dataset.names == Names{"bird/wren/1.png", "dog/type 9/2.png", "dog/type 9/10.png",
                               "dog/type 10/1.png", "novel/x.png"});
  CHECK(dataset.superclasses == Indices{0, 1, 1, 1, 2});
  CHECK(dataset.subclasses == Indices{0, 1, 1, 2, 3});
  CHECK(dataset.is_extra == std::vector<std::uint8_t>(5, 0));
  CHECK(dataset.image(3)[0] == 10);
  CHECK(dataset.passed_over.text() == "passed over 2 files and 2 folders of " + folder.path().string() +
                                          ": 1 .txt (dog/notes.txt), 1 in no class's folder (beside.png), 1 "
                                          "sub-folder (bird/wren/deeper/), 1 without images (bird/empty/)\n");
  CHECK(load_class_names(folder.path()).subclass_names == dataset.classes.subclass_names);
}

TEST_CASE("class folders: test_images/ beside them is no class") {
  for (const Names& known : {Names{"cat/1.png", "dog/1.png"}, Names{"pet/cat/1.png", "pet/dog/1.png"}}) {
    Names images = known;
    images.insert(images.end(), {"test_images/1.png", "test_images/2.png"});
    const Folder folder(images);
    const Dataset dataset = load_study(folder.path(), 4);
    CHECK(dataset.names == known);
    CHECK(dataset.classes.subclass_names == Names{"cat", "dog", "novel"});
    CHECK(dataset.passed_over.text().empty());
  }
}

TEST_CASE("class folders: what macOS leaves beside them is no class") {
  const Folder folder({"pet/cat/1.png", "pet/dog/1.png", "pet/__MACOSX/1.png", "__MACOSX/pet/1.png",
                       "__MACOSX/1.png", "pet/dog/._1.png"});
  const Dataset dataset = load_study(folder.path(), 4);
  CHECK(dataset.classes.superclass_names == Names{"pet", "novel"});
  CHECK(dataset.classes.subclass_names == Names{"cat", "dog", "novel"});
  CHECK(dataset.passed_over.text() == "passed over 1 file and 2 folders of " + folder.path().string() +
                                          ": 2 of __MACOSX (__MACOSX/), 1 hidden (pet/dog/._1.png)\n");
}

TEST_CASE("class folders: one level") {
  const Folder folder({"cat/1.png", "ant/1.png", "ant/2.png", "novel/1.png"});
  const Dataset dataset = load_study(folder.path(), 4);
  CHECK(dataset.classes.superclass_names == Names{"any", "novel"});
  CHECK(dataset.classes.subclass_names == Names{"ant", "cat", "novel"});
  CHECK(dataset.classes.subclass_to_super == Indices{0, 0, 1});
  CHECK(dataset.superclasses == Indices{0, 0, 0, 1});
  CHECK(dataset.subclasses == Indices{0, 0, 1, 2});
}

TEST_CASE("class folders: subclasses of one name, and links to folders") {
  const Folder folder({"dog/other/1.png", "dog/beagle/1.png", "elsewhere/other/1.png"});
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "cat");
  std::filesystem::create_directory_symlink(folder / "dog", folder / "dog/loop");  // two folders down it ends
  const Dataset dataset = load_study(folder.path(), 4);
  CHECK(dataset.classes.superclass_names == Names{"cat", "dog", "elsewhere", "novel"});
  CHECK(dataset.classes.subclass_names ==
        Names{"cat/other", "beagle", "dog/other", "elsewhere/other", "novel"});
}

TEST_CASE("class folders: faults") {
  Folder({"a/1.png", "b/c/1.png"})
      .fails("wanted images in class/ alone or in superclass/subclass/ alone, got a/1.png and b/c/1.png");
  Folder({"a/1.png"}).fails("of at least two classes, class/ or superclass/subclass/, got one class, a");
  Folder({"1.png", "2.png"}).fails("got none in a class's folder");
  Folder({"novel/1.png"}).fails("got none in a class's folder");
  Folder({"a/novel/1.png", "a/b/1.png"})
      .fails("wanted a folder novel/ beside the superclasses, got one in a/");
  const Folder parts({"train/a/1.png", "train/b/1.png", "val/a/1.png", "Test/b/1.png"});
  parts.fails("wanted folders of classes, got the parts of a split: name " + (parts / "train").string());
  CHECK(load_study(parts / "train", 4).classes.subclass_names == Names{"a", "b", "novel"});
  Folder({"a/1.png", "caf\xE9/1.png"}).fails("wanted a folder's name in UTF-8");
  const Folder none({});
  std::filesystem::create_directories(none / "a/b/c");
  none.fails(
      "wanted train_data.csv, or images in folders class/ or superclass/subclass/, got none among 2 "
      "without images (a/), 1 sub-folder (a/b/c/)");
  const Folder broken({"a/1.png", "b/1.png"});
  broken.write("b/1.png", "not a PNG");
  broken.fails("b/1.png");
  const Folder mapped({"a/1.png", "b/1.png"});  // the table is what is missing
  mapped.write("subclass_mapping.csv", "index,class\n0,a\n1,novel\n");
  mapped.fails("train_data.csv");
}

}  // namespace
}  // namespace tern

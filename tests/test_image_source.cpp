// Folders and zips of images, good and damaged.
#include "data/image_source.h"

#include <doctest/doctest.h>
#include <zip.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/images.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

namespace {

using Files =
    std::vector<std::pair<std::string, std::string>>;  // path, contents; a path ending in / is a folder

void write_zip(const std::filesystem::path& path, const Files& files, zip_int32_t method = ZIP_CM_DEFLATE) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(archive != nullptr);
  for (const auto& [name, contents] : files) {
    if (name.ends_with('/')) {
      REQUIRE(zip_dir_add(archive, name.c_str(), 0) >= 0);
      continue;
    }
    zip_source_t* source = zip_source_buffer(archive, contents.data(), contents.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
    REQUIRE(index >= 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 0);
  }
  REQUIRE(zip_close(archive) == 0);
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("image_source: names sort as people count") {
  CHECK(natural_less("2.jpg", "10.jpg"));
  CHECK_FALSE(natural_less("10.jpg", "2.jpg"));
  CHECK(natural_less("a2b10", "a2b11"));
  CHECK(natural_less("a", "a1"));
  CHECK(natural_less("", "a"));
  CHECK_FALSE(natural_less("a1", "a1"));
  CHECK(natural_less("01", "1") != natural_less("1", "01"));
  CHECK(natural_less("99999999999999999999998", "99999999999999999999999"));
  CHECK(natural_less("9.jpg", "99999999999999999999999.jpg"));
  CHECK(natural_less("img9_2", "img10_1"));
}

TEST_CASE("image_source: a folder") {
  const test::TemporaryFolder folder;
  for (const char* name :
       {"10.png", "2.JPEG", "1.jpg", "a.bmp", "010.png", "notes.txt", ".hidden.jpg", "jpg"}) {
    write_file(folder.path() / name, std::string("bytes of ") + name);
  }
  std::filesystem::create_directory(folder.path() / "sub.jpg");
  const auto source = ImageSource::open(folder.path());
  CHECK(source->names() == std::vector<std::string>{"1.jpg", "2.JPEG", "010.png", "10.png", "a.bmp"});
  CHECK(text_of(source->read("2.JPEG")) == "bytes of 2.JPEG");
  CHECK(source->contains("10.png"));
  CHECK_FALSE(source->contains("11.png"));
  CHECK_THROWS_WITH_AS(source->read("notes.txt"),
                       doctest::Contains("wanted an image named notes.txt, got none"), Error);
  CHECK_THROWS_AS(source->read("../1.jpg"), Error);
}

TEST_CASE("image_source: a zip") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "images.zip";
  write_zip(path, {{"train/", ""},
                   {"train/10.jpg", "ten"},
                   {"train/2.jpg", std::string(3'000'000, 'x') + "end"},
                   {"1.png", "one"},
                   {"train/0.jpg", ""},
                   {"__MACOSX/train/10.jpg", "resource fork"},
                   {"train/.3.jpg", "hidden"},
                   {".git/4.jpg", "hidden"},
                   {"train/readme.md", "no image"}});
  const auto source = ImageSource::open(path);
  CHECK(source->names() == std::vector<std::string>{"0.jpg", "1.png", "2.jpg", "10.jpg"});
  CHECK(text_of(source->read("10.jpg")) == "ten");
  CHECK(text_of(source->read("2.jpg")) == std::string(3'000'000, 'x') + "end");
  CHECK(source->read("0.jpg").empty());
  CHECK(source->describe("10.jpg") == path.string() + ": train/10.jpg");
  CHECK_THROWS_WITH_AS(source->read("3.jpg"), doctest::Contains("images.zip: wanted an image named 3.jpg"),
                       Error);

  std::vector<std::jthread> readers;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) right += text_of(source->read("10.jpg")) == "ten";
    });
  }
  readers.clear();
  CHECK(right == 200);
}

TEST_CASE("image_source: entries of a zip as other programs name them") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "images.zip";
  write_zip(path, {{"./", ""},
                   {"./0.jpg", "bsdtar"},
                   {"././train//1.JPG", "doubled"},
                   {"train\\2.jpg", "old Windows tools"},
                   {"C:\\train\\3.jpg", "a drive"},
                   {"/train/4.jpg", "absolute"},
                   {"../train/5.jpg", "above"},
                   {"train\\empty\\", ""},
                   {"__MACOSX\\._2.jpg", "resource fork"},
                   {"train\\.6.jpg", "hidden"},
                   {"./.git/7.jpg", "hidden"},
                   {"./8.jfif", "a JPEG"},
                   {"train\\9.webp", "another format"}});
  const auto source = ImageSource::open(path);
  CHECK(source->names() ==
        std::vector<std::string>{"0.jpg", "1.JPG", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "8.jfif"});
  CHECK(text_of(source->read("0.jpg")) == "bsdtar");
  CHECK(text_of(source->read("2.jpg")) == "old Windows tools");
  CHECK(source->describe("2.jpg") == path.string() + ": train\\2.jpg");
  CHECK(source->passed_over().text() == "passed over 4 files of " + path.string() +
                                            ": 2 hidden (.git/7.jpg), 1 .webp (train/9.webp), "
                                            "1 of __MACOSX (__MACOSX/._2.jpg)\n");
  for (const char* other : {"1.jpg", "a/1.jpg", "a\\1.jpg"}) {
    CAPTURE(other);
    write_zip(folder.path() / "twice.zip", {{"./1.jpg", "1"}, {other, "2"}});
    const std::string wanted = std::string("got two files named 1.jpg: ./1.jpg and ") + other;
    CHECK_THROWS_WITH_AS(ImageSource::open(folder.path() / "twice.zip"), doctest::Contains(wanted.c_str()),
                         Error);
  }
}

TEST_CASE("image_source: what is passed over is told, and what a name may have meant") {
  const test::TemporaryFolder folder;
  for (const char* name :
       {"1.jpg", "2.webp", "10.webp", "3.gif", "4.TIFF", "5", ".DS_Store", "caf\xC3\xA9.png", "6."}) {
    write_file(folder / name, "bytes");
  }
  std::filesystem::create_directories(folder / "more/deeper");
  write_file(folder / "more/7.jpg", "bytes");
  std::filesystem::create_directory(folder / "8.png");
  std::filesystem::create_symlink("nowhere", folder / "9.jpg");
  const auto source = ImageSource::open(folder.path());
  CHECK(source->names() == std::vector<std::string>{"1.jpg", "caf\xC3\xA9.png"});
  CHECK(source->passed_over().text() ==
        "passed over 8 files and 2 folders of " + folder.path().string() +
            ": 2 .webp (2.webp), 2 sub-folders (8.png/), 2 without extension (5), 1 "
            ".gif "
            "(3.gif), 1 .tiff (4.TIFF), 1 hidden (.DS_Store), 1 that is no file (9.jpg)\n");
  CHECK(source->nearest_text("2.webp") == ", which is there but no image by its name or place");
  CHECK(source->nearest_text("more/7.jpg") == ", which lies in a sub-folder");
  CHECK(source->nearest_text("more/1.jpg") == ", where names go without folders: 1.jpg is there");
  CHECK(source->nearest_text("1.JPG") == ", where 1.jpg is there");
  CHECK(source->nearest_text("cafe\xCC\x81.png") ==
        ", whose file there has the name in another Unicode normalisation (NFC, not NFD)");
  CHECK(source->nearest_text("77.jpg") == "");

  const test::TemporaryFolder plain;
  write_file(plain / "1.jpg", "bytes");
  CHECK(ImageSource::open(plain.path())->passed_over().text() == "");
}

TEST_CASE("image_source: what macOS leaves beside images is none") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "__MACOSX/pictures");
  for (const char* name : {"1.jpg", "._1.jpg", "__MACOSX/2.jpg", "__MACOSX/pictures/3.jpg"})
    write_file(folder / name, "bytes");
  const auto flat = ImageSource::open(folder.path()), tree = ImageSource::open_tree(folder.path(), 4, "some");
  for (const auto& source : {flat.get(), tree.get()}) {
    CHECK(source->names() == std::vector<std::string>{"1.jpg"});
    CHECK(source->passed_over().text() == "passed over 1 file and 1 folder of " + folder.path().string() +
                                              ": 1 hidden (._1.jpg), 1 of __MACOSX (__MACOSX/)\n");
  }
  std::filesystem::remove(folder / "1.jpg");
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path()),
                       doctest::Contains("got none among 1 hidden (._1.jpg), 1 of __MACOSX (__MACOSX/)"),
                       Error);
  try {
    ImageSource::open(folder.path());
  } catch (const Error& error) {  // which does not send anybody there
    CHECK(std::string(error.what()).find("but") == std::string::npos);
  }
}

TEST_CASE("image_source: a folder whose images lie below it") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "out/images");
  for (const char* name : {"out/images/1.jpg", "out/images/2.PNG", "notes.txt"})
    write_file(folder / name, "x");
  const std::string wanted =
      "got none among 1 .txt (notes.txt), 1 sub-folder (out/), but 2 in its sub-folder " +
      (folder / "out/images").string();
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path()), doctest::Contains(wanted.c_str()), Error);
  const std::string rest = wanted.substr(wanted.find(", but"));
  std::filesystem::create_directories(folder / "zebras");
  std::filesystem::create_directories(folder / ".hidden");
  for (const char* name : {"zebras/1.jpg", ".hidden/1.jpg"}) write_file(folder / name, "x");
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path()),
                       doctest::Contains((rest + " and more in 1 beside it").c_str()), Error);
}

TEST_CASE("image_source: what is no image set") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path()), doctest::Contains("got none"), Error);
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path() / "absent"), doctest::Contains("nothing of that name"),
                       Error);
  CHECK_THROWS_WITH_AS(ImageSource::open("/dev/null"), doctest::Contains("got neither"), Error);
  write_file(folder.path() / "text.zip", "this is no zip file at all");
  CHECK_THROWS_WITH_AS(
      ImageSource::open(folder.path() / "text.zip"),
      doctest::Contains("text.zip: wanted a folder or a zip file of images, got another kind"), Error);
  write_file(folder.path() / "empty.zip", "");
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path() / "empty.zip"), doctest::Contains("an empty file"),
                       Error);
  write_zip(folder.path() / "cut.zip", {{"1.jpg", "1"}, {"2.jpg", "2"}});
  write_file(folder.path() / "cut.zip", read_text_file(folder.path() / "cut.zip").substr(0, 60));
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path() / "cut.zip"),
                       doctest::Contains("a zip file that is damaged or ends early"), Error);

  write_zip(folder.path() / "twice.zip", {{"a/1.jpg", "1"}, {"b/1.jpg", "2"}});
  CHECK_THROWS_WITH_AS(ImageSource::open(folder.path() / "twice.zip"),
                       doctest::Contains("two files named 1.jpg"), Error);
}

TEST_CASE("image_source: a damaged zip names the file and the entry") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "images.zip";
  write_zip(path, {{"train/1.jpg", "first image"}, {"train/2.jpg", "second image"}}, ZIP_CM_STORE);
  const std::string good = read_text_file(path);

  std::string flipped = good;
  flipped[flipped.find("second image")] = 'S';
  write_file(path, flipped);
  auto source = ImageSource::open(path);
  CHECK(text_of(source->read("1.jpg")) == "first image");
  CHECK_THROWS_WITH_AS(source->read("2.jpg"), doctest::Contains("images.zip: train/2.jpg: "), Error);

  // The central directory claims 1 GiB for the second entry.
  std::string absurd = good;
  const std::size_t central = absurd.rfind("PK\x01\x02");
  absurd.replace(central + 24, 4, std::string("\0\0\0\x40", 4));
  write_file(path, absurd);
  source = ImageSource::open(path);
  CHECK_THROWS_WITH_AS(source->read("2.jpg"), doctest::Contains("at most 256 MiB, got 1024 MiB"), Error);

  // Cut anywhere, damaged anywhere: an error, or what the entry really holds.
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const bool cut : {true, false}) {
      std::string bad = good.substr(0, cut ? i : good.size());
      if (!cut) bad[i] = static_cast<char>(bad[i] ^ 0x5A);
      std::ofstream(path, std::ios::binary) << bad;  // without write_file's flush to the disk
      try {
        source = ImageSource::open(path);
        CHECK_FALSE(cut);
        for (const std::string& name : source->names()) {
          const std::string text = text_of(source->read(name));
          CHECK((text == "first image" || text == "second image"));
        }
      } catch (const Error& error) {
        CHECK(std::string(error.what()).find("images.zip") != std::string::npos);
      }
    }
  }
}

#include "engine/io/file.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/core/check.h"
#include "support/files.h"
#include "support/full_disk.h"

using namespace tern;
using test::error_of;
namespace fs = std::filesystem;

TEST_CASE("write_file, read_file: any bytes come back") {
  const test::TemporaryFolder folder;
  const std::string text("line\n\0\xff\r\n", 8);
  write_file(folder / "a", text);
  CHECK(read_text_file(folder / "a") == text);
  const std::vector<std::byte> bytes = read_file(folder / "a");
  CHECK(bytes.size() == 8);
  CHECK(bytes[5] == std::byte{0});
  CHECK(folder.size() == 1);
  write_file(folder / "a", "");
  CHECK(read_file(folder / "a").empty());
}

TEST_CASE("read_file: names the file and what is wrong") {
  const test::TemporaryFolder folder;
  const std::string absent = (folder / "absent").string();
  CHECK(error_of([&] { read_file(absent); }) == absent + ": wanted a file, got nothing there");
  CHECK(error_of([&] { read_file(folder.path()); }) ==
        folder.path().string() + ": wanted a regular file, got a folder or device");
  CHECK(error_of([&] { read_file("/dev/zero"); }) ==
        "/dev/zero: wanted a regular file, got a folder or device");
  write_file(folder / "a", "12345");
  CHECK(read_text_file(folder / "a", 5) == "12345");
  CHECK(error_of([&] { read_text_file(folder / "a", 4); }) ==
        (folder / "a").string() + ": wanted at most 4 bytes, got 5");
}

TEST_CASE("AtomicFile: the old file stays until commit, and without commit for good") {
  const test::TemporaryFolder folder;
  write_file(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("new");
    CHECK(read_text_file(folder / "a") == "old");
  }
  CHECK(read_text_file(folder / "a") == "old");
  CHECK(folder.size() == 1);
  {
    AtomicFile file(folder / "a");
    file.write("new ");
    file.write("one");
    file.commit();
  }
  CHECK(read_text_file(folder / "a") == "new one");
  CHECK(folder.size() == 1);
}

TEST_CASE("AtomicFile: names the file it cannot create or replace") {
  const test::TemporaryFolder folder;
  const fs::path lost = folder / "no_such_folder/a";
  CHECK(error_of([&] { write_file(lost, "x"); }) ==
        lost.string() + ": cannot create it: No such file or directory");
  fs::create_directories(folder / "taken/inside");
  CHECK(error_of([&] { write_file(folder / "taken", "x"); }).find("cannot finish it") != std::string::npos);
  CHECK(folder.size() == 1);
  CHECK(fs::is_directory(folder / "taken/inside"));
}

TEST_CASE("AtomicFile: a full disk leaves the old file and nothing else") {
  const test::TemporaryFolder folder;
  write_file(folder / "a", "old");
  std::string message;
  {
    const test::FullDisk full(4096);
    message = error_of([&] { write_file(folder / "a", std::string(10'000, 'x')); });
  }
  CHECK(message == (folder / "a").string() + ": cannot write it: File too large");
  CHECK(read_text_file(folder / "a") == "old");
  CHECK(folder.size() == 1);
}

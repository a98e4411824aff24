#include "engine/io/zip_archive.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "support/files.h"

using namespace tern;
using test::error_of;

namespace {

std::string contents(const ZipArchive& archive, const std::string& name) {
  const std::vector<std::byte> bytes = archive.read(name, 1 << 20);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Reads every entry, after verify() said the same of it.
void read_all(const std::filesystem::path& path) {
  const ZipArchive archive(path);
  for (const std::string& name : archive.names()) {
    const std::string verdict = error_of([&] { archive.verify(name); });
    CHECK(verdict == error_of([&] { archive.read(name, 1 << 20); }));
    archive.read(name, 1 << 20);
  }
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("ZipArchive: names, sizes and contents") {
  const test::TemporaryFolder folder;
  test::write_zip(folder / "a.zip", {{"b/one", "hello"}, {"a", ""}});
  const ZipArchive archive(folder / "a.zip");
  CHECK(archive.names() == std::vector<std::string>{"b/one", "a"});
  CHECK(archive.contains("a"));
  CHECK_FALSE(archive.contains("one"));
  CHECK(archive.size("b/one") == 5);
  CHECK(contents(archive, "b/one") == "hello");
  CHECK(contents(archive, "a").empty());
  CHECK(contains(error_of([&] { archive.size("c"); }), "wanted an entry c, got an archive without it"));
  CHECK(
      contains(error_of([&] { archive.read("b/one", 4); }), "wanted at most 4 bytes in entry b/one, got 5"));
  std::vector<std::byte> short_buffer(3);
  CHECK(contains(error_of([&] { archive.read("b/one", short_buffer); }), "it has 5 bytes, not 3"));
}

TEST_CASE("ZipArchive: deflated entries") {
  const ZipArchive archive(test::golden("torch_checkpoint_compressed.pth"));
  CHECK(contents(archive, archive.names().back()) == "3\n");
}

TEST_CASE("ZipArchive: what is no archive") {
  const test::TemporaryFolder folder;
  write_file(folder / "text", "hello");
  CHECK(contains(error_of([&] { ZipArchive(folder / "text"); }), "not a whole zip archive"));
  CHECK(contains(error_of([&] { ZipArchive(folder / "absent"); }), "nothing there"));
  CHECK(contains(error_of([&] { ZipArchive(folder.path()); }), "a folder"));
}

TEST_CASE("ZipArchive: a changed byte of an entry fails its checksum") {
  const test::TemporaryFolder folder;
  test::write_zip(folder / "a.zip", {{"one", "hello world"}});
  std::string bytes = read_text_file(folder / "a.zip");
  bytes[bytes.find("world")] = 'W';
  write_file(folder / "b.zip", bytes);
  CHECK(contains(error_of([&] { read_all(folder / "b.zip"); }), "cannot read entry one: CRC error"));
}

TEST_CASE("ZipArchive: an entry that claims an absurd size is refused before anything is allocated") {
  const test::TemporaryFolder folder;
  test::write_zip(folder / "a.zip", {{"one", "hello world"}});
  std::string bytes = read_text_file(folder / "a.zip");
  const std::size_t directory = bytes.rfind("PK\x01\x02");
  bytes.replace(directory + 24, 4, "\xff\xff\xff\x7f");  // the unpacked size
  write_file(folder / "b.zip", bytes);
  CHECK(contains(error_of([&] { read_all(folder / "b.zip"); }), "claims 2147483647 bytes, packed in 11"));
}

TEST_CASE("ZipArchive: two entries of one name") {
  const test::TemporaryFolder folder;
  test::write_zip(folder / "a.zip", {{"one", "1"}, {"two", "2"}});
  std::string bytes = read_text_file(folder / "a.zip");
  for (std::size_t place = 0; (place = bytes.find("two", place)) != std::string::npos;)
    bytes.replace(place, 3, "one");
  write_file(folder / "b.zip", bytes);
  CHECK(contains(error_of([&] { read_all(folder / "b.zip"); }), "corrupted"));
}

TEST_CASE("ZipArchive: every truncation is an Error") {
  const test::TemporaryFolder folder;
  const std::string bytes = read_text_file(test::golden("torch_checkpoint_compressed.pth"));
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    test::write_quickly(folder / "cut", bytes.substr(0, length));
    CAPTURE(length);
    CHECK(error_of([&] { read_all(folder / "cut"); }) != "no error");
  }
}

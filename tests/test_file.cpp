#include "engine/io/file.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <set>
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

TEST_CASE("read_text_file: without the byte order mark at its head, which read_file keeps") {
  const test::TemporaryFolder folder;
  write_file(folder / "t", "\xEF\xBB\xBFtext \xEF\xBB\xBF");
  CHECK(read_text_file(folder / "t") == "text \xEF\xBB\xBF");
  CHECK(read_file(folder / "t").size() == 11);
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
        lost.string() + ": wanted a folder to write it in, got none at " + lost.parent_path().string());
  fs::create_directories(folder / "taken/inside");
  CHECK(error_of([&] { write_file(folder / "taken", "x"); }) ==
        (folder / "taken").string() + ": wanted a file to write, got a folder");
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

TEST_CASE(
    "check_writable: a folder that takes no files is told before any work, and one that does stays as it "
    "was") {
  const fs::path path = "/proc/none.csv";
  const std::string message = error_of([&] { check_writable("--out", path); });
  CHECK(message.starts_with("--out: /proc/none.csv: cannot create it: "));
  CHECK(message == "--out: " + error_of([&] { write_file(path, "x"); }));
  const test::TemporaryFolder folder;
  check_writable("--out", folder / "new");
  CHECK(folder.size() == 0);
  write_file(folder / "old", "text");
  check_writable("--out", folder / "old");
  CHECK(read_text_file(folder / "old") == "text");
  CHECK(folder.size() == 1);
}

TEST_CASE("make_folder: with those above it; what keeps it from being made is told with the option") {
  const test::TemporaryFolder folder;
  make_folder("--out", folder / "a/b");
  make_folder("--out", folder / "a/b");
  CHECK(fs::is_directory(folder / "a/b"));
  write_file(folder / "file", "");
  CHECK(error_of([&] { make_folder("--out", folder / "file/a"); }) ==
        "--out " + (folder / "file/a").string() + ": cannot make the folder: Not a directory");
  CHECK(error_of([&] { make_folder("--out", "/proc/none"); }) ==
        "--out /proc/none: cannot make the folder: No such file or directory");
}

TEST_CASE("AtomicFile: replaces files only") {
  const test::TemporaryFolder folder;
  const auto refusal = [](const fs::path& path) {
    const std::string message = error_of([&] { write_file(path, "x"); });
    CHECK("OUT: " + message == error_of([&] { check_writable("OUT", path); }));
    CHECK(message.starts_with(path.string() + ": wanted a file"));
    return message.substr(message.rfind(", got ") + 6);
  };
  CHECK(refusal("/dev/null") == "a device");
  CHECK(refusal("/dev/full") == "a device");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(refusal(folder / "pipe") == "a pipe");
  fs::create_symlink("pipe", folder / "link");
  CHECK(refusal(folder / "link") == "a pipe");
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{AF_UNIX, {}};
  (folder / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  close(descriptor);
  CHECK(refusal(folder / "socket") == "a socket");
  fs::create_directory(folder / "inner");
  CHECK(refusal(folder / "inner") == "a folder");
  CHECK(refusal(folder / "inner/") == "a folder");
  CHECK(refusal(folder / "absent/") == "a name that ends in /");
  CHECK(refusal("") == "no name");
  fs::create_symlink("round", folder / "round");
  CHECK(error_of([&] { write_file(folder / "round", "x"); }).starts_with((folder / "round").string()));
  CHECK(folder.size() == 5);
}

TEST_CASE("check_replaces_only: lets go only what is one of a kind, is empty, or is no file to read") {
  const test::TemporaryFolder folder;
  const auto refusal = [](const fs::path& path) {
    return error_of([&] {
      check_replaces_only(
          "--out", path, [](std::string_view head) { return head == "ours"; }, "one of ours");
    });
  };
  CHECK(refusal(folder / "new") == "no error");
  write_file(folder / "empty", "");
  CHECK(refusal(folder / "empty") == "no error");
  write_file(folder / "ours", "ours");
  CHECK(refusal(folder / "ours") == "no error");
  write_file(folder / "theirs", "theirs");
  CHECK(refusal(folder / "theirs") ==
        "--out " + (folder / "theirs").string() +
            ": wanted a new file, or one of ours to write over, got another file");
  // Opened, the pipe would wait for a writer for ever.
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(refusal(folder / "pipe") == "no error");
  CHECK(refusal("/dev/null") == "no error");
  CHECK(refusal(folder.path()) == "no error");
}

TEST_CASE("AtomicFile: follows links, and leaves them") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "elsewhere");
  write_file(folder / "elsewhere/a", "old");
  fs::create_symlink("elsewhere/a", folder / "link");
  fs::create_symlink(folder / "link", folder / "link to link");
  write_file(folder / "link to link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(fs::is_symlink(folder / "link to link"));
  CHECK(read_text_file(folder / "elsewhere/a") == "new");
  // A link to nothing yet makes its file; one to a folder that is not there cannot.
  fs::create_symlink("elsewhere/b", folder / "dangling");
  write_file(folder / "dangling", "made");
  CHECK(read_text_file(folder / "elsewhere/b") == "made");
  CHECK_FALSE(fs::is_symlink(folder / "elsewhere/b"));
  fs::create_symlink("nowhere/c", folder / "lost");
  CHECK(error_of([&] { write_file(folder / "lost", "x"); }) ==
        (folder / "lost").string() + ": wanted a folder to write it in, got none at " +
            (folder / "nowhere").string());
  CHECK(same_file(folder / "link", folder / "elsewhere/a"));
  CHECK_FALSE(same_file(folder / "link", folder / "elsewhere/b"));
  CHECK_FALSE(same_file(folder / "lost", folder / "lost"));
}

TEST_CASE("remove_unfinished: takes what a killed process was writing, and nothing else") {
  const test::TemporaryFolder folder;
  for (const char* name : {"a.csv", "a.csv.tmp12", "b.tmp", "c.tmp1x", ".tmp7"})
    write_file(folder / name, "x");
  fs::create_directories(folder / "d.tmp3");
  CHECK(is_unfinished("some/a.csv.tmp12"));
  CHECK_FALSE(is_unfinished("a.tmp1/b"));
  remove_unfinished(folder.path());
  std::set<std::string> left;
  for (const auto& entry : fs::directory_iterator(folder.path())) left.insert(entry.path().filename());
  CHECK(left == std::set<std::string>{"a.csv", "b.tmp", "c.tmp1x", "d.tmp3"});
}

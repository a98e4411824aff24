// One process at a time in a folder: also when the one before was killed, and whatever order they come in.
#include "engine/io/folder_lock.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>

#include "tests/support/files.h"

using namespace tern;
using doctest::Contains;

namespace {

/// Another process that holds a folder's lock until it is killed.
class Holder {
 public:
  explicit Holder(const std::filesystem::path& folder) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    child_ = fork();
    if (child_ == 0) {
      const FolderLock lock(folder, "folder", "at work in it");
      if (write(ready[1], "x", 1) == 1) pause();
      _exit(1);
    }
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Holder() { end(); }
  void end() {
    if (child_ < 0) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = -1;
  }
  pid_t process() const { return child_; }

 private:
  pid_t child_ = -1;
};

}  // namespace

TEST_CASE("folder_lock: held, refused, given back") {
  const test::TemporaryFolder folder;
  {
    const FolderLock lock(folder.path(), "--out F", "training into it");
    CHECK(lock.is_held());
    CHECK(std::filesystem::exists(folder / "lock"));
    CHECK(is_empty_but_for_lock(folder.path()));
    const std::string wanted =
        "--out F: another process is training into it (process " + std::to_string(getpid()) + ")";
    CHECK_THROWS_WITH_AS(FolderLock(folder.path(), "--out F", "training into it"), wanted.c_str(), Error);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "lock"));
  CHECK(FolderLock(folder.path(), "", "").is_held());
  test::write_quickly(folder / "other", "");
  CHECK_FALSE(is_empty_but_for_lock(folder.path()));
}

TEST_CASE("folder_lock: another process holds it, is named, and leaves nothing when it is killed") {
  const test::TemporaryFolder folder;
  Holder holder(folder.path());
  const std::string named = "(process " + std::to_string(holder.process()) + ")";
  CHECK_THROWS_WITH_AS(FolderLock(folder.path(), "F", "at work in it"), Contains(named.c_str()), Error);
  holder.end();
  CHECK(std::filesystem::exists(folder / "lock"));
  CHECK(FolderLock(folder.path(), "F", "at work in it").is_held());
}

TEST_CASE("folder_lock: a process that waited on a file which its holder removed takes no lock on that one") {
  const test::TemporaryFolder folder;
  std::optional<FolderLock> first(std::in_place, folder.path(), "F", "at work in it");
  std::filesystem::remove(folder / "lock");  // by hand
  const FolderLock second(folder.path(), "F", "at work in it");
  CHECK(std::filesystem::exists(folder / "lock"));
}

TEST_CASE(
    "folder_lock: shared by several, kept from one that wants it alone, and removed with the last of them") {
  const test::TemporaryFolder folder;
  using Kind = FolderLock::Kind;
  std::optional<FolderLock> first(std::in_place, folder.path(), "F", "at work in it");
  CHECK(FolderLock::try_lock(folder.path(), "F") == nullptr);
  CHECK_THROWS_AS(FolderLock(folder.path(), "F", "x", Kind::shared), Error);
  first->share();
  std::optional<FolderLock> second(std::in_place, folder.path(), "F", "x", Kind::shared);
  first.reset();
  CHECK(std::filesystem::exists(folder / "lock"));
  CHECK(FolderLock::try_lock(folder.path(), "F") == nullptr);
  second.reset();
  CHECK_FALSE(std::filesystem::exists(folder / "lock"));
  CHECK(FolderLock::try_lock(folder.path(), "F")->is_held());
}

TEST_CASE("folder_lock: what is in the way") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(
      FolderLock(folder / "absent", "F", "x"),
      ("F: cannot make " + (folder / "absent/lock").string() + ": No such file or directory").c_str(), Error);
  test::write_quickly(folder / "lock", "my own notes\n");
  CHECK_THROWS_WITH_AS(FolderLock(folder.path(), "F", "x"),
                       Contains("lock: wanted a file of tern's, or none, got another one"), Error);
  CHECK(read_text_file(folder / "lock") == "my own notes\n");
}

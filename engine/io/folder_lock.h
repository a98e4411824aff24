// Keeps a folder to one process, or to those that share it: a lock (flock) on the file FOLDER/lock.
//
// The lock is the kernel's and ends with the process, kill -9 included. The file itself says who holds it
// ("tern <process> <host>") and is removed with the lock; one that a killed process left behind means nothing
// and is taken over. Over NFS the lock holds among all machines that mount the folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace tern {

class FolderLock {
 public:
  static constexpr const char* kFileName = "lock";
  enum class Kind { alone, shared };

  /// Locks `folder`, which must be there. Throws Error{subject, "another process is <doing> (process N)"}
  /// where one holds it ("training into it") and both do not share it, or where the file cannot be made, and
  /// Error{file, ...} where it is somebody else's.
  FolderLock(const std::filesystem::path& folder, const std::string& subject, const std::string& doing,
             Kind kind = Kind::alone);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// The lock of a process alone, or null where another holds it. Throws Error as the constructor does for anything else.
  static std::unique_ptr<FolderLock> try_lock(const std::filesystem::path& folder,
                                              const std::string& subject);

  /// Lets others share a folder that was locked alone.
  void share();

  /// False where the file system has no locks: then nothing keeps another process away.
  bool is_held() const { return is_held_; }

 private:
  FolderLock(const std::filesystem::path& folder, Kind kind) : path_(folder / kFileName), kind_(kind) {}
  bool acquire(const std::string& subject, int tries);
  void open(const std::string& subject);
  bool lock_soon(int tries);
  bool lock();  ///< false if it is held elsewhere
  bool is_still_there() const;
  void sign() const;

  std::filesystem::path path_;
  Kind kind_;
  int descriptor_ = -1;
  bool is_held_ = false;      ///< by the file system
  bool is_acquired_ = false;  ///< that, or nothing can hold it
};

/// Whether a folder, which must be there, holds nothing but the lock's file and what is_unfinished() (file.h).
bool is_empty_but_for_lock(const std::filesystem::path& folder);

}  // namespace tern

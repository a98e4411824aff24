// Whole files: read at once, or written beside their name and renamed when complete, so that a reader never
// sees half a file and a full disk or a crash leaves the old one as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

/// The bytes of a regular file; of a text those behind its byte order mark, which some editors put at the
/// head. Throws Error{path, ...} if it is absent, no regular file, or over `max_bytes`.
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 std::uint64_t max_bytes = std::uint64_t{1} << 34);
std::string read_text_file(const std::filesystem::path& path,
                           std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// Collects a file under a temporary name in the same folder; commit() flushes it to the disk, renames it and flushes the
/// folder, so that after a power cut there is the old file or the whole new one, and never a later file without this one.
/// Destroyed without commit(), it removes what it wrote. Where `path` is a link, the file that it points to
/// is replaced or made and the link stays. Every member throws Error{path, ...} on failure; the constructor
/// also where something other than a file is there, which a rename would replace (/dev/null, say).
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path path_;                ///< as given, for messages
  std::filesystem::path target_, temporary_;  ///< without links
  int descriptor_ = -1;
};

/// Whether this is the name of a file that AtomicFile collects, which stays behind where a process is killed.
bool is_unfinished(const std::filesystem::path& path);
/// Removes such files from a folder, not from those in it. For who keeps other processes from writing there.
void remove_unfinished(const std::filesystem::path& folder);

void write_file(const std::filesystem::path& path, std::string_view text);  ///< AtomicFile, write, commit

/// Waits until names that were made, changed or removed in a folder are on the disk. Throws Error{folder, ...} on failure.
void sync_folder(const std::filesystem::path& folder);
/// Waits until all that was written to a folder's file system is: of thousands of small files much sooner than one by one.
void sync_file_system(const std::filesystem::path& folder);

/// Throws Error{option, ...} if `path`, the value of a command's option, is no place for AtomicFile to write to: no folder is there
/// for it, nothing can be made in that folder, or something other than a file is there already. To be asked before long work.
void check_writable(const std::string& option, const std::filesystem::path& path);

/// Makes a folder and those above it where they are absent. Throws Error{option + path, ...} where it cannot.
void make_folder(const std::string& option, const std::filesystem::path& path);

/// Throws Error{option + path, ...} if writing `path` would replace the input `what` ("the weights").
void check_not_input(const std::string& option, const std::filesystem::path& path, const std::string& what,
                     const std::filesystem::path& input);

/// Throws Error{option + path, ...} if writing `path` would replace a file that is not empty, unless `replace` is true.
void check_replaces(const std::string& option, const std::filesystem::path& path, bool replace);

/// Throws Error{option + path, ...} if writing `path` would replace a file of which `is_one` is not true of the first KiB, which is
/// none of the kind that `what` names ("a page of tern's"). An empty file is nothing to lose, and what is no regular file is not
/// opened: a pipe would wait for a writer.
void check_replaces_only(const std::string& option, const std::filesystem::path& path,
                         const std::function<bool(std::string_view head)>& is_one, const std::string& what);

/// Whether both are there and one and the same file or folder, whatever links and names lead to it.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace tern

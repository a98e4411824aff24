#include "engine/io/zip_archive.h"

#include <zip.h>

#include <algorithm>
#include <system_error>

#include "engine/core/check.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

// Deflate's best is 258 bytes for two bits; what claims more is no honest archive.
constexpr std::uint64_t kMaxDeflateRatio = 1032;

struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

// An entry being unpacked, piece by piece.
class Unpacking {
 public:
  Unpacking(const fs::path& path, zip_t* archive, std::string_view name, std::uint64_t index)
      : path_(path), name_(name), file_(zip_fopen_index(archive, index, 0)) {
    if (!file_) fail(zip_strerror(archive));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(path_.string(), "cannot read entry " + std::string(name_) + ": " + what);
  }

  // Fills the start of `into`, which is not empty, and returns how much; never 0.
  std::size_t next(std::span<std::byte> into) {
    constexpr std::size_t kMaxAtOnce = std::size_t{1} << 30;
    const std::int64_t got = zip_fread(file_.get(), into.data(), std::min(into.size(), kMaxAtOnce));
    if (got < 0) fail(zip_file_strerror(file_.get()));
    if (got == 0) fail("it ends early");
    return static_cast<std::size_t>(got);
  }

  // To be called at the entry's end: libzip compares the checksum only when asked to read there.
  void finish() {
    std::byte past_end;
    const std::int64_t got = zip_fread(file_.get(), &past_end, 1);
    if (got < 0) fail(zip_file_strerror(file_.get()));
    if (got > 0) fail("it goes on past its size");
  }

 private:
  const fs::path& path_;
  std::string_view name_;
  std::unique_ptr<zip_file_t, CloseEntry> file_;
};

}  // namespace

void ZipArchive::Close::operator()(struct zip* archive) const {
  zip_discard(archive);
}

ZipArchive::ZipArchive(const fs::path& path) : path_(path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw Error(path.string(), "a zip archive", "nothing there");
  if (!fs::is_regular_file(status)) throw Error(path.string(), "a zip archive", "a folder or device");
  const std::uint64_t file_bytes = fs::file_size(path, error);

  int code = 0;
  archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (!archive_)
    throw Error(path.string(), "not a whole zip archive, truncated or corrupted (" + text_of(code) + ")");
  const std::int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (std::int64_t index = 0; index < count; ++index) {
    add_entry(static_cast<std::uint64_t>(index), file_bytes);
  }
}

void ZipArchive::add_entry(std::uint64_t index, std::uint64_t file_bytes) {
  zip_stat_t about;
  zip_stat_init(&about);
  constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if (zip_stat_index(archive_.get(), index, 0, &about) != 0 || (about.valid & kNeeded) != kNeeded) {
    throw Error(path_.string(),
                "corrupted zip archive: entry " + std::to_string(index) + " has no description");
  }
  const std::string name = about.name;
  const bool stored = about.comp_method == ZIP_CM_STORE;
  const bool plausible =
      about.comp_size <= file_bytes &&
      (stored ? about.size == about.comp_size : about.size / kMaxDeflateRatio <= about.comp_size);
  if (!plausible) {
    throw Error(path_.string(), "corrupted zip archive: entry " + name + " claims " +
                                    std::to_string(about.size) + " bytes, packed in " +
                                    std::to_string(about.comp_size));
  }
  if (!entries_.emplace(name, Entry{index, about.size}).second) {
    throw Error(path_.string(), "corrupted zip archive: two entries are named " + name);
  }
  names_.push_back(name);
}

const ZipArchive::Entry& ZipArchive::entry(std::string_view name) const {
  const auto found = entries_.find(std::string(name));
  if (found == entries_.end()) {
    throw Error(path_.string(), "an entry " + std::string(name), "an archive without it");
  }
  return found->second;
}

std::uint64_t ZipArchive::size(std::string_view name) const {
  return entry(name).size;
}

void ZipArchive::read(std::string_view name, std::span<std::byte> into) const {
  const Entry& wanted = entry(name);
  Unpacking unpacking(path_, archive_.get(), name, wanted.index);
  if (into.size() != wanted.size) {
    unpacking.fail("it has " + std::to_string(wanted.size) + " bytes, not " + std::to_string(into.size()));
  }
  while (!into.empty()) into = into.subspan(unpacking.next(into));
  unpacking.finish();
}

void ZipArchive::verify(std::string_view name) const {
  const Entry& wanted = entry(name);
  Unpacking unpacking(path_, archive_.get(), name, wanted.index);
  std::vector<std::byte> piece(std::min<std::uint64_t>(wanted.size, std::uint64_t{1} << 20));
  for (std::uint64_t left = wanted.size; left > 0;) {
    left -= unpacking.next(std::span(piece).first(std::min<std::uint64_t>(left, piece.size())));
  }
  unpacking.finish();
}

std::vector<std::byte> ZipArchive::read(std::string_view name, std::uint64_t max_bytes) const {
  const std::uint64_t bytes = size(name);
  if (bytes > max_bytes) {
    throw Error(path_.string(),
                "at most " + std::to_string(max_bytes) + " bytes in entry " + std::string(name),
                std::to_string(bytes));
  }
  std::vector<std::byte> contents(bytes);
  read(name, contents);
  return contents;
}

}  // namespace tern

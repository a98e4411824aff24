#include "engine/io/zip_archive.h"

#include <zip.h>

#include <algorithm>

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
constexpr std::uint64_t kMostDeflateRatio = 1032;

struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
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
      (stored ? about.size == about.comp_size : about.size / kMostDeflateRatio <= about.comp_size);
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
  const auto fail = [&](const std::string& what) {
    throw Error(path_.string(), "cannot read entry " + std::string(name) + ": " + what);
  };
  if (into.size() != wanted.size)
    fail("it has " + std::to_string(wanted.size) + " bytes, not " + std::to_string(into.size()));
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(archive_.get(), wanted.index, 0));
  if (!file) fail(zip_strerror(archive_.get()));

  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;
  while (!into.empty()) {
    const std::int64_t got = zip_fread(file.get(), into.data(), std::min(into.size(), kMostAtOnce));
    if (got < 0) fail(zip_file_strerror(file.get()));
    if (got == 0) fail("it ends early");
    into = into.subspan(static_cast<std::size_t>(got));
  }
  // libzip compares the checksum only when asked to read at the end.
  std::byte past_end;
  const std::int64_t got = zip_fread(file.get(), &past_end, 1);
  if (got < 0) fail(zip_file_strerror(file.get()));
  if (got > 0) fail("it goes on past its size");
}

std::vector<std::byte> ZipArchive::read(std::string_view name, std::uint64_t most_bytes) const {
  const std::uint64_t bytes = size(name);
  if (bytes > most_bytes) {
    throw Error(path_.string(),
                "at most " + std::to_string(most_bytes) + " bytes in entry " + std::string(name),
                std::to_string(bytes));
  }
  std::vector<std::byte> contents(bytes);
  read(name, contents);
  return contents;
}

}  // namespace tern

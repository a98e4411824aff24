#include "data/image_source.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The run of digits of `text` at `at`, without leading zeros; moves `at` behind it.
std::string_view take_number(std::string_view text, std::size_t& at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::size_t begin = at;
  while (begin + 1 < end && text[begin] == '0') ++begin;
  at = end;
  return text.substr(begin, end - begin);
}

/// As "._1.jpg" is, which macOS puts beside 1.jpg on other systems' disks.
bool is_hidden(std::string_view name) {
  return name.starts_with('.');
}

/// The folder that macOS puts into a zip beside the zipped ones, full of "._1.jpg" and the like: no images by their
/// contents.
constexpr const char* kOfMacos = "__MACOSX";
constexpr const char* kOfMacosKind = "of __MACOSX";

}  // namespace

bool is_image_name(const std::string& name) {
  constexpr std::array kEnds{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp"};
  return !is_hidden(name) && std::find(kEnds.begin(), kEnds.end(), PassedOver::kind_of(name)) != kEnds.end();
}

namespace {

constexpr const char* kWantedNames = "images (.jpg, .jpeg, .jpe, .jfif, .png, .bmp)";

/// What of a folder without images may have been meant: the folders below it that hold some. ", but ..."
std::string images_below(const fs::path& folder) {
  std::map<fs::path, std::int64_t> found;
  std::error_code code;  // what cannot be listed is not counted
  int left = 100'000;    // whoever names a whole disk by mistake does not wait for it
  constexpr auto kOptions = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(folder, kOptions, code), end;
       !code && entry != end && left-- > 0; entry.increment(code)) {
    std::error_code ignored;
    const fs::path& path = entry->path();
    if (is_hidden(path.filename().string()) || path.filename() == kOfMacos)
      entry.disable_recursion_pending();
    else if (is_image_name(path.filename().string()) && entry->is_regular_file(ignored))
      ++found[path.parent_path()];
  }
  if (found.empty()) return {};
  const auto& [first, count] = *found.begin();
  std::string text = ", but " + std::to_string(count) + " in its sub-folder " + first.string();
  if (found.size() > 1) text += " and more in " + std::to_string(found.size() - 1) + " beside it";
  return text;
}

/// A zip entry's name as folders and file, without what stands for no folder: "./a\\b.jpg" is "a/b.jpg".
std::string plain_entry_name(std::string_view entry) {
  std::string plain, part;
  const auto end_part = [&] {
    if (!part.empty() && part != "." && part != "..") plain += (plain.empty() ? "" : "/") + part;
    part.clear();
  };
  for (const char letter : entry) {
    if (letter == '/' || letter == '\\')
      end_part();
    else
      part += letter;
  }
  end_part();
  return plain;
}

/// Of a file that cannot be opened as a zip.
std::string what_is(const fs::path& file) {
  std::array<char, 2> start{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(start.data(), start.size());
  if (stream.gcount() == 0) return "an empty file, or one that cannot be read";
  return start == std::array{'P', 'K'} ? "a zip file that is damaged or ends early" : "another kind of file";
}

[[noreturn]] void throw_absent(const ImageSource& source, const std::string& name) {
  throw Error(source.path().string(), "an image named " + name, "none");
}

/// A folder and, `depth` folders down, those in it.
class Folder final : public ImageSource {
 public:
  explicit Folder(const fs::path& folder, int depth = 0, const char* wanted = kWantedNames)
      : ImageSource(folder) {
    list("", depth);
    if (names_.empty()) throw Error(folder.string(), wanted, none_text() + images_below(folder));
    std::sort(names_.begin(), names_.end(), natural_less);
  }

  std::vector<std::byte> read(const std::string& name) const override {
    if (!contains(name)) throw_absent(*this, name);
    return read_file(path_ / name, kMaxBytes);
  }
  std::string describe(const std::string& name) const override { return (path_ / name).string(); }

 private:
  /// `prefix`: of names below, "" or "dog/".
  void list(const std::string& prefix, int depth) {
    const fs::path folder = path_ / prefix;
    const std::size_t before = names_.size();
    std::error_code code;
    for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
      take(*entry, prefix, depth);
    }
    if (code) throw Error(folder.string(), "cannot list the folder: " + code.message());
    if (!prefix.empty() && names_.size() == before) passed_over_.add("without images", prefix);
  }

  void take(const fs::directory_entry& entry, const std::string& prefix, int depth) {
    std::error_code ignored;  // a dangling link is no regular file
    const std::string name = entry.path().filename().string();
    if (is_hidden(name))
      passed_over_.add("hidden", prefix + name);
    else if (name == kOfMacos && entry.is_directory(ignored))
      passed_over_.add(kOfMacosKind, prefix + name + "/");
    else if (entry.is_directory(ignored) && depth > 0)
      list(prefix + name + "/", depth - 1);
    else if (entry.is_directory(ignored))
      passed_over_.add(PassedOver::kSubFolder, prefix + name + "/");
    else if (!is_image_name(name))
      passed_over_.add(PassedOver::kind_of(name), prefix + name);
    else if (entry.is_regular_file(ignored))
      names_.push_back(prefix + name);
    else
      passed_over_.add("that is no file", prefix + name);
  }
};

class Zip final : public ImageSource {
 public:
  explicit Zip(const fs::path& file) : ImageSource(file) {
    int code = 0;
    archive_ = zip_open(file.c_str(), ZIP_RDONLY, &code);
    if (archive_ == nullptr) {
      zip_error_t error;
      zip_error_init_with_code(&error, code);
      const std::string reason = zip_error_strerror(&error);
      zip_error_fini(&error);
      throw Error(file.string(), "a folder or a zip file of images", what_is(file) + " (" + reason + ")");
    }
    try {
      list();
    } catch (...) {
      zip_discard(archive_);
      throw;
    }
  }
  ~Zip() override { zip_discard(archive_); }

  std::vector<std::byte> read(const std::string& name) const override {
    const auto found = entries_.find(name);
    if (found == entries_.end()) throw_absent(*this, name);
    const std::scoped_lock lock(mutex_);  // a zip_t is for one thread at a time
    return read_entry(found->second.index, describe(name));
  }

  std::string describe(const std::string& name) const override {
    const auto found = entries_.find(name);
    return path_.string() + ": " + (found == entries_.end() ? name : found->second.full_name);
  }

 private:
  struct Entry {
    zip_uint64_t index;
    std::string full_name;
  };

  void list() {
    const zip_int64_t count = zip_get_num_entries(archive_, ZIP_FL_UNCHANGED);
    for (zip_uint64_t index = 0; std::cmp_less(index, count); ++index) {
      const char* entry = zip_get_name(archive_, index, ZIP_FL_UNCHANGED);
      if (entry == nullptr) throw Error(path_.string(), "the name of entry " + std::to_string(index), "none");
      const std::string_view full = entry;
      if (!full.ends_with('/') && !full.ends_with('\\'))
        take(index, plain_entry_name(full), std::string(full));
    }
    if (names_.empty()) throw Error(path_.string(), kWantedNames, none_text());
    std::sort(names_.begin(), names_.end(), natural_less);
  }

  /// `plain`: folders and file parted by /; `full`: as the zip has it.
  void take(zip_uint64_t index, const std::string& plain, const std::string& full) {
    const std::string name = plain.substr(plain.rfind('/') + 1);  // npos + 1 is 0
    const std::string rooted = "/" + plain;
    if (rooted.find(std::string("/") + kOfMacos + "/") != rooted.npos)
      return passed_over_.add(kOfMacosKind, plain);
    if (rooted.find("/.") != rooted.npos) return passed_over_.add("hidden", plain);
    if (!is_image_name(name)) return passed_over_.add(PassedOver::kind_of(name), plain);
    const auto [earlier, is_new] = entries_.emplace(name, Entry{index, full});
    if (!is_new) {
      throw Error(path_.string(), "file names that differ",
                  "two files named " + name + ": " + earlier->second.full_name + " and " + full);
    }
    names_.push_back(name);
  }

  std::vector<std::byte> read_entry(zip_uint64_t index, const std::string& subject) const {
    zip_stat_t status;
    zip_stat_init(&status);
    if (zip_stat_index(archive_, index, ZIP_FL_UNCHANGED, &status) != 0 || !(status.valid & ZIP_STAT_SIZE)) {
      throw Error(subject, "a zip entry with a size", "none");
    }
    if (status.size > kMaxBytes) {
      throw Error(subject, "at most " + std::to_string(kMaxBytes >> 20) + " MiB",
                  std::to_string(status.size >> 20) + " MiB");
    }
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
        zip_fopen_index(archive_, index, ZIP_FL_UNCHANGED), zip_fclose);
    if (file == nullptr) throw Error(subject, "a readable zip entry", zip_strerror(archive_));

    // The stated size is not believed: memory grows with what really comes. Reading on to the end of the
    // entry makes libzip compare the checksum.
    constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
    std::vector<std::byte> bytes;
    std::uint64_t have = 0;
    while (true) {
      bytes.resize(std::min(status.size, have + kStep) + 1);
      const zip_int64_t got = zip_fread(file.get(), bytes.data() + have, bytes.size() - have);
      if (got < 0) throw Error(subject, "a whole zip entry", zip_file_strerror(file.get()));
      if (got == 0) break;
      have += static_cast<std::uint64_t>(got);
      if (have > status.size) break;
    }
    if (have != status.size) {
      throw Error(subject, std::to_string(status.size) + " bytes, as the zip states",
                  have > status.size ? "more" : std::to_string(have));
    }
    bytes.resize(have);
    return bytes;
  }

  zip_t* archive_ = nullptr;
  std::map<std::string, Entry> entries_;
  mutable std::mutex mutex_;
};

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view x = take_number(a, i), y = take_number(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
    }
  }
  if (a.size() - i != b.size() - j) return a.size() - i < b.size() - j;
  return a < b;  // equal but for leading zeros
}

std::unique_ptr<ImageSource> ImageSource::open(const std::filesystem::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (fs::is_directory(status)) return std::make_unique<Folder>(path);
  if (fs::is_regular_file(status)) return std::make_unique<Zip>(path);
  throw Error(path.string(), "a folder or a zip file of images",
              fs::exists(status) ? "neither" : "nothing of that name");
}

std::unique_ptr<ImageSource> ImageSource::open_tree(const std::filesystem::path& folder, int depth,
                                                    const char* wanted) {
  return std::make_unique<Folder>(folder, depth, wanted);
}

std::string ImageSource::none_text() const {
  return passed_over_.count() == 0 ? "none" : "none among " + passed_over_.kinds_text();
}

std::string ImageSource::nearest_text(const std::string& name) const {
  const std::string base = name.substr(name.find_last_of("/\\") + 1);  // npos + 1 is 0
  if (base != name && contains(base)) return ", where names go without folders: " + base + " is there";
  std::error_code ignored;
  if (base != name && fs::is_regular_file(path_ / name, ignored)) return ", which lies in a sub-folder";
  if (passed_over_.contains(base)) return ", which is there but no image by its name or place";
  for (const std::string& one : names_) {
    if (composed(one) != composed(name)) continue;
    return ", whose file there has the name in another Unicode normalisation (" + normalisation_of(one) +
           ", not " + normalisation_of(name) + ")";
  }
  const auto folded = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  for (const std::string& one : names_) {
    if (folded(one) == folded(name)) return ", where " + one + " is there";
  }
  return {};
}

bool ImageSource::contains(const std::string& name) const {
  return std::binary_search(names_.begin(), names_.end(), name, natural_less);
}

}  // namespace tern

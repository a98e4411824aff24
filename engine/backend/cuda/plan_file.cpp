#include "engine/backend/cuda/plan_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

namespace tern {
namespace {

namespace fs = std::filesystem;

// FNV-1a: against damage, not against malice.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

std::string record_of(const std::string& key, const std::string& plan) {
  const std::string body = key + "\n" + plan + "\n";
  return std::to_string(hash_of(body)) + " " + std::to_string(key.size()) + " " +
         std::to_string(plan.size()) + "\n" + body;
}

// A decimal number and the character after it; nothing if that is not what comes next.
std::optional<std::uint64_t> take_number(std::string_view& text, char after) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || length >= text.size() || *end != after) return std::nullopt;
  text.remove_prefix(length + 1);
  return number;
}

// The next record's key and plan; nothing, and none of the bytes taken, at the end or where they are no
// record.
std::optional<std::pair<std::string, std::string>> take_record(std::string_view& from) {
  std::string_view text = from;
  const auto hash = take_number(text, ' ');
  const auto key = hash ? take_number(text, ' ') : std::nullopt;
  const auto plan = key ? take_number(text, '\n') : std::nullopt;
  if (!plan || *key > text.size() || *plan > text.size() || *key + *plan + 2 > text.size())
    return std::nullopt;
  const std::string_view body = text.substr(0, *key + *plan + 2);
  if (hash_of(body) != *hash) return std::nullopt;
  from = text.substr(body.size());
  return std::pair(std::string(body.substr(0, *key)), std::string(body.substr(*key + 1, *plan)));
}

void append(const fs::path& path, const std::string& record) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return;
  // One call, which the system does not mix with another process's; a part of a record is found out by its
  // hash.
  const ssize_t written = write(file, record.data(), record.size());
  if (close(file) != 0 || written < 0) return;
}

}  // namespace

PlanFile::PlanFile(fs::path path) : path_(std::move(path)) {
  if (!path_.empty()) read();
}

void PlanFile::read() {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return;
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::string_view rest = bytes;
  while (auto record = take_record(rest)) plans_[record->first] = std::move(record->second);
  if (rest.empty()) return;
  // Damaged: what was read is written again in its place, so that new records do not lie behind the damage.
  std::string whole;
  for (const auto& [key, plan] : plans_) whole += record_of(key, plan);
  const fs::path beside = path_.string() + "." + std::to_string(getpid());
  std::error_code ignored;
  fs::remove(beside, ignored);
  append(beside, whole);
  fs::rename(beside, path_, ignored);
}

const std::string* PlanFile::find(const std::string& key) const {
  const auto found = plans_.find(key);
  return found == plans_.end() ? nullptr : &found->second;
}

void PlanFile::add(const std::string& key, const std::string& plan) {
  plans_[key] = plan;
  if (path_.empty()) return;
  std::error_code ignored;
  fs::create_directories(path_.parent_path(), ignored);
  append(path_, record_of(key, plan));
}

fs::path cache_folder() {
  const char* const xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/')
    return fs::path(xdg) / "tern";  // a relative one is to be ignored, says XDG
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "tern";
  return {};
}

fs::path plan_file_path(const std::string& versions, const std::string& device_name) {
  const fs::path folder = cache_folder();
  if (folder.empty()) return {};
  std::string name = versions + " " + device_name;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.') c = '_';
  }
  return folder / ("convolution-plans-2-" + name);  // 2: since when plans have been timed as they are
}

}  // namespace tern

#include "engine/io/json.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 28;
constexpr int kMaxDepth = 100;

std::string position_text(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - line_start + 1);
}

/// Of a text that may be none of JSON.
void check_depth(const std::filesystem::path& path, std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (letter == '"') quoted = !quoted;
    if (quoted) {
      if (letter == '\\') ++i;
      continue;
    }
    depth += (letter == '[' || letter == '{') - (letter == ']' || letter == '}');
    if (depth > kMaxDepth) {
      throw Error(path.string(),
                  "lists and objects in each other at most " + std::to_string(kMaxDepth) + " deep",
                  "more at " + position_text(text, i));
    }
  }
}

}  // namespace

Json read_json(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, kMaxJsonBytes);
  check_depth(path, text);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    // error.byte counts from 1 and is the last byte read.
    const std::size_t offset = error.byte > 0 ? error.byte - 1 : 0;
    throw Error(path.string(), "valid JSON", "a mistake at " + position_text(text, offset));
  } catch (const Json::exception& error) {
    throw Error(path.string(), "valid JSON", error.what());  // such as a number out of range
  }
}

std::int64_t whole_number(const Json& json) {
  return json.get_ref<const Json::number_integer_t&>();
}

std::string json_text(const Json& json) {
  // dump() writes NaN and infinities as null.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_json(const std::filesystem::path& path, const Json& json) {
  write_file(path, json_text(json));
}

}  // namespace tern

#include "engine/io/json.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 28;

std::string position_text(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  return "line " + std::to_string(line) + ", column " + std::to_string(before.size() - line_start + 1);
}

}  // namespace

Json read_json(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, kMaxJsonBytes);
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

void write_json(const std::filesystem::path& path, const Json& json) {
  // dump() writes NaN and infinities as null.
  write_file(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace tern

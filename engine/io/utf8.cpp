#include "engine/io/utf8.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "engine/core/check.h"

namespace tern {
namespace {

std::string normalised(std::string_view text, int how) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t bytes = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                              static_cast<utf8proc_ssize_t>(text.size()), &result,
                                              static_cast<utf8proc_option_t>(UTF8PROC_STABLE | how));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(result, std::free);
  if (bytes < 0) return std::string(text);
  return {reinterpret_cast<const char*>(result), static_cast<std::size_t>(bytes)};
}

std::string as_hex(char letter) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(letter);
  return {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

/// Bytes beyond ASCII as \xE9.
std::string escaped(std::string_view text) {
  constexpr std::size_t kMaxShown = 60;
  std::string shown;
  for (const char letter : text.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte < 0x7F)
      shown += letter;
    else
      shown += as_hex(letter);
  }
  return text.size() > kMaxShown ? shown + "..." : shown;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    utf8proc_int32_t letter = 0;
    const utf8proc_ssize_t bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                    static_cast<utf8proc_ssize_t>(text.size()), &letter);
    if (bytes < 1) return false;
    text.remove_prefix(static_cast<std::size_t>(bytes));
  }
  return true;
}

std::string_view without_byte_order_mark(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

void check_is_text(const std::filesystem::path& path, std::string_view text, const std::string& what) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw Error(path.string(), what + " in UTF-8", "one in UTF-16");
  }
  if (text.find('\0') != text.npos) throw Error(path.string(), what, "a file that is no text");
}

void check_name_is_utf8(const std::string& where, const std::string& what, std::string_view name) {
  if (is_utf8(name)) return;
  throw Error(where, what + " in UTF-8", "\"" + escaped(name) + "\" of another encoding");
}

std::string visible(std::string_view text) {
  const auto is_control = [](utf8proc_int32_t letter) {
    return (letter < 0x20 && letter != '\n' && letter != '\t') || (letter >= 0x7F && letter < 0xA0);
  };
  std::string shown;
  while (!text.empty()) {
    utf8proc_int32_t letter = 0;
    const utf8proc_ssize_t bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                                    static_cast<utf8proc_ssize_t>(text.size()), &letter);
    const std::string_view taken = text.substr(0, bytes < 1 ? 1 : static_cast<std::size_t>(bytes));
    if (bytes >= 1 && !is_control(letter))
      shown += taken;
    else
      for (const char byte : taken) shown += as_hex(byte);
    text.remove_prefix(taken.size());
  }
  return shown;
}

std::string composed(std::string_view text) {
  return normalised(text, UTF8PROC_COMPOSE);
}

std::string normalisation_of(std::string_view text) {
  if (composed(text) == text) return "NFC";
  return normalised(text, UTF8PROC_DECOMPOSE) == text ? "NFD" : "neither NFC nor NFD";
}

}  // namespace tern

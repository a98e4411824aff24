#include "apps/page/html.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {

std::string fill_page(const char* subject, std::string_view text,
                      const std::vector<std::pair<std::string_view, std::string_view>>& values) {
  std::string filled;
  for (const auto& [marker, value] : values) {  // in the order in which the page has them
    const std::size_t at = text.find(marker);
    if (at == std::string_view::npos) throw Error(subject, std::string(marker), "none");
    filled.append(text.substr(0, at)).append(value);
    text.remove_prefix(at + marker.size());
  }
  return filled.append(text);
}

std::string page_head() {
  return fill_page("head.html", kPageHead, {{"/*tern:base.css*/", kBaseCss}});
}

void check_page_place(const std::string& option, const std::filesystem::path& path) {
  if (path.extension() != ".html")
    throw Error(option + " " + path.string(), "a name that ends in .html", "another");
  const auto is_page = [](std::string_view head) {
    return head.find(R"(<meta name="generator" content="tern">)") != std::string_view::npos;
  };
  check_replaces_only(option, path, is_page, "a page of tern's");
}

std::string script_json(const Json& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    // These three occur within texts alone, where an escape means the same.
    if (c == '<') {
      safe += "\\u003c";
    } else if (c == '>') {
      safe += "\\u003e";
    } else if (c == '&') {
      safe += "\\u0026";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string base64(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned>(bytes[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) text += k > count ? '=' : kDigits[group >> (18 - 6 * k) & 63];
  }
  return text;
}

}  // namespace tern

// What a page is put together from: texts that cannot leave their place, bytes as text, and the style and script that
// all pages share.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/io/json.h"

namespace tern {

/// What CMake embeds (cmake/embed.cmake): the files of apps/page/parts/, byte by byte.
extern const std::string_view kPageHead, kBaseCss, kElementsJs;

/// What every page begins with: the first part of its head, with the style that all share, and the policy that keeps a page from
/// loading anything. A title and more of the head follow.
std::string page_head();

/// Throws Error{option + path, ...} unless `path`, to which a page is to be written, ends in .html and is new, empty or a page
/// that begins with page_head(): a name given by mistake costs no other file.
void check_page_place(const std::string& option, const std::filesystem::path& path);

/// `text` with each marker, which occurs once, replaced; what is put in is not searched. `values`: markers in the order in
/// which the text has them. Throws Error{subject, ...} for a marker that is not there.
std::string fill_page(const char* subject, std::string_view text,
                      const std::vector<std::pair<std::string_view, std::string_view>>& values);

/// JSON that may stand in a <script> element whatever its texts are: no '<', '>' or '&' is left in it.
/// Bytes that are no UTF-8 become U+FFFD, NaN and infinities null.
std::string script_json(const Json& json);

/// `text` as the text of an element or as an attribute between double quotes.
std::string escaped(std::string_view text);

/// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);

}  // namespace tern

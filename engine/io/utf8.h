// Text as UTF-8: what is none, and names that look alike but are written by other characters.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace tern {

bool is_utf8(std::string_view text);

/// `text` without the byte order mark that may stand at its head.
std::string_view without_byte_order_mark(std::string_view text);

/// Throws Error{path, ...} for UTF-16 and for what is no text at all. `what`: "a CSV file", say.
void check_is_text(const std::filesystem::path& path, std::string_view text, const std::string& what);

/// Throws Error{where, "<what> in UTF-8", ...} for a name of another encoding, as Latin-1.
void check_name_is_utf8(const std::string& where, const std::string& what, std::string_view name);

/// As a terminal may show it: control characters (such as escape sequences, which may colour, move and delete what stands
/// there) and bytes that are no UTF-8 become "\x1B"; line ends and tabs stay.
std::string visible(std::string_view text);

/// Unicode's canonical composition (NFC); what is no UTF-8 stays as it is. macOS writes names decomposed.
std::string composed(std::string_view text);

/// How a name is normalised: "NFC", "NFD" or "neither NFC nor NFD".
std::string normalisation_of(std::string_view text);

}  // namespace tern

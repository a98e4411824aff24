// The files of page/, byte by byte (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace tern {

extern const std::string_view kProfileHtml, kProfileCss, kProfileJs, kProfilePicturesJs;

}  // namespace tern

#include "apps/measure/views.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "engine/core/check.h"

namespace tern {

Augmentation View::at(int size) const {
  Augmentation augmentation;
  augmentation.flip = flip;
  if (side < 1) {
    const auto shown = static_cast<int>(std::lround(side * static_cast<float>(size)));
    augmentation.crop = CropBox{bottom ? size - shown : 0, right ? size - shown : 0, shown, shown};
  }

  return augmentation;
}

std::vector<std::string> view_names() {
  return {"flip", "crops", "flip+crops"};
}

std::vector<View> parse_views(const std::string& text) {
  constexpr float kSide = 7.0f / 8;
  std::vector<View> views(1);
  if (text.empty()) return views;
  if (text == "crops" || text == "flip+crops") {
    for (const bool bottom : {false, true}) {
      for (const bool right : {false, true}) views.push_back({false, kSide, bottom, right});
    }

  } else if (text != "flip") {
    throw Error("--views", fmt::format("one of {}", fmt::join(view_names(), ", ")), text);
  }
  if (text == "crops") return views;
  const std::size_t count = views.size();
  for (std::size_t i = 0; i < count; ++i) {
    views.push_back(views[i]);
    views.back().flip = true;
  }
  return views;
}

}  // namespace tern

// Decoded images with their labels, in memory as bytes: what every split, transform and loader indexes into.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/levels.h"
#include "data/passed_over.h"

namespace tern {

/// The name of what is none of the classes.
inline constexpr const char* kNovelClass = "novel";

/// The superclass of all classes where there is one level of them.
inline constexpr const char* kOnlySuperclass = "any";

/// The two levels of classes. The last index of each level means "novel" and names no class of the data.
struct ClassTable {
  std::vector<std::string> superclass_names;  ///< by index; the last is "novel"
  std::vector<std::string> subclass_names;    ///< by index; the last is "novel"
  std::vector<std::int32_t>
      subclass_to_super;  ///< by subclass index; the novel subclass maps to the novel superclass

  std::int32_t superclass_count() const { return static_cast<std::int32_t>(superclass_names.size()); }
  std::int32_t subclass_count() const { return static_cast<std::int32_t>(subclass_names.size()); }
  std::int32_t novel_superclass() const { return superclass_count() - 1; }
  std::int32_t novel_subclass() const { return subclass_count() - 1; }
  const std::vector<std::string>& names(Level level) const {
    return level == Level::super ? superclass_names : subclass_names;
  }
  std::int32_t count(Level level) const { return static_cast<std::int32_t>(names(level).size()); }
  std::int32_t novel(Level level) const { return count(level) - 1; }
  /// Classes without superclasses: people know of no other level than that of "subclasses".
  bool has_one_level() const { return superclass_count() == 2 && superclass_names[0] == kOnlySuperclass; }
};

/// Images of one size, RGB bytes, row-major NHWC without padding.
struct Dataset {
  int image_size = 64;  ///< pixels a side
  std::vector<std::uint8_t> pixels;
  std::vector<std::string> names;          ///< file names, or "cifar:<record>:<fine class>"
  std::vector<std::int32_t> superclasses;  ///< by image; empty for unlabelled images
  std::vector<std::int32_t> subclasses;
  std::vector<std::uint8_t> is_extra;  ///< 1 for images added from CIFAR-100 as the novel superclass
  ClassTable classes;
  PassedOver passed_over;  ///< files beside the images that were not taken

  std::int64_t count() const { return static_cast<std::int64_t>(names.size()); }
  const std::vector<std::int32_t>& labels(Level level) const {
    return level == Level::super ? superclasses : subclasses;
  }
  std::size_t image_bytes() const { return static_cast<std::size_t>(image_size) * image_size * 3; }
  std::span<const std::uint8_t> image(std::int64_t index) const {
    return std::span(pixels).subspan(static_cast<std::size_t>(index) * image_bytes(), image_bytes());
  }
};

}  // namespace tern

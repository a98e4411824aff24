// What is wrong, or odd, with a data set: computed from labels and facts, before it is written anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/check_data/image_facts.h"
#include "data/dataset.h"

namespace tern {

/// Labelled images, then those to be predicted, by one index.
struct CheckedImages {
  ClassTable classes;
  std::vector<std::string> names;
  std::vector<std::int32_t> superclasses, subclasses;  ///< of the labelled ones, which come first
  std::vector<ImageFacts> facts;
  std::vector<PassedOver> passed_over;  ///< of the labelled images, and of those to be predicted, if any

  std::int64_t labelled() const { return static_cast<std::int64_t>(subclasses.size()); }
  std::int64_t count() const { return static_cast<std::int64_t>(names.size()); }
  bool is_labelled(std::int64_t index) const { return index < labelled(); }
};

/// Images that look the same, ascending.
struct Alike {
  std::vector<std::int64_t> images;
  std::vector<bool>
      is_mirrored;               ///< by place in `images`: like the first flipped left to right, not as it is
  bool same_pixels = false;      ///< all of them, to the bit
  bool several_classes = false;  ///< among the labelled ones
  bool in_both = false;          ///< labelled ones and ones to be predicted: a leak
  bool mirrored = false;         ///< some of them
};

struct ClassCount {
  std::int32_t superclass = 0, subclass = 0;
  std::int64_t images = 0;
};

struct Findings {
  std::vector<ClassCount> classes;       ///< by superclass, the largest first; those of the novel class last
  std::vector<std::int64_t> unreadable;  ///< images
  std::vector<Alike> alike;              ///< of several classes, then leaks, then the rest
  std::vector<std::int64_t> widths, heights;  ///< of readable images, ascending

  std::int64_t count_alike(bool Alike::*kind) const;
  /// Groups of more than one labelled image; `mirrored`: those alone in which one of them is flipped.
  std::int64_t count_alike_labelled(const CheckedImages& images, bool mirrored = false) const;
  /// Images to be predicted that look like labelled ones; `mirrored`: those of them alone that are flipped.
  std::int64_t count_leaks(const CheckedImages& images, bool mirrored = false) const;
};

Findings findings_of(const CheckedImages& images);

}  // namespace tern

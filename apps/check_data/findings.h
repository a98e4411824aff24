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
  std::string passed_over;  ///< a line about the files that were not taken for images; empty if none

  std::int64_t labelled() const { return static_cast<std::int64_t>(subclasses.size()); }
  std::int64_t count() const { return static_cast<std::int64_t>(names.size()); }
  bool is_labelled(std::int64_t index) const { return index < labelled(); }
};

/// Images that look the same, ascending.
struct Alike {
  std::vector<std::int64_t> images;
  bool same_pixels = false;      ///< all of them, to the bit
  bool several_classes = false;  ///< among the labelled ones
  bool in_both = false;          ///< labelled ones and ones to be predicted: a leak
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
  std::int64_t count_leaks(
      const CheckedImages& images) const;  ///< images to be predicted that look like labelled ones
};

Findings findings_of(const CheckedImages& images);

}  // namespace tern

// Images of no class at all, made of labelled ones and as sharp as they are: a stand-in for images of novel superclasses
// where there are none. Images of another source (CIFAR-100's, enlarged) differ by their blur alone, and a threshold
// between them and known images says little about sharp ones.
//
//   mosaic   the four quarters of four images, which are not all of one superclass (class, where there is one level)
//   shuffle  one image cut into 8 x 8 tiles, put together at random: its texture without its shapes
//   blend    the mean of two images of different superclasses (classes)
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"

namespace tern {

/// `count` images, the three kinds in turn, named "made:<kind>:<number>", labelled novel at both levels. Which images
/// they are made of depends on seed, indices and labels alone, not on the images' size. Images that are extra are left
/// out. Throws Error{"outliers", ...} unless the other `indices` are of two superclasses (classes) at least, and the
/// image size is a multiple of 8.
Dataset make_outliers(const Dataset& dataset, const std::vector<std::int64_t>& indices, std::int64_t count,
                      std::uint64_t seed);

}  // namespace tern

// A labelled dataset without files, for tests of the loaders.
#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace tern::test {

/// Byte k of image i is 5 i + 7 k, so that every image differs; superclass i % 3, subclass i, every fourth
/// one extra.
inline Dataset small_dataset(int count, int size = 8) {
  Dataset dataset;
  dataset.image_size = size;
  for (int i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < dataset.image_bytes(); ++k) {
      dataset.pixels.push_back(static_cast<std::uint8_t>(static_cast<std::size_t>(i) * 5 + k * 7));
    }
    dataset.names.push_back(std::to_string(i));
    dataset.superclasses.push_back(i % 3);
    dataset.subclasses.push_back(i);
    dataset.is_extra.push_back(i % 4 == 0);
  }
  return dataset;
}

inline std::vector<std::int64_t> all_of(const Dataset& dataset) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(dataset.count()));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

}  // namespace tern::test

// Classes as targets of tests.
#pragma once

#include <cstdint>
#include <vector>

#include "data/random_purpose.h"
#include "engine/core/random.h"

namespace tern::test {

/// `count` classes in [0, classes).
inline std::vector<std::int32_t> classes(std::int64_t count, std::int32_t classes, std::uint64_t seed) {
  RandomStream random(seed, random_purpose::test, 1);
  std::vector<std::int32_t> values(static_cast<std::size_t>(count));
  for (std::int32_t& value : values) {
    value = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes)));
  }
  return values;
}

}  // namespace tern::test

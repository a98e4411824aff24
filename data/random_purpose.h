// What tern's streams of random numbers are for (engine/core/random.h). Part of every run's result: a number
// that changed would shuffle, augment and split otherwise.
#pragma once

#include <cstdint>

namespace tern::random_purpose {

inline constexpr std::uint32_t shuffle = 0, augment = 1, initialise = 2, synthetic = 3, split = 4,
                               selection = 5;
inline constexpr std::uint32_t outliers = 17;
inline constexpr std::uint32_t test = 6;  ///< inputs of tests and benchmarks
inline constexpr std::uint32_t crop = 7, rand_augment = 8, erase = 9, mix = 10, sample = 11;
// 16: resamples of engine/metrics/bootstrap.cpp, which may not include this.

/// The stream of an image that comes for the `repeat`-th time after its first in one epoch.
constexpr std::uint32_t repeated(std::uint32_t purpose, std::uint32_t repeat) {
  return purpose + (repeat << 8);
}

}  // namespace tern::random_purpose

// Counter-based random numbers: a value depends on (key, counter) alone, never on how many were drawn before
// it, by which thread, or on which device. Philox4x32-10 of Salmon et al., "Parallel Random Numbers: As Easy
// as 1, 2, 3" (SC 2011); the test holds the paper's known answers.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tern {

/// Ten Philox rounds: 128 random bits for a 128-bit counter under a 64-bit key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// A stream of numbers keyed by (seed, purpose, a, b), for example (seed, kAugment, epoch, image), where a
/// purpose is a number of the caller's choice. Two streams with different keys are independent; the same key
/// gives the same numbers anywhere.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint32_t purpose, std::uint32_t a = 0, std::uint32_t b = 0);

  std::uint32_t bits();                      ///< 32 uniform bits
  float uniform();                           ///< [0, 1), 24 bits
  float uniform(float low, float high);      ///< [low, high)
  float normal();                            ///< standard normal (Box-Muller)
  std::uint32_t below(std::uint32_t bound);  ///< uniform in [0, bound), unbiased; bound >= 1
  bool chance(float probability) { return uniform() < probability; }
  void shuffle(std::span<std::int64_t> values);  ///< Fisher-Yates, in place

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace tern

#include "engine/core/random.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace tern {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, std::uint32_t purpose, std::uint32_t a, std::uint32_t b)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
      counter_{0, purpose, a, b} {}

std::uint32_t RandomStream::bits() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

float RandomStream::uniform() {
  return static_cast<float>(bits() >> 8) * 0x1p-24f;
}

float RandomStream::uniform(float low, float high) {
  return low + (high - low) * uniform();
}

float RandomStream::normal() {
  const float radius = std::sqrt(-2.0f * std::log(1.0f - uniform()));  // 1 - u is never 0
  return radius * std::cos(2.0f * std::numbers::pi_v<float> * uniform());
}

// Lemire, "Fast Random Integer Generation in an Interval" (2019): multiply, and redraw the few biased low
// parts.
std::uint32_t RandomStream::below(std::uint32_t bound) {
  std::uint64_t product = std::uint64_t{bits()} * bound;
  if (static_cast<std::uint32_t>(product) < bound) {
    const std::uint32_t threshold = -bound % bound;
    while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{bits()} * bound;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

void RandomStream::shuffle(std::span<std::int64_t> values) {
  for (std::size_t last = values.size(); last > 1; --last) {
    std::swap(values[last - 1], values[below(static_cast<std::uint32_t>(last))]);
  }
}

}  // namespace tern

// The parts of NumPy's random module that define the reference's splits, bit for bit:
//   NumpyGenerator      numpy.random.default_rng(seed): SeedSequence + PCG64 (XSL-RR 128/64)
//   NumpyRandomState    numpy.random.RandomState(seed): MT19937, and by it pandas' sample(frac=1,
//   random_state=seed)
// Everything else in tern draws from engine/core/random.h.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace tern {

class NumpyGenerator {
 public:
  explicit NumpyGenerator(std::uint64_t seed);

  std::uint64_t bits64();
  std::uint32_t bits32();  ///< half of a 64-bit draw, low half first; the other half waits for the next call
  std::uint64_t at_most(std::uint64_t largest);  ///< uniform in [0, largest], Lemire's method

  /// choice(population, size, replace=False): `size` distinct values of [0, population), in NumPy's order.
  /// Throws Error unless 0 <= size <= population.
  std::vector<std::int64_t> choice(std::int64_t population, std::int64_t size);

 private:
  __extension__ typedef unsigned __int128 Uint128;

  void step();
  void shuffle(std::vector<std::int64_t>& values, std::int64_t first);

  Uint128 state_ = 0, increment_ = 0;
  std::uint32_t waiting_half_ = 0;
  bool has_half_ = false;
};

class NumpyRandomState {
 public:
  explicit NumpyRandomState(std::uint32_t seed);

  std::uint32_t bits32();
  std::vector<std::int64_t> permutation(std::int64_t count);  ///< of [0, count); count >= 0

 private:
  void refill();

  std::array<std::uint32_t, 624> words_;
  std::size_t used_ = 624;
};

}  // namespace tern

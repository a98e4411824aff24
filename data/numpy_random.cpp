#include "data/numpy_random.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_set>
#include <utility>

#include "engine/core/check.h"

namespace tern {
namespace {

// NumPy's SeedSequence (after O'Neill's seed_seq_fe): a pool of four words, mixed so that every bit of the
// seed reaches every word, then stretched to the eight words that PCG64 is seeded with.
constexpr std::uint32_t kInitA = 0x43b0d7e5, kMultiplyA = 0x931e8875;
constexpr std::uint32_t kInitB = 0x8b51f9dd, kMultiplyB = 0x58f38ded;
constexpr std::uint32_t kMixLeft = 0xca01f9dd, kMixRight = 0x4973f715;

std::uint32_t hash_word(std::uint32_t value, std::uint32_t& constant, std::uint32_t multiplier) {
  value ^= constant;
  constant *= multiplier;
  value *= constant;
  return value ^ (value >> 16);
}

std::uint32_t mix_words(std::uint32_t x, std::uint32_t y) {
  const std::uint32_t mixed = kMixLeft * x - kMixRight * y;
  return mixed ^ (mixed >> 16);
}

std::array<std::uint64_t, 4> seed_sequence(std::uint64_t seed) {
  std::array<std::uint32_t, 4> pool = {static_cast<std::uint32_t>(seed),
                                       static_cast<std::uint32_t>(seed >> 32), 0, 0};
  std::uint32_t constant = kInitA;
  for (std::uint32_t& word : pool) word = hash_word(word, constant, kMultiplyA);
  for (std::size_t from = 0; from < 4; ++from) {
    for (std::size_t to = 0; to < 4; ++to) {
      if (from != to) pool[to] = mix_words(pool[to], hash_word(pool[from], constant, kMultiplyA));
    }
  }
  std::array<std::uint64_t, 4> words{};
  constant = kInitB;
  for (std::size_t i = 0; i < 8; ++i) {
    const std::uint64_t word = hash_word(pool[i % 4], constant, kMultiplyB);
    words[i / 2] |= word << (32 * (i % 2));
  }
  return words;
}

}  // namespace

NumpyGenerator::NumpyGenerator(std::uint64_t seed) {
  const std::array<std::uint64_t, 4> words = seed_sequence(seed);
  increment_ = (((static_cast<Uint128>(words[2]) << 64) | words[3]) << 1) | 1;
  step();
  state_ += (static_cast<Uint128>(words[0]) << 64) | words[1];
  step();
}

void NumpyGenerator::step() {
  constexpr Uint128 kMultiplier =
      (static_cast<Uint128>(2549297995355413924ULL) << 64) | 4865540595714422341ULL;
  state_ = state_ * kMultiplier + increment_;
}

std::uint64_t NumpyGenerator::bits64() {
  step();
  const auto high = static_cast<std::uint64_t>(state_ >> 64), low = static_cast<std::uint64_t>(state_);
  const std::uint64_t folded = high ^ low;
  const int turn = static_cast<int>(high >> 58);
  return (folded >> turn) | (folded << ((64 - turn) & 63));
}

std::uint32_t NumpyGenerator::bits32() {
  if (has_half_) {
    has_half_ = false;
    return waiting_half_;
  }
  const std::uint64_t both = bits64();
  has_half_ = true;
  waiting_half_ = static_cast<std::uint32_t>(both >> 32);
  return static_cast<std::uint32_t>(both);
}

std::uint64_t NumpyGenerator::at_most(std::uint64_t largest) {
  if (largest == 0) return 0;  // draws nothing, as NumPy
  if (largest < 0xffffffffu) {
    const auto bound = static_cast<std::uint32_t>(largest + 1);
    const std::uint32_t threshold =
        (0u - bound) % bound;  // 2^32 mod bound: this many low products are one too many
    std::uint64_t product = 0;
    do {
      product = static_cast<std::uint64_t>(bits32()) * bound;
    } while (static_cast<std::uint32_t>(product) < threshold);
    return product >> 32;
  }
  if (largest == 0xffffffffu) return bits32();
  if (largest == ~std::uint64_t{0}) return bits64();
  const std::uint64_t bound = largest + 1;
  const std::uint64_t threshold = (0 - bound) % bound;
  Uint128 product = 0;
  do {
    product = static_cast<Uint128>(bits64()) * bound;
  } while (static_cast<std::uint64_t>(product) < threshold);
  return static_cast<std::uint64_t>(product >> 64);
}

// Fisher-Yates from the end, down to and with position `first`.
void NumpyGenerator::shuffle(std::vector<std::int64_t>& values, std::int64_t first) {
  for (auto i = static_cast<std::int64_t>(values.size()) - 1; i >= first; --i) {
    std::swap(values[at_most(static_cast<std::uint64_t>(i))], values[static_cast<std::size_t>(i)]);
  }
}

std::vector<std::int64_t> NumpyGenerator::choice(std::int64_t population, std::int64_t size) {
  if (population < 0 || size < 0 || size > population) {
    throw Error("choice", "0 <= size <= population",
                "size " + std::to_string(size) + " of " + std::to_string(population));
  }
  if (population > 10000 && size > population / 50) {  // shuffle the tail of 0..population-1
    std::vector<std::int64_t> values(static_cast<std::size_t>(population));
    std::iota(values.begin(), values.end(), std::int64_t{0});
    shuffle(values, std::max<std::int64_t>(population - size, 1));
    return {values.end() - size, values.end()};
  }
  std::vector<std::int64_t> values;  // Floyd's method
  std::unordered_set<std::int64_t> taken;
  for (std::int64_t j = population - size; j < population; ++j) {
    const auto drawn = static_cast<std::int64_t>(at_most(static_cast<std::uint64_t>(j)));
    values.push_back(taken.insert(drawn).second ? drawn : j);
    taken.insert(values.back());
  }
  shuffle(values, 1);
  return values;
}

NumpyRandomState::NumpyRandomState(std::uint32_t seed) {
  words_[0] = seed;
  for (std::uint32_t i = 1; i < words_.size(); ++i) {
    words_[i] = 1812433253u * (words_[i - 1] ^ (words_[i - 1] >> 30)) + i;
  }
}

void NumpyRandomState::refill() {
  const std::size_t count = words_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t joined = (words_[i] & 0x80000000u) | (words_[(i + 1) % count] & 0x7fffffffu);
    words_[i] = words_[(i + 397) % count] ^ (joined >> 1) ^ ((joined & 1u) ? 0x9908b0dfu : 0u);
  }
  used_ = 0;
}

std::uint32_t NumpyRandomState::bits32() {
  if (used_ == words_.size()) refill();
  std::uint32_t word = words_[used_++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

// Fisher-Yates from the end; each partner drawn by masking and rejection, as RandomState's random_interval
// does.
std::vector<std::int64_t> NumpyRandomState::permutation(std::int64_t count) {
  if (count < 0 || count > 0xffffffffLL) {
    throw Error("permutation", "a count of 0 to 2^32 - 1", std::to_string(count));
  }
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), std::int64_t{0});
  for (std::int64_t i = count - 1; i > 0; --i) {
    std::uint32_t mask = static_cast<std::uint32_t>(i);
    for (const int by : {1, 2, 4, 8, 16}) mask |= mask >> by;
    std::uint32_t partner = 0;
    do {
      partner = bits32() & mask;
    } while (partner > static_cast<std::uint32_t>(i));
    std::swap(values[static_cast<std::size_t>(i)], values[partner]);
  }
  return values;
}

}  // namespace tern

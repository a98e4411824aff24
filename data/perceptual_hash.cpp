#include "data/perceptual_hash.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "data/resize.h"

namespace tern {
namespace {

constexpr int kRows = 16;
constexpr std::int64_t kMaxRun = 4096;

/// Row `row` of a hash.
std::uint16_t row_of(const PerceptualHash& hash, int row) {
  return static_cast<std::uint16_t>(hash[static_cast<std::size_t>(row / 4)] >> (row % 4 * 16));
}

/// Sets that grow together (union-find with path halving).
class Sets {
 public:
  explicit Sets(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0); }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  /// The smaller root stays, so that a set is found by its first.
  void join(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

PerceptualHashes perceptual_hashes(const Image& image) {
  const Image small = resize(image, kRows + 1, kRows);
  const auto grey = [&small](int row, int column) {  // ITU-R BT.601, in thousandths
    const std::uint8_t* const rgb = small.rgb.data() + (row * (kRows + 1) + column) * 3;
    return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2];
  };
  PerceptualHashes hashes;
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kRows; ++column) {
      const int left = grey(row, column), right = grey(row, column + 1);
      const int first_bit = row % 4 * 16;
      const auto word = static_cast<std::size_t>(row / 4);
      hashes.as_is[word] |= std::uint64_t{right > left} << (first_bit + column);
      hashes.mirrored[word] |= std::uint64_t{left > right} << (first_bit + kRows - 1 - column);
    }
  }
  return hashes;
}

PerceptualHash perceptual_hash(const Image& image) {
  return perceptual_hashes(image).as_is;
}

int distance(const PerceptualHash& a, const PerceptualHash& b) {
  int bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i) bits += std::popcount(a[i] ^ b[i]);
  return bits;
}

std::vector<std::vector<std::int64_t>> near_duplicates(std::span<const PerceptualHash> hashes,
                                                       std::span<const PerceptualHash> mirrored,
                                                       int max_distance) {
  // Index i below hashes.size() is a picture, above it one flipped; two flipped ones are as near as the two as they are.
  const std::size_t pictures = hashes.size(), count = pictures + mirrored.size();
  const auto hash_of = [&](std::size_t i) -> const PerceptualHash& {
    return i < pictures ? hashes[i] : mirrored[i - pictures];
  };
  const std::int64_t max_run = mirrored.empty() ? kMaxRun : 2 * kMaxRun;
  Sets sets(pictures);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int row = 0; row < kRows; ++row) {
    const auto before = [&](std::size_t a, std::size_t b) {
      return row_of(hash_of(a), row) < row_of(hash_of(b), row);
    };
    std::sort(order.begin(), order.end(), before);
    for (auto begin = order.begin(); begin != order.end();) {
      const auto end = std::upper_bound(begin, order.end(), *begin, before);
      for (auto a = begin; a != end && end - begin <= max_run; ++a) {
        for (auto b = a + 1; b != end; ++b) {
          if (*a >= pictures && *b >= pictures) continue;
          if (distance(hash_of(*a), hash_of(*b)) <= max_distance) sets.join(*a % pictures, *b % pictures);
        }
      }
      begin = end;
    }
  }
  std::map<std::size_t, std::vector<std::int64_t>> by_root;
  for (std::size_t i = 0; i < pictures; ++i) by_root[sets.root(i)].push_back(static_cast<std::int64_t>(i));
  std::vector<std::vector<std::int64_t>> groups;
  for (auto& [root, group] : by_root) {
    if (group.size() > 1) groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace tern

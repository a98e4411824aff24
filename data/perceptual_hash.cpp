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

PerceptualHash perceptual_hash(const Image& image) {
  const Image small = resize(image, kRows + 1, kRows);
  const auto grey = [&small](int row, int column) {  // ITU-R BT.601, in thousandths
    const std::uint8_t* const rgb = small.rgb.data() + (row * (kRows + 1) + column) * 3;
    return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2];
  };
  PerceptualHash hash{};
  for (int row = 0; row < kRows; ++row) {
    for (int column = 0; column < kRows; ++column) {
      const std::uint64_t brighter = grey(row, column + 1) > grey(row, column) ? 1 : 0;
      hash[static_cast<std::size_t>(row / 4)] |= brighter << (row % 4 * 16 + column);
    }
  }
  return hash;
}

int distance(const PerceptualHash& a, const PerceptualHash& b) {
  int bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i) bits += std::popcount(a[i] ^ b[i]);
  return bits;
}

std::vector<std::vector<std::int64_t>> near_duplicates(std::span<const PerceptualHash> hashes,
                                                       int max_distance) {
  Sets sets(hashes.size());
  std::vector<std::size_t> order(hashes.size());
  std::iota(order.begin(), order.end(), 0);
  for (int row = 0; row < kRows; ++row) {
    const auto before = [&](std::size_t a, std::size_t b) {
      return row_of(hashes[a], row) < row_of(hashes[b], row);
    };
    std::sort(order.begin(), order.end(), before);
    for (auto begin = order.begin(); begin != order.end();) {
      const auto end = std::upper_bound(begin, order.end(), *begin, before);
      for (auto a = begin; a != end && end - begin <= kMaxRun; ++a) {
        for (auto b = a + 1; b != end; ++b) {
          if (distance(hashes[*a], hashes[*b]) <= max_distance) sets.join(*a, *b);
        }
      }
      begin = end;
    }
  }
  std::map<std::size_t, std::vector<std::int64_t>> by_root;
  for (std::size_t i = 0; i < hashes.size(); ++i)
    by_root[sets.root(i)].push_back(static_cast<std::int64_t>(i));
  std::vector<std::vector<std::int64_t>> groups;
  for (auto& [root, group] : by_root) {
    if (group.size() > 1) groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace tern

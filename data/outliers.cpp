#include "data/outliers.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"

namespace tern {
namespace {

constexpr int kTiles = 8;  // a side
constexpr std::array kKinds{"mosaic", "shuffle", "blend"};

/// Copies the square of `side` pixels at (from_x, from_y) of one image to (to_x, to_y) of another.
void copy_square(std::span<const std::uint8_t> from, int from_x, int from_y, std::span<std::uint8_t> to,
                 int to_x, int to_y, int side, int image_size) {
  for (int y = 0; y < side; ++y) {
    const auto begin = from.begin() + 3 * ((from_y + y) * image_size + from_x);
    std::copy(begin, begin + 3 * side, to.begin() + 3 * ((to_y + y) * image_size + to_x));
  }
}

class OutlierMaker {
 public:
  OutlierMaker(const Dataset& dataset, const std::vector<std::int64_t>& indices)
      : dataset_(dataset),
        labels_(dataset.labels(dataset.classes.has_one_level() ? Level::sub : Level::super)) {
    for (const std::int64_t index : indices) {
      if (dataset.is_extra.empty() || dataset.is_extra[static_cast<std::size_t>(index)] == 0)
        from_.push_back(index);
    }
    const auto other =
        std::find_if(from_.begin(), from_.end(), [&](auto i) { return label(i) != label(from_[0]); });
    if (other == from_.end()) {
      throw Error("outliers",
                  dataset.classes.has_one_level() ? "images of at least two classes to make them of"
                                                  : "images of at least two superclasses to make them of",
                  "fewer");
    }
    if (dataset.image_size % kTiles != 0) {
      throw Error("outliers", "an image size that is a multiple of 8", std::to_string(dataset.image_size));
    }
  }

  void mosaic(RandomStream& random, std::span<std::uint8_t> to) const {
    const std::int64_t first = any(random);
    const std::array images{first, any(random), any(random), unlike(first, random)};
    const int half = dataset_.image_size / 2;
    for (int quarter = 0; quarter < 4; ++quarter) {
      const int x = half * (quarter % 2), y = half * (quarter / 2);
      copy_square(dataset_.image(images[static_cast<std::size_t>(quarter)]), x, y, to, x, y, half,
                  dataset_.image_size);
    }
  }

  void shuffle(RandomStream& random, std::span<std::uint8_t> to) const {
    const std::span<const std::uint8_t> image = dataset_.image(any(random));
    std::array<std::int64_t, kTiles * kTiles> order{};
    std::iota(order.begin(), order.end(), std::int64_t{0});
    random.shuffle(order);
    const int side = dataset_.image_size / kTiles;
    for (int tile = 0; tile < kTiles * kTiles; ++tile) {
      const auto from = static_cast<int>(order[static_cast<std::size_t>(tile)]);
      copy_square(image, side * (from % kTiles), side * (from / kTiles), to, side * (tile % kTiles),
                  side * (tile / kTiles), side, dataset_.image_size);
    }
  }

  void blend(RandomStream& random, std::span<std::uint8_t> to) const {
    const std::int64_t first = any(random);
    const std::span<const std::uint8_t> a = dataset_.image(first), b = dataset_.image(unlike(first, random));
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::uint8_t>((a[i] + b[i] + 1) / 2);
  }

 private:
  std::int32_t label(std::int64_t index) const { return labels_[static_cast<std::size_t>(index)]; }
  std::int64_t any(RandomStream& random) const {
    return from_[random.below(static_cast<std::uint32_t>(from_.size()))];
  }
  /// Of another label. Ends: there is one.
  std::int64_t unlike(std::int64_t image, RandomStream& random) const {
    std::int64_t other = any(random);
    while (label(other) == label(image)) other = any(random);
    return other;
  }

  const Dataset& dataset_;
  const std::vector<std::int32_t>& labels_;  ///< of the highest level that tells images apart
  std::vector<std::int64_t> from_;
};

}  // namespace

Dataset make_outliers(const Dataset& dataset, const std::vector<std::int64_t>& indices, std::int64_t count,
                      std::uint64_t seed) {
  const OutlierMaker maker(dataset, indices);
  Dataset made;
  made.image_size = dataset.image_size;
  made.classes = dataset.classes;
  made.pixels.resize(static_cast<std::size_t>(count) * made.image_bytes());
  for (std::int64_t i = 0; i < count; ++i) {
    RandomStream random(seed, random_purpose::outliers, static_cast<std::uint32_t>(i));
    const std::span<std::uint8_t> to =
        std::span(made.pixels).subspan(static_cast<std::size_t>(i) * made.image_bytes(), made.image_bytes());
    const auto kind = static_cast<std::size_t>(i) % kKinds.size();
    if (kind == 0) maker.mosaic(random, to);
    if (kind == 1) maker.shuffle(random, to);
    if (kind == 2) maker.blend(random, to);
    made.names.push_back(std::string("made:") + kKinds[kind] + ":" + std::to_string(i));
    made.superclasses.push_back(made.classes.novel_superclass());
    made.subclasses.push_back(made.classes.novel_subclass());
    made.is_extra.push_back(0);
  }
  return made;
}

}  // namespace tern

// What a picture looks like in 256 bits, of which few change when it is resized, recompressed or a little brighter: pictures
// that are the same to the eye are found among many.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "data/image_io.h"

namespace tern {

using PerceptualHash = std::array<std::uint64_t, 4>;

/// The difference hash (N. Krawetz, "Kind of Like That", 2013) with 16 rows of 16 bits: of the picture in grey, shrunk to
/// 17 x 16 pixels, a bit says whether a pixel is brighter than its left neighbour. Sides of at most 65536 pixels.
PerceptualHash perceptual_hash(const Image& image);

/// That of the picture, and that of the picture flipped left to right.
struct PerceptualHashes {
  PerceptualHash as_is{}, mirrored{};
};
PerceptualHashes perceptual_hashes(const Image& image);

/// Bits that differ, of 256.
int distance(const PerceptualHash& a, const PerceptualHash& b);

/// Of unrelated photographs about 125 bits differ (the nearest two of 1,150 small ones: 45), of one that was shrunk to .6,
/// made a little brighter or recompressed at quality 50 up to 11, of one that lost 3 % at each edge some 40.
inline constexpr int kNearDuplicate = 15;

/// Groups of two or more, each of which is within `max_distance` (0..15) of another of its group: indices ascending,
/// groups by their first. Compares only hashes that agree in one of 16 rows, as those within 15 bits do; a row that over
/// 4096 pictures share (as of a white margin) is passed over.
/// `mirrored`: of the same pictures flipped, or empty; then pictures of which one is like the other flipped are grouped, too.
std::vector<std::vector<std::int64_t>> near_duplicates(std::span<const PerceptualHash> hashes,
                                                       std::span<const PerceptualHash> mirrored = {},
                                                       int max_distance = kNearDuplicate);

}  // namespace tern

// A small data set that anyone can make: drawn shapes in the study's layout, with test labels and novel
// classes.
//
//   superclasses  disc, polygon, stripes; in the test images also a fourth family that training never shows
//   subclasses    twelve: four a family, told apart by combinations of form, fill and colour, none of which
//   alone is
//                 enough; three more combinations, one a family, appear in the test images only
//   nuisance      position, scale, rotation, background, lighting, blur, noise, occlusion
//
// cifar-100-binary/ holds "other things" (blobs, grids, scribbles) in CIFAR-100's official layout.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tern {

struct SyntheticOptions {
  std::uint64_t seed = 0;
  int train_images_per_subclass = 90;  ///< of 12 subclasses
  int test_images_per_subclass = 15;   ///< of 12 known and, three times as many, of 3 novel subclasses
  int novel_superclass_images = 100;   ///< test images of the unseen family
  int other_images = 1500;             ///< records of cifar-100-binary/train.bin
};

/// Writes train_data.csv, superclass_mapping.csv, subclass_mapping.csv, train_images/, test_images/,
/// test_labels.csv and cifar-100-binary/ to `folder`, which must be absent or empty. The same options give
/// the same bytes. The files are written to a folder beside it, which is renamed when whole and removed on
/// failure. Throws Error{folder, ...}.
void write_synthetic(const std::filesystem::path& folder, const SyntheticOptions& options = {});

}  // namespace tern

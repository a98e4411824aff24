// A small data set that anyone can make: drawn shapes in the study's layout, with test labels and
// novel classes.
//
//   superclasses  disc, polygon, stripes; in the test images also a family that training never shows (novel)
//   subclasses    twelve, four per family: one of two forms, plain or checked, orange or blue ("checked
//                 orange ring"). Of a family's eight combinations four are known, such that no form, fill or
//                 colour alone tells a class; the other four appear in the test images only, as novel
//                 subclasses of a known superclass
//   nuisance      see synthetic_image.h
//
// cifar-100-binary/ holds "other things" (blobs, grids, scribbles) in CIFAR-100's official layout.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tern {

struct SyntheticOptions {
  std::uint64_t seed = 0;
  int train_images_per_subclass = 90;       ///< of 12 subclasses: 1,080
  int test_images_per_subclass = 10;        ///< of the same 12: 120
  int test_images_per_novel_subclass = 14;  ///< of 12 other combinations of what training shows: 168
  int novel_superclass_images = 100;        ///< of the unseen family
  int other_images = 1500;                  ///< records of cifar-100-binary/train.bin
};

/// Writes train_data.csv, superclass_mapping.csv, subclass_mapping.csv, train_images/, test_images/,
/// test_labels.csv and cifar-100-binary/ to `folder`, which must be absent or empty. The same options give
/// the same bytes. The files are written to a folder beside it, which is renamed when whole and removed on
/// failure. Throws Error{folder, ...}.
void write_synthetic(const std::filesystem::path& folder, const SyntheticOptions& options = {});

}  // namespace tern

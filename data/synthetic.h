// A small data set that anyone can make: drawn shapes in the study's layout, with test labels and
// novel classes.
//
//   superclasses  orange, blue and violet things; in the test images also green ones (novel)
//   subclasses    eighteen, six forms in each colour ("orange ring"). Novel subclasses of a known superclass
//                 have two more forms, waves and spiral, in the test images only
//   nuisance      see synthetic_image.h
//
// cifar-100-binary/ holds "other things" in CIFAR-100's official layout: the known forms and three
// more, in colours that are of no superclass.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace tern {

struct SyntheticOptions {
  std::uint64_t seed = 0;
  int train_images_per_subclass = 400;      ///< of 18 subclasses: 7,200
  int test_images_per_subclass = 12;        ///< of the same 18: 216
  int test_images_per_novel_subclass = 36;  ///< of 2 other forms in the 3 colours: 216
  int novel_superclass_images = 144;        ///< green
  int other_images = 1500;                  ///< records of cifar-100-binary/train.bin
};

/// Of all parts together.
std::int64_t count_images(const SyntheticOptions& options);

/// Writes train_data.csv, superclass_mapping.csv, subclass_mapping.csv, train_images/, test_images/,
/// test_labels.csv and cifar-100-binary/ to `folder`, which must be absent or empty. The same options give
/// the same bytes. The files are written to a folder beside it, which is renamed when whole and removed on
/// failure. `drawn`, if any, is told after each image how many there are; what it throws is a failure, too.
/// Throws Error{folder, ...}.
void write_synthetic(const std::filesystem::path& folder, const SyntheticOptions& options = {},
                     const std::function<void(std::int64_t)>& drawn = {});

}  // namespace tern

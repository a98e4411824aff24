// tern demo-data --out DIR [--seed N]: a small synthetic data set in the study's layout, with test labels.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/synthetic.h"

namespace tern {

struct DemoDataOptions {
  std::filesystem::path out;  ///< absent or empty folder
  std::uint64_t seed = 0;
  int images_per_subclass = SyntheticOptions{}.train_images_per_subclass;  ///< to train on; 1 to 100,000
};

/// Returns 0; throws Error on failure, Stopped when asked to stop: nothing is written then. Prints how far it is, and
/// what was written.
int demo_data(const DemoDataOptions& options);

}  // namespace tern

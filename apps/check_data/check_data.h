// tern check-data: what is wrong with a folder of images before a model is trained on it.
#pragma once

#include <filesystem>

#include "apps/common/console.h"
#include "apps/common/runtime.h"

namespace tern {

struct CheckDataOptions {
  std::filesystem::path data;    ///< as for tern train
  std::filesystem::path images;  ///< to be predicted; empty: DATA/test_images or .zip, if there
  std::filesystem::path out;     ///< an HTML page, if not empty
  ResultForm print = ResultForm::text;
  RuntimeOptions runtime;
};

/// Prints classes, sizes, and the images that cannot be read or look the same; writes the page whole or not at all.
/// Returns 0; throws Error where the labels are at fault, and, after all is told, where images cannot be read.
int check_data(const CheckDataOptions& options);

}  // namespace tern

// tern dump: features, logits and labels of a run's images as safetensors, for work in NumPy or elsewhere.
//
//   super_features, super_logits   f32 [n, D], [n, superclasses]; only of a run with a superclass model
//   sub_features, sub_logits       f32 [n, D], [n, subclasses]; only of a run with a subclass model
//   features                       f32 [n, D]; instead of these two where two heads share one backbone
//   superclasses, subclasses       i32 [n] labels; pseudo-novel images keep their true subclass
//   part                           u8 [n]; 0 train, 1 validation, 2 pseudo_novel, 3 pseudo_novel_super
//                                  (no such class was trained on)
//   is_extra                       u8 [n]; 1 for CIFAR images
//
// Metadata, each JSON as text: parts, image_names, superclass_names, subclass_names, held_out_subclasses.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/common/runtime.h"
#include "apps/run/study_data.h"

namespace tern {

struct DumpOptions {
  std::filesystem::path run;
  std::filesystem::path out;
  std::vector<std::string> parts;  ///< of those above; empty: all
  DataFolders folders;             ///< empty: where the run found its images
  RuntimeOptions runtime;
};

/// Writes the file whole or not at all. Returns 0; throws Error on failure.
int dump(const DumpOptions& options);

}  // namespace tern

// tern export: a run's best models as one file that other programs take.
#pragma once

#include <filesystem>

#include "apps/measure/answers.h"

namespace tern {

struct ExportOptions {
  std::filesystem::path run;
  std::filesystem::path out;  ///< .onnx: onnx_model.h; .safetensors: torch_weights.h
  DecisionOptions decision;   ///< what the graph answers by, as of tern predict; of the weights a description
  bool replace = false;       ///< else a file that is there is refused
};

/// Writes the file whole or not at all. Returns 0; throws Error on failure.
int export_run(const ExportOptions& options);

}  // namespace tern

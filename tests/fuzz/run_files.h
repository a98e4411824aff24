// A small run folder with all that calibrations and scores are held against: three superclasses of two subclasses each.
#pragma once

#include <fmt/format.h>

#include "apps/run/run_folder.h"
#include "engine/io/file.h"
#include "models/checkpoint.h"
#include "tests/fuzz/fuzzer.h"

namespace tern::fuzz {

inline constexpr const char* kRunSettings = "approach = \"two_heads\"\nepochs = 1\n";
inline constexpr const char* kRunSummary = R"({
  "tern_version": "0.1.0", "status": "complete", "threads": 1, "device": "cpu", "backend": "cpu",
  "versions": {"tern": "0.1.0", "libjpeg_turbo": "2.1.5"},
  "inputs": {"data": "/data", "cifar": "", "weights": "", "weights_key": "model", "fingerprint": "0"},
  "split": {"images": 48, "train": 30, "validation": 12, "held_out_subclasses": [5]},
  "classes": {
    "superclass_names": ["a", "b", "c", "novel"], "subclass_names": ["a0", "a1", "b0", "b1", "c0", "c1", "novel"],
    "subclass_to_super": [0, 0, 1, 1, 2, 2, 3],
    "superclass_trained": [1, 1, 1, 0], "subclass_trained": [1, 1, 1, 1, 1, 0, 0]
  },
  "sessions": [{"epochs": 1, "done": {}, "threads": 1, "device": "cpu", "versions": {"tern": "0.1.0"}},
               {"epochs": 2, "done": {"two_heads": 1}, "threads": 2, "device": "cpu"}],
  "models": {"two_heads": {"updates": 3, "last": {"epoch": 2}, "best": {"epoch": 1, "score_percent": 50}}}
})";

/// Without a model.
struct RunFiles : Folder {
  RunFiles() {
    std::filesystem::create_directories(*this / "checkpoints");
    write("config.toml", kRunSettings);
    write("summary.json", kRunSummary);
  }
  Run open() const { return Run::open(path()); }
};

/// With its model, which is all zeros.
struct RunFilesWithModel : RunFiles {
  RunFilesWithModel() {
    const ModelSpec spec{
        "resnet18", {{"super_head", HeadKind::linear, 4}, {"sub_head", HeadKind::linear, 7}}, "backbone."};
    save_model(open().best_model(Part::two_heads), Model(spec, Initialiser::zeros()));
  }
};

}  // namespace tern::fuzz

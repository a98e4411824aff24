// What an exported file says of itself beside its tensors, as texts by key; ONNX calls them metadata_props, safetensors
// metadata.
//
//   tern, commit            the version that wrote it
//   architecture, precision the backbone, and what it was trained in (weights are f32 always)
//   levels                  JSON, ["super", "sub"] or one of them: those whose outputs or heads there are
//   superclass_names, subclass_names, subclass_to_super      JSON; the last of each is "novel"
//   held_out_subclasses     JSON; indices of classes that were kept out of training
//   decision                JSON by level: score, threshold (or thresholds, a number a class), answered (0 or 1 a class),
//                           novel (index); and consistent
//   image_size, input, resize, mean, deviation               how pictures become input
//   config                  the run's settings, TOML
#pragma once

#include <vector>

#include "apps/measure/predictor.h"
#include "engine/io/state_dict.h"

namespace tern {

/// The levels that have a part in the answers: with one level of classes that of any class only where it has something to
/// tell, or a score is made of it.
std::vector<Level> deciding_levels(const Predictor& predictor);

/// `levels`: those of the file.
Metadata description_of(const Predictor& predictor, const std::vector<Level>& levels);

}  // namespace tern

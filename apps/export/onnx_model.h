// A run as one ONNX model: what `tern predict` computes of an image, from pixels to answers.
//
//   input    images             f32 [batch, 3, image_size, image_size], RGB in 0 .. 1; mean and deviation are inside
//   outputs  features           f32 [batch, D]; where each level has a network, super_features and sub_features
//            <level>_logits     f32 [batch, classes], of every class
//            <level>_probabilities, <level>_confidence, <level>_class      see onnx_answers.h
//
// With one level of classes the outputs are features and those of "sub". Where images of none of the classes were trained on,
// or a score decides, what tells them from images of any class is inside: their class is the novel one.
#pragma once

#include <vector>

#include "apps/export/onnx_graph.h"
#include "apps/measure/predictor.h"

namespace tern {

/// The levels that there are outputs of.
std::vector<Level> output_levels(const Predictor& predictor);

/// Of one run. Throws Error{"--score", ...} where check_scores_for_onnx() does.
OnnxGraph onnx_model(Predictor& predictor);

}  // namespace tern

// A run as one ONNX model: what `tern predict` computes of an image, from pixels to answers.
//
//   input    images             f32 [batch, 3, image_size, image_size], RGB in 0 .. 1; mean and deviation are inside
//   outputs  features           f32 [batch, D]; where each level has a network, super_features and sub_features
//            <level>_logits     f32 [batch, classes], of every class
//            <level>_probabilities, <level>_confidence, <level>_class      see onnx_answers.h
#pragma once

#include "apps/export/onnx_graph.h"
#include "apps/measure/predictor.h"

namespace tern {

/// Of one run. Throws Error{"--score", ...} where check_scores_for_onnx() does.
OnnxGraph onnx_model(Predictor& predictor);

}  // namespace tern

// The networks of models/ as nodes of an ONNX graph, in evaluation mode. Names are those of the state dict: the node that
// `layer1.0.conv1.weight` belongs to is `layer1.0.conv1`. Batch normalisation stays a node, which every runtime folds into
// the convolution before it.
#pragma once

#include <string>

#include "apps/export/onnx_graph.h"
#include "models/heads.h"

namespace tern {

/// Adds the backbone. images: [batch, 3, H, W] f32, normalised. `prefix` leads the names of all its values. Returns the
/// pooled features, [batch, D] f32, as a value named `features`.
std::string add_backbone(OnnxGraph& graph, const ResNet& network, const std::string& images,
                         const std::string& prefix, const std::string& features);

/// A head's weights in a graph.
class OnnxHead {
 public:
  /// Adds the weights of head `index` of the model.
  OnnxHead(OnnxGraph& graph, const Model& model, std::size_t index, const std::string& prefix);

  /// Adds head(features), [batch, classes] f32, as a value named `logits`, with which the names of the values on the way
  /// begin.
  std::string add_logits(OnnxGraph& graph, const std::string& features, const std::string& logits) const;

 private:
  HeadKind kind_ = HeadKind::linear;
  std::string name_;  ///< of its tensors, without the last part
};

}  // namespace tern

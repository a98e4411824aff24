#include "apps/export/onnx_network.h"

#include <vector>

#include "engine/core/check.h"

namespace tern {
namespace {

/// As engine/ops/cosine_head.h: no norm is taken for less.
constexpr float kLeastNorm = 1e-12f;

std::vector<std::int64_t> twice(std::int64_t value) {
  return {value, value};
}

/// The attributes that convolutions and pooling share.
std::vector<OnnxAttribute> window_attributes(const Window& window) {
  return {{"kernel_shape", twice(window.kernel)},
          {"strides", twice(window.stride)},
          {"pads", std::vector<std::int64_t>(4, window.padding)}};
}

/// The layer's names in a state dict: "layer1.0.conv1" and "layer1.0.bn1".
struct ConvNormNames {
  std::string conv, norm;
};

class BackboneNodes {
 public:
  BackboneNodes(OnnxGraph& graph, std::string prefix) : graph_(graph), prefix_(std::move(prefix)) {}

  std::string conv_norm(const ConvNorm& layer, const ConvNormNames& names, const std::string& x) {
    const std::string conv = prefix_ + names.conv, norm = prefix_ + names.norm;
    std::vector<OnnxAttribute> attributes = window_attributes(layer.conv.convolution().window);
    attributes.push_back({"group", std::int64_t{layer.conv.convolution().groups}});
    const std::string y =
        graph_.node("Conv", conv, {x, weight(conv + ".weight", layer.conv.weight().data())}, attributes);
    const BatchNormState& state = layer.norm.state();
    return graph_.node(
        "BatchNormalization", norm,
        {y, weight(norm + ".weight", state.gamma.data()), weight(norm + ".bias", state.beta.data()),
         weight(norm + ".running_mean", state.running_mean),
         weight(norm + ".running_var", state.running_variance)},
        {{"epsilon", state.epsilon}});
  }

  std::string relu(const std::string& name, const std::string& x) {
    return graph_.node("Relu", prefix_ + name, {x});
  }

  std::string block(const ResNetBlock& block, const std::string& name, const std::string& x) {
    std::string y = x;
    for (std::size_t i = 0; i < block.path.size(); ++i) {
      const std::string number = std::to_string(i + 1);
      y = conv_norm(block.path[i], {name + "conv" + number, name + "bn" + number}, y);
      if (i + 1 < block.path.size()) y = relu(name + "relu" + number, y);
    }
    const std::string shortcut =
        block.downsample ? conv_norm(*block.downsample, {name + "downsample.0", name + "downsample.1"}, x)
                         : x;
    return relu(name + "relu", graph_.node("Add", prefix_ + name + "add", {y, shortcut}));
  }

 private:
  std::string weight(const std::string& name, const Tensor& values) {
    return graph_.constant(name, to_file_layout(values.to(Device::cpu())));
  }

  OnnxGraph& graph_;
  std::string prefix_;
};

/// rows / max(|row|, kLeastNorm), [rows, D].
std::string add_unit_rows(OnnxGraph& graph, const std::string& rows, const std::string& name) {
  const std::string norm =
      graph.node("ReduceL2", name + ".norm", {rows},
                 {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{1}}});
  const std::string floor = graph.constant(name + ".least_norm", kLeastNorm);
  return graph.node("Div", name, {rows, graph.node("Max", name + ".divisor", {norm, floor})});
}

/// scale cos(features, weight), [batch, classes].
std::string add_cosines(OnnxGraph& graph, const std::string& features, const std::string& head,
                        const std::string& result) {
  const std::string units = add_unit_rows(graph, features, result + ".unit_features");
  const std::string directions = add_unit_rows(graph, head + "weight", result + ".unit_weight");
  const std::string cosines =
      graph.node("Gemm", result + ".cosines", {units, directions}, {{"transB", std::int64_t{1}}});
  return graph.node("Mul", result, {cosines, head + "scale"});
}

std::string add_linear(OnnxGraph& graph, const std::string& x, const std::string& layer,
                       const std::string& result) {
  return graph.node("Gemm", result, {x, layer + "weight", layer + "bias"}, {{"transB", std::int64_t{1}}});
}

}  // namespace

std::string add_backbone(OnnxGraph& graph, const ResNet& network, const std::string& images,
                         const std::string& prefix, const std::string& features) {
  BackboneNodes nodes(graph, prefix);
  std::string x = nodes.relu("relu", nodes.conv_norm(network.stem(), {"conv1", "bn1"}, images));
  x = graph.node("MaxPool", prefix + "maxpool", {x}, window_attributes(kStemPool));
  auto block = network.blocks().begin();
  for (std::size_t stage = 0; stage < network.architecture().blocks.size(); ++stage) {
    for (int index = 0; index < network.architecture().blocks[stage]; ++index, ++block) {
      x = nodes.block(*block, "layer" + std::to_string(stage + 1) + "." + std::to_string(index) + ".", x);
    }
  }
  x = graph.node("GlobalAveragePool", prefix + "avgpool", {x});
  return graph.node("Flatten", features, {x}, {{"axis", std::int64_t{1}}});
}

OnnxHead::OnnxHead(OnnxGraph& graph, const Model& model, std::size_t index, const std::string& prefix)
    : kind_(model.spec().heads.at(index).kind), name_(prefix + model.spec().heads.at(index).name + ".") {
  const std::string own = model.spec().heads.at(index).name + ".";
  for (const ParameterEntry& entry : model.head_parameters()) {
    if (entry.name.starts_with(own)) {
      graph.constant(name_ + entry.name.substr(own.size()), entry.value.data().to(Device::cpu()));
    }
  }
}

std::string OnnxHead::add_logits(OnnxGraph& graph, const std::string& features,
                                 const std::string& logits) const {
  switch (kind_) {
    case HeadKind::linear:
      return add_linear(graph, features, name_, logits);
    case HeadKind::cosine:
      return add_cosines(graph, features, name_, logits);
    case HeadKind::cosine_relu_linear: {
      const std::string cosines = add_cosines(graph, features, name_ + "0.", logits + ".cosine");
      return add_linear(graph, graph.node("Relu", logits + ".relu", {cosines}), name_ + "2.", logits);
    }
  }
  throw Error("head", "a known kind", "another");
}

}  // namespace tern

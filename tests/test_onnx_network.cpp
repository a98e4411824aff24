// Networks as ONNX nodes: every kind of block and head gives what the engine gives.
#include "apps/export/onnx_network.h"

#include <doctest/doctest.h>

#include "tests/support/formula.h"
#include "tests/support/onnx_file.h"

using namespace tern;

namespace {

const std::vector<HeadSpec> kHeads{{"first", HeadKind::linear, 3},
                                   {"second", HeadKind::cosine, 5},
                                   {"third", HeadKind::cosine_relu_linear, 4}};

Model formula_model(const std::string& architecture) {
  Model model({architecture, kHeads}, Initialiser::zeros());
  test::fill_by_formula(model, 3);
  model.set_training(false);
  return model;
}

/// On normalised images of 33 x 33 pixels, whose windows do not come out even.
OnnxGraph graph_of(const Model& model, const std::string& prefix) {
  OnnxGraph graph("test");
  graph.input({"x", DType::f32, {kAnyBatch, 3, 33, 33}, ""});
  const std::string features = add_backbone(graph, model.backbone(), "x", prefix, "features");
  graph.output({features, DType::f32, {kAnyBatch, model.feature_count()}, ""});
  for (std::size_t i = 0; i < kHeads.size(); ++i) {
    const std::string logits = kHeads[i].name + "_logits";
    OnnxHead(graph, model, i, prefix).add_logits(graph, features, logits);
    graph.output({logits, DType::f32, {kAnyBatch, kHeads[i].classes}, ""});
  }
  return graph;
}

std::int64_t elements_of(const onnx::GraphProto& graph, const std::string& name) {
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (tensor.name() != name) continue;
    std::int64_t count = 1;
    for (const std::int64_t extent : tensor.dims()) count *= extent;
    CHECK(tensor.raw_data().size() == static_cast<std::size_t>(count) * sizeof(float));
    return count;
  }
  return 0;
}

}  // namespace

TEST_CASE("onnx_network: blocks and heads of every kind give the engine's features and logits") {
  for (const std::string architecture : {"resnet18", "resnet50", "resnext50_32x4d"}) {
    CAPTURE(architecture);
    Model model = formula_model(architecture);
    const OnnxGraph graph = graph_of(model, "");
    CHECK(test::onnx_faults(graph.model()) == "");
    const Tensor images = test::formula_uniform(5, 0, {2, 33, 33, 3}, -2, 2);
    const auto values = test::evaluate(graph.model(), {{"x", test::channels_first(images)}});
    CHECK(test::relative_difference(values.at("features"), model.features(images).to_vector<float>()) < 1e-5);
    const std::vector<Tensor> logits = model.inference(images);
    for (std::size_t i = 0; i < kHeads.size(); ++i) {
      CAPTURE(kHeads[i].name);
      CHECK(test::relative_difference(values.at(kHeads[i].name + "_logits"), logits[i].to_vector<float>()) <
            2e-5);
    }
  }
}

TEST_CASE("onnx_network: every tensor of the state dict is there, by its name and in PyTorch's layout") {
  const Model model = formula_model("resnext50_32x4d");
  const OnnxGraph graph = graph_of(model, "sub.");
  for (const NamedTensor& entry : model.state_dict()) {
    std::string name = entry.name;
    if (name.ends_with("num_batches_tracked")) continue;
    if (name.starts_with(model.spec().backbone_prefix)) name.erase(0, model.spec().backbone_prefix.size());
    CAPTURE(name);
    CHECK(elements_of(graph.model().graph(), "sub." + name) == entry.tensor.numel());
  }
  std::map<std::string, int> nodes;
  std::map<std::int64_t, int> groups;
  for (const onnx::NodeProto& node : graph.model().graph().node()) {
    ++nodes[node.op_type()];
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.name() == "group") ++groups[attribute.i()];
    }
  }
  CHECK(nodes["Conv"] == 53);
  CHECK(nodes["BatchNormalization"] == 53);
  CHECK(nodes["Add"] == 16);
  CHECK(nodes["MaxPool"] == 1);
  CHECK(nodes["GlobalAveragePool"] == 1);
  CHECK(groups == std::map<std::int64_t, int>{{1, 37}, {32, 16}});
}

// The ONNX format: what is written is what onnx reads and accepts.
#include "apps/export/onnx_graph.h"

#include <doctest/doctest.h>

#include "tests/support/files.h"
#include "tests/support/full_disk.h"
#include "tests/support/onnx_file.h"

using namespace tern;
using doctest::Contains;

namespace {

/// relu(x w' + b) for rows of three, and the column of the largest.
OnnxGraph small_graph() {
  OnnxGraph graph("small");
  graph.input({"x", DType::f32, {kAnyBatch, 3}, "rows"});
  graph.constant("w", Tensor::from(Shape{2, 3}, std::vector<float>{1, 2, 3, -1, -2, -3}));
  graph.constant("b", Tensor::from(Shape{2}, std::vector<float>{0.5f, 0.25f}));
  const std::string sums =
      graph.node("Gemm", "sums", {"x", "w", "b"}, {{"transB", std::int64_t{1}}, {"alpha", 2.0f}});
  graph.node("Relu", "y", {sums});
  graph.node("ArgMax", "best", {"y"}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}});
  graph.output({"y", DType::f32, {kAnyBatch, 2}, "what comes out"});
  graph.output({"best", DType::i64, {kAnyBatch}, ""});
  graph.describe("a small graph", {{"key", "value"}});
  return graph;
}

}  // namespace

TEST_CASE("onnx_graph: what is written is read back, and computes what it says") {
  const test::TemporaryFolder folder;
  small_graph().write(folder / "small.onnx");
  const onnx::ModelProto model = test::read_onnx(folder / "small.onnx");
  CHECK(test::onnx_faults(model) == "");
  CHECK(model.ir_version() == kOnnxIrVersion);
  REQUIRE(model.opset_import_size() == 1);
  CHECK(model.opset_import(0).version() == kOnnxOpset);
  CHECK(model.opset_import(0).domain() == "");
  CHECK(model.producer_name() == "tern");
  CHECK(model.doc_string() == "a small graph");
  CHECK(test::metadata_of(model) == std::map<std::string, std::string>{{"key", "value"}});
  const onnx::GraphProto& graph = model.graph();
  REQUIRE(graph.input_size() == 1);
  CHECK(graph.input(0).type().tensor_type().shape().dim(0).dim_param() == "batch");
  CHECK(graph.input(0).type().tensor_type().shape().dim(1).dim_value() == 3);
  CHECK(graph.output(1).type().tensor_type().elem_type() == onnx::TensorProto::INT64);
  CHECK(graph.node(0).name() == "sums");
  const auto values = test::evaluate(model, {{"x", {{2, 3}, {1, 0, 1, 0, 0, -1}}}});
  CHECK(values.at("y").values == std::vector<double>{8.5, 0, 0, 6.25});
  CHECK(values.at("best").values == std::vector<double>{0, 1});
}

TEST_CASE("onnx_graph: onnx finds what is wrong with a graph") {
  OnnxGraph graph = small_graph();
  graph.node("Rellu", "z", {"y"});
  CHECK(test::onnx_faults(graph.model()).find("Rellu") != std::string::npos);
  OnnxGraph misfit = small_graph();
  misfit.node("MatMul", "product", {"x", "y"});  // [batch, 3] [batch, 2]
  misfit.output({"product", DType::f32, {kAnyBatch, 3}, ""});
  CHECK(test::onnx_faults(misfit.model()) != "");
}

TEST_CASE("onnx_graph: names are unique, outputs are there, types are those of graphs") {
  OnnxGraph graph = small_graph();
  CHECK_THROWS_WITH_AS(graph.constant("w", 1.0f),
                       Contains("onnx graph: wanted each name once, got 'w' twice"), Error);
  CHECK_THROWS_WITH_AS(graph.node("Relu", "y", {"x"}), Contains("'y' twice"), Error);
  CHECK_THROWS_WITH_AS(graph.output({"nowhere", DType::f32, {1}, ""}), Contains("'nowhere'"), Error);
  CHECK_THROWS_WITH_AS(graph.constant("bytes", Tensor::zeros(Shape{2}, DType::u8)),
                       Contains("wanted f32, i64 or boolean"), Error);
}

TEST_CASE("onnx_graph: a disk that is full leaves the file of before") {
  const test::TemporaryFolder folder;
  small_graph().write(folder / "small.onnx");
  const std::string before = read_text_file(folder / "small.onnx");
  OnnxGraph large = small_graph();
  large.constant("many", Tensor::zeros(Shape{100000}));
  {
    const test::FullDisk disk(4096);
    CHECK_THROWS_WITH_AS(large.write(folder / "small.onnx"), Contains("small.onnx"), Error);
  }
  CHECK(read_text_file(folder / "small.onnx") == before);
  CHECK(folder.size() == 1);
}

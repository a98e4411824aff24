// ONNX models as onnx itself reads and checks them. Programs that include this link ONNX::onnx.
#pragma once

#include <onnx/checker.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/state_dict.h"
#include "engine/tensor/tensor.h"
#include "tests/support/onnx_evaluator.h"

namespace tern::test {

inline onnx::ModelProto read_onnx(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  onnx::ModelProto model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw Error(path.string(), "an ONNX model", "something else");
  return model;
}

/// onnx's check of every node, and of the types and shapes that follow from it: what it finds wrong; empty for nothing.
inline std::string onnx_faults(onnx::ModelProto model) {
  try {
    onnx::checker::check_model(model);
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(),
                                       onnx::ShapeInferenceOptions(/*check_type=*/true, /*strict=*/1));
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

inline std::map<std::string, std::string> metadata_of(const onnx::ModelProto& model) {
  std::map<std::string, std::string> metadata;
  for (const onnx::StringStringEntryProto& entry : model.metadata_props())
    metadata[entry.key()] = entry.value();
  return metadata;
}

/// Images [N, H, W, 3] f32 as a graph takes them, [N, 3, H, W].
inline OnnxArray channels_first(const Tensor& images) {
  const Tensor first = to_file_layout(images);
  const std::vector<float> values = first.to_vector<float>();
  return {{first.shape().begin(), first.shape().end()}, {values.begin(), values.end()}};
}

/// The largest difference, relative to the largest of `wanted`; infinite for other sizes.
template <typename Wanted>
double relative_difference(const OnnxArray& got, const Wanted& wanted) {
  if (got.values.size() != wanted.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, largest = 1e-30;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    difference = std::max(difference, std::abs(got.values[i] - static_cast<double>(wanted[i])));
    largest = std::max(largest, std::abs(static_cast<double>(wanted[i])));
  }
  return difference / largest;
}

}  // namespace tern::test

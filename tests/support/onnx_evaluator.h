// ONNX graphs computed naively in double precision: what the specification of operators (opset 17) says of those that tern
// writes, sharing no code with the engine. For small images: a convolution is seven loops.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tern::test {

/// Row-major; whole numbers and flags as doubles, too.
struct OnnxArray {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// Every value of the graph by name. Throws Error for an operator or a form of it that tern does not write.
std::map<std::string, OnnxArray> evaluate(const onnx::ModelProto& model,
                                          const std::map<std::string, OnnxArray>& inputs);

}  // namespace tern::test

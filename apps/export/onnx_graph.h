// An ONNX model under construction: constants, nodes, inputs and outputs, each value known by its name. It knows the
// format and no network. The names are unique: a node is named as the first value that it gives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "engine/io/state_dict.h"
#include "engine/tensor/tensor.h"

namespace onnx {
class ModelProto;
class ValueInfoProto;
}  // namespace onnx

namespace tern {

/// The version of ONNX's operators that nodes are of, and of the format: what onnx 1.12 and later, onnxruntime 1.12 and
/// later and OpenVINO read.
inline constexpr std::int64_t kOnnxOpset = 17;
inline constexpr std::int64_t kOnnxIrVersion = 8;

/// An extent of an input or output that whoever runs the model chooses: the number of images.
inline constexpr std::int64_t kAnyBatch = -1;

struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, float, std::vector<std::int64_t>> value;
};

struct OnnxValue {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> extents;  ///< kAnyBatch for the number of images
  std::string text;                   ///< for people
};

/// Every member that adds a value throws Error{"onnx graph", ...} for a name that is there already.
class OnnxGraph {
 public:
  explicit OnnxGraph(const std::string& name);
  ~OnnxGraph();
  OnnxGraph(OnnxGraph&&) noexcept;
  OnnxGraph& operator=(OnnxGraph&&) noexcept;

  void input(const OnnxValue& value);
  /// A value that some node gives.
  void output(const OnnxValue& value);

  /// Each returns the name that it adds. `values` on the CPU: f32, i64 or boolean, in the layout of a file.
  std::string constant(const std::string& name, const Tensor& values);
  std::string constant(const std::string& name, float value);  ///< a scalar
  std::string constant(const std::string& name, const std::vector<std::int64_t>& values);
  std::string node(const std::string& op, const std::string& name, const std::vector<std::string>& inputs,
                   const std::vector<OnnxAttribute>& attributes = {});
  /// Of an op that gives several values.
  void node(const std::string& op, const std::vector<std::string>& outputs,
            const std::vector<std::string>& inputs, const std::vector<OnnxAttribute>& attributes = {});

  /// What people read of the model, and what programs read.
  void describe(const std::string& text, const Metadata& metadata);

  const onnx::ModelProto& model() const { return *model_; }

  /// By AtomicFile: whole or not at all. Throws Error{path, ...} if writing fails, and for a model over the 2 GiB that
  /// a file of this format may have.
  void write(const std::filesystem::path& path) const;

 private:
  void take_name(const std::string& name);

  std::unique_ptr<onnx::ModelProto> model_;
  std::unordered_set<std::string> names_;
};

}  // namespace tern

#include "apps/export/onnx_graph.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstring>
#include <exception>
#include <limits>
#include <span>

#include "apps/common/version.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

namespace pb = google::protobuf;

onnx::TensorProto::DataType type_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return onnx::TensorProto::FLOAT;
    case DType::i64:
      return onnx::TensorProto::INT64;
    case DType::boolean:
      return onnx::TensorProto::BOOL;
    default:
      throw Error("onnx graph", "f32, i64 or boolean", name_of(dtype));
  }
}

void fill(onnx::ValueInfoProto& info, const OnnxValue& value) {
  info.set_name(value.name);
  info.set_doc_string(value.text);
  onnx::TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type_of(value.dtype));
  for (const std::int64_t extent : value.extents) {
    onnx::TensorShapeProto::Dimension& dimension = *tensor.mutable_shape()->add_dim();
    if (extent == kAnyBatch) {
      dimension.set_dim_param("batch");
    } else {
      dimension.set_dim_value(extent);
    }
  }
}

void fill(onnx::AttributeProto& attribute, const OnnxAttribute& given) {
  attribute.set_name(given.name);
  if (const auto* number = std::get_if<std::int64_t>(&given.value)) {
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(*number);
  } else if (const auto* real = std::get_if<float>(&given.value)) {
    attribute.set_type(onnx::AttributeProto::FLOAT);
    attribute.set_f(*real);
  } else {
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t one : std::get<std::vector<std::int64_t>>(given.value)) attribute.add_ints(one);
  }
}

/// Hands what protobuf writes to a file, and keeps what the file throws: protobuf's code lets nothing through.
class FileStream : public pb::io::CopyingOutputStream {
 public:
  explicit FileStream(AtomicFile& file) : file_(file) {}

  bool Write(const void* bytes, int size) override {
    if (failure_) return false;
    try {
      file_.write(std::span(static_cast<const std::byte*>(bytes), static_cast<std::size_t>(size)));
    } catch (...) {
      failure_ = std::current_exception();
    }
    return !failure_;
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  AtomicFile& file_;
  std::exception_ptr failure_;
};

}  // namespace

OnnxGraph::OnnxGraph(const std::string& name) : model_(std::make_unique<onnx::ModelProto>()) {
  model_->set_ir_version(kOnnxIrVersion);
  model_->set_producer_name("tern");
  model_->set_producer_version(kVersion);
  onnx::OperatorSetIdProto& opset = *model_->add_opset_import();
  opset.set_domain("");  // ONNX's own operators
  opset.set_version(kOnnxOpset);
  model_->mutable_graph()->set_name(name);
}

OnnxGraph::~OnnxGraph() = default;
OnnxGraph::OnnxGraph(OnnxGraph&&) noexcept = default;
OnnxGraph& OnnxGraph::operator=(OnnxGraph&&) noexcept = default;

void OnnxGraph::take_name(const std::string& name) {
  if (!names_.insert(name).second) throw Error("onnx graph", "each name once", "'" + name + "' twice");
}

void OnnxGraph::input(const OnnxValue& value) {
  take_name(value.name);
  fill(*model_->mutable_graph()->add_input(), value);
}

void OnnxGraph::output(const OnnxValue& value) {
  if (!names_.contains(value.name))
    throw Error("onnx graph", "a value that is there", "'" + value.name + "'");
  fill(*model_->mutable_graph()->add_output(), value);
}

std::string OnnxGraph::constant(const std::string& name, const Tensor& values) {
  take_name(name);
  onnx::TensorProto& tensor = *model_->mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type_of(values.dtype()));
  for (const std::int64_t extent : values.shape()) tensor.add_dims(extent);
  tensor.set_raw_data(values.raw(), values.bytes());
  return name;
}

std::string OnnxGraph::constant(const std::string& name, float value) {
  return constant(name, Tensor::from(Shape{}, std::vector<float>{value}));
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<std::int64_t>& values) {
  return constant(name, Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values));
}

std::string OnnxGraph::node(const std::string& op, const std::string& name,
                            const std::vector<std::string>& inputs,
                            const std::vector<OnnxAttribute>& attributes) {
  node(op, std::vector<std::string>{name}, inputs, attributes);
  return name;
}

void OnnxGraph::node(const std::string& op, const std::vector<std::string>& outputs,
                     const std::vector<std::string>& inputs, const std::vector<OnnxAttribute>& attributes) {
  onnx::NodeProto& node = *model_->mutable_graph()->add_node();
  node.set_name(outputs.front());
  node.set_op_type(op);
  for (const std::string& name : inputs) node.add_input(name);
  for (const std::string& name : outputs) {
    take_name(name);
    node.add_output(name);
  }
  for (const OnnxAttribute& attribute : attributes) fill(*node.add_attribute(), attribute);
}

void OnnxGraph::describe(const std::string& text, const Metadata& metadata) {
  model_->set_doc_string(text);
  for (const auto& [key, value] : metadata) {
    onnx::StringStringEntryProto& entry = *model_->add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
}

void OnnxGraph::write(const std::filesystem::path& path) const {
  if (model_->ByteSizeLong() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw Error(path.string(), "a model of up to 2 GiB, as large as an ONNX file may be",
                std::to_string(model_->ByteSizeLong() >> 20) + " MiB");
  }
  AtomicFile file(path);
  FileStream stream(file);
  bool whole = false;
  {
    pb::io::CopyingOutputStreamAdaptor adaptor(&stream);
    whole = model_->SerializeToZeroCopyStream(&adaptor) && adaptor.Flush();
  }
  stream.rethrow();
  if (!whole) throw Error(path.string(), "cannot be written as ONNX");
  file.commit();
}

}  // namespace tern

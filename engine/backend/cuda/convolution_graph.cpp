#include "engine/backend/cuda/convolution_graph.h"

#include <array>
#include <utility>
#include <vector>

namespace tern {
namespace {

using Extents = std::array<std::int64_t, 4>;  // N, C, H, W: cuDNN's order, whatever lies in memory how

constexpr std::int64_t kFirstIntermediate = 100;

cudnnDataType_t data_type(const ConvolutionProblem& problem) {
  return problem.type == ConvolutionType::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

// Keeps every descriptor that another refers to.
class GraphBuilder {
 public:
  explicit GraphBuilder(const ConvolutionProblem& problem) : problem_(problem) {}

  /// Channels lie together (NHWC). An intermediate result exists only inside the fused kernel.
  const CudnnDescriptor& tensor(std::int64_t id, const Extents& extents, cudnnDataType_t type,
                                bool intermediate) {
    const auto [n, c, h, w] = extents;
    CudnnDescriptor& tensor = graph_.parts.emplace_back(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
    tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
    tensor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, {n, c, h, w});
    tensor.set(CUDNN_ATTR_TENSOR_STRIDES, {h * w * c, 1, w * c, c});
    tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, problem_.alignment);
    tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, intermediate);
    tensor.finalize("a tensor of a convolution");
    return tensor;
  }

  const CudnnDescriptor& window() {
    CudnnDescriptor& window = graph_.parts.emplace_back(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    window.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    window.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
    window.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1});
    window.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {problem_.stride, problem_.stride});
    window.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {problem_.padding, problem_.padding});
    window.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {problem_.padding, problem_.padding});
    window.finalize("the window of a convolution");
    return window;
  }

  CudnnDescriptor& operation(cudnnBackendDescriptorType_t type) {
    CudnnDescriptor& operation = graph_.parts.emplace_back(type);
    operations_.push_back(operation.get());
    return operation;
  }

  /// y = mode(x) or mode(x, other), in f32.
  void pointwise(cudnnPointwiseMode_t mode, const CudnnDescriptor& x, const CudnnDescriptor* other,
                 const CudnnDescriptor& y) {
    CudnnDescriptor& kind = graph_.parts.emplace_back(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    kind.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
    kind.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    if (mode == CUDNN_POINTWISE_RELU_FWD) {
      // cuDNN's default lets ReLU make 0 of NaN: a broken network would answer as if nothing were wrong. The
      // plans stay the same, and as many. A plan written to a file does not tell of it; whether
      // the kernels keep NaN is for tests/test_non_finite.cpp to show on a GPU. (A slope for the negative, as
      // on the CPU, would leave no kernel that is compiled beforehand.)
      const cudnnNanPropagation_t keeps_nan = CUDNN_PROPAGATE_NAN;
      kind.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, 1, &keeps_nan);
    }
    kind.finalize("what follows a convolution");
    CudnnDescriptor& node = operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    node.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kind);
    node.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (other != nullptr) node.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *other);
    node.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    node.finalize("what follows a convolution");
  }

  ConvolutionGraph finish() {
    graph_.graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                     static_cast<std::int64_t>(operations_.size()), operations_.data());
    graph_.graph.finalize(("the convolution " + problem_.text()).c_str());
    return std::move(graph_);
  }

 private:
  const ConvolutionProblem& problem_;
  ConvolutionGraph graph_;
  std::vector<cudnnBackendDescriptor_t> operations_;
};

// The attributes of one pass; their values are alike but for their names.
struct PassNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t window, x, w, y, alpha, beta;
};

PassNames names_of(ConvolutionPass pass) {
  switch (pass) {
    case ConvolutionPass::backward_data:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case ConvolutionPass::backward_weight:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
    case ConvolutionPass::forward:
      break;
  }
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
}

const char* name_of(ConvolutionPass pass) {
  switch (pass) {
    case ConvolutionPass::backward_data:
      return "backward_data";
    case ConvolutionPass::backward_weight:
      return "backward_weight";
    case ConvolutionPass::forward:
      break;
  }
  return "forward";
}

const char* name_of(ConvolutionType type) {
  switch (type) {
    case ConvolutionType::bf16:
      return "bf16";
    case ConvolutionType::tf32:
      return "tf32";
    case ConvolutionType::f32:
      break;
  }
  return "f32";
}

}  // namespace

std::string ConvolutionProblem::text() const {
  std::string text = std::string(name_of(pass)) + " " + name_of(type) + " " + std::to_string(images) + "x" +
                     std::to_string(height) + "x" + std::to_string(width) + "x" + std::to_string(in) + " k" +
                     std::to_string(out) + " r" + std::to_string(kernel) + " s" + std::to_string(stride) +
                     " p" + std::to_string(padding);
  if (groups != 1) text += " g" + std::to_string(groups);
  if (bias) text += " bias";
  if (residual) text += " residual";
  if (relu) text += " relu";
  if (add) text += " add";
  if (deterministic) text += " deterministic";
  if (alignment != 16) text += " alignment " + std::to_string(alignment);
  return text;
}

std::size_t ConvolutionProblem::input_bytes() const {
  const std::size_t bytes = type == ConvolutionType::bf16 ? 2 : 4;
  return static_cast<std::size_t>(images * height * width * in) * bytes;
}

ConvolutionGraph convolution_graph(const ConvolutionProblem& problem) {
  const cudnnDataType_t type = data_type(problem);
  const Extents y_extents{problem.images, problem.out, problem.out_height(), problem.out_width()};
  GraphBuilder builder(problem);
  const auto& x =
      builder.tensor(kX, {problem.images, problem.in, problem.height, problem.width}, type, false);
  // cuDNN sees from its channels how many groups there are.
  const auto& w = builder.tensor(
      kW, {problem.out, problem.in / problem.groups, problem.kernel, problem.kernel}, type, false);
  // What follows the convolution, in the order for which cuDNN has kernels compiled beforehand in f32.
  std::vector<ConvolutionTensor> inputs;
  if (problem.residual) inputs.push_back(kResidual);
  if (problem.bias) inputs.push_back(kBias);
  std::size_t left = inputs.size() + (problem.relu ? 1 : 0);
  std::int64_t id = kFirstIntermediate;
  const auto next_result = [&]() -> const CudnnDescriptor& {
    return left == 0 ? builder.tensor(kY, y_extents, type, false)
                     : builder.tensor(id++, y_extents, CUDNN_DATA_FLOAT, true);
  };

  const CudnnDescriptor* result = &next_result();
  const PassNames names = names_of(problem.pass);
  const CudnnDescriptor& window = builder.window();
  CudnnDescriptor& convolution = builder.operation(names.operation);
  convolution.set(names.window, window);
  convolution.set(names.x, x);
  convolution.set(names.w, w);
  convolution.set(names.y, *result);
  convolution.set(names.alpha, 1.0f);
  convolution.set(names.beta, problem.add ? 1.0f : 0.0f);
  convolution.finalize(("the convolution " + problem.text()).c_str());

  for (const ConvolutionTensor input : inputs) {
    const CudnnDescriptor& other =
        input == kBias ? builder.tensor(kBias, {1, problem.out, 1, 1}, CUDNN_DATA_FLOAT, false)
                       : builder.tensor(kResidual, y_extents, type, false);
    --left;
    const CudnnDescriptor& sum = next_result();
    builder.pointwise(CUDNN_POINTWISE_ADD, *result, &other, sum);
    result = &sum;
  }
  if (problem.relu) {
    --left;
    builder.pointwise(CUDNN_POINTWISE_RELU_FWD, *result, nullptr, next_result());
  }
  return builder.finish();
}

}  // namespace tern

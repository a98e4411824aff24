// Data are NHWC and weights KRSC ("ohwi") outside; inside, oneDNN packs the weights as its kernel for the
// shape likes them: once a call in training, where they change every step and packing is a small part of the work.
#include "engine/backend/cpu/onednn_convolution.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

#include "engine/backend/cpu/onednn_post_ops.h"
#include "engine/backend/cpu/onednn_primitive.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

using dnnl::memory;
using dnnl::prop_kind;
using Format = memory::format_tag;

memory::desc describe(memory::dims extents, Format format, DType type = DType::f32) {
  return memory::desc(std::move(extents),
                      type == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32, format);
}

struct Descriptions {
  memory::desc images_in, images_out, packed_weight, bias;
  memory::dims strides, padding;
};

// A weight in oneDNN's order of axes, which has one for the groups if there are several.
memory::dims weight_extents(const ConvolutionShape& s) {
  const int r = s.window.kernel, groups = s.groups;
  if (groups == 1) return {s.out, s.in, r, r};
  return {groups, s.out / groups, s.in / groups, r, r};
}

Descriptions descriptions_of(const ConvolutionShape& s, bool has_bias) {
  // The lower right padding may be less than the upper left where the stride leaves pixels over: oneDNN wants
  // the exact.
  return {describe({s.images, s.in, s.height, s.width}, Format::nhwc, s.type),
          describe({s.images, s.out, s.out_height, s.out_width}, Format::nhwc, s.type),
          describe(weight_extents(s), Format::any, s.type),
          has_bias ? describe({s.out}, Format::x) : memory::desc(),
          {s.window.stride, s.window.stride},
          {s.window.padding, s.window.padding}};
}

memory::dims lower_padding(const ConvolutionShape& s) {
  const auto needed = [&](std::int64_t in, std::int64_t out) {
    return (out - 1) * s.window.stride + s.window.kernel - in - s.window.padding;
  };
  return {needed(s.height, s.out_height), needed(s.width, s.out_width)};
}

// oneDNN 3 builds a primitive's description in one call, oneDNN 2 (Debian 12) in two.
dnnl::convolution_forward::primitive_desc forward_description(const ConvolutionShape& s, prop_kind kind,
                                                              bool has_bias,
                                                              const dnnl::primitive_attr& attributes,
                                                              const dnnl::engine& engine) {
  const Descriptions d = descriptions_of(s, has_bias);
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine,       kind,      algorithm, d.images_in,      d.packed_weight, d.bias,
          d.images_out, d.strides, d.padding, lower_padding(s), attributes};
#else
  if (has_bias) {
    return {{kind, algorithm, d.images_in, d.packed_weight, d.bias, d.images_out, d.strides, d.padding,
             lower_padding(s)},
            attributes,
            engine};
  }
  return {
      {kind, algorithm, d.images_in, d.packed_weight, d.images_out, d.strides, d.padding, lower_padding(s)},
      attributes,
      engine};
#endif
}

dnnl::convolution_backward_data::primitive_desc backward_data_description(
    const ConvolutionShape& s, const dnnl::convolution_forward::primitive_desc& hint,
    const dnnl::primitive_attr& attributes, const dnnl::engine& engine) {
  const Descriptions d = descriptions_of(s, false);
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine,    algorithm,        d.images_in, d.packed_weight, d.images_out, d.strides,
          d.padding, lower_padding(s), hint,        attributes};
#else
  return {{algorithm, d.images_in, d.packed_weight, d.images_out, d.strides, d.padding, lower_padding(s)},
          attributes,
          engine,
          hint};
#endif
}

dnnl::convolution_backward_weights::primitive_desc backward_weight_description(
    const ConvolutionShape& s, const dnnl::convolution_forward::primitive_desc& hint,
    const dnnl::primitive_attr& attributes, const dnnl::engine& engine) {
  const Descriptions d = descriptions_of(s, false);
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine,    algorithm,        d.images_in, d.packed_weight, d.images_out, d.strides,
          d.padding, lower_padding(s), hint,        attributes};
#else
  return {{algorithm, d.images_in, d.packed_weight, d.images_out, d.strides, d.padding, lower_padding(s)},
          attributes,
          engine,
          hint};
#endif
}

// How many neighbouring groups are to be made one for the forward pass. oneDNN (2.6, with AVX2) has no kernel
// of its own for groups of fewer channels than a vector holds: it copies windows for a product of matrices
// of each group, which takes two to six times as long. The zeros between the merged groups cost little,
// since a narrow group would leave the rest of each vector empty. Depthwise convolution has a kernel, and so
// have both backward passes, and bf16.
int groups_to_merge(const ConvolutionShape& s) {
  constexpr int kVector = 8;
  if (s.type != DType::f32 || s.groups == 1 || (s.groups == s.in && s.groups == s.out)) return 1;
  const std::int64_t channels = std::min(s.in, s.out) / s.groups;
  for (int merged = 1; merged <= kVector; ++merged) {
    if (merged * channels >= kVector && s.groups % merged == 0) return merged;
  }
  return 1;
}

// w [K,R,R,C/groups] as the weight [K,R,R,merged C/groups] of the same convolution with groups / merged
// groups: each output channel has zeros for the inputs of the groups that it is merged with.
Tensor merge_groups(const Tensor& w, int groups, int merged) {
  const std::int64_t channels = w.size(3), out_of_group = w.size(0) / groups, taps = w.size(1) * w.size(2);
  Tensor result = Tensor::zeros({w.size(0), w.size(1), w.size(2), merged * channels});
  const float* from = w.data<float>();
  for (std::int64_t k = 0; k < w.size(0); ++k) {
    float* to = result.data<float>() + k * taps * merged * channels + k / out_of_group % merged * channels;
    for (std::int64_t tap = 0; tap < taps; ++tap, from += channels, to += merged * channels) {
      std::copy_n(from, channels, to);
    }
  }
  return result;
}

}  // namespace

struct OneDnnConvolution::Plan {
  OneDnnPrimitive convolution, packing;  // packing: weights to the kernel's layout, or the gradient back
  bool packs = false;
  int groups = 1, merged = 1;  // the caller's; of which so many are made one
  memory::desc input, output, weight, packed_weight, bias;
};

OneDnnConvolution::OneDnnConvolution() = default;
OneDnnConvolution::~OneDnnConvolution() = default;

const OneDnnConvolution::Plan& OneDnnConvolution::plan(Pass pass, const ConvolutionShape& shape,
                                                       bool has_bias, bool has_residual, bool relu) {
  const Window& window = shape.window;
  const Key key{pass,         shape.type, shape.images,  shape.height,  shape.width,
                shape.in,     shape.out,  window.kernel, window.stride, window.padding,
                shape.groups, has_bias,   has_residual,  relu,          thread_count()};
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<Plan>& slot = plans_[key];
  if (slot == nullptr) slot = make_plan(pass, shape, has_bias, has_residual, relu);
  return *slot;
}

std::unique_ptr<OneDnnConvolution::Plan> OneDnnConvolution::make_plan(Pass pass,
                                                                      const ConvolutionShape& asked,
                                                                      bool has_bias, bool has_residual,
                                                                      bool relu) {
  const dnnl::engine& engine = onednn_engine();
  auto plan = std::make_unique<Plan>();
  plan->groups = asked.groups;
  plan->merged = pass == Pass::forward ? groups_to_merge(asked) : 1;
  ConvolutionShape shape = asked;
  shape.groups /= plan->merged;
  dnnl::primitive_attr attributes = OneDnnPrimitive::attributes();
  dnnl::post_ops after;
  if (has_residual) after.append_sum(1.0f);
  if (relu) append_relu(after);
  attributes.set_post_ops(after);
  const prop_kind kind = pass == Pass::forward ? prop_kind::forward_inference : prop_kind::forward_training;
  const auto forward = forward_description(shape, kind, has_bias, attributes, engine);
  if (pass == Pass::forward) {
    plan->convolution = OneDnnPrimitive::of<dnnl::convolution_forward>(forward);
    plan->packed_weight = forward.weights_desc();
  } else if (pass == Pass::backward_data) {
    const auto backward = backward_data_description(shape, forward, attributes, engine);
    plan->convolution = OneDnnPrimitive::of<dnnl::convolution_backward_data>(backward);
    plan->packed_weight = backward.weights_desc();
  } else {
    const auto backward = backward_weight_description(shape, forward, attributes, engine);
    plan->convolution = OneDnnPrimitive::of<dnnl::convolution_backward_weights>(backward);
    plan->packed_weight = backward.diff_weights_desc();
  }
  const Descriptions d = descriptions_of(shape, has_bias);
  plan->input = d.images_in;
  plan->output = d.images_out;
  plan->bias = d.bias;
  plan->weight =
      describe(weight_extents(shape), shape.groups == 1 ? Format::ohwi : Format::gohwi, shape.type);
  plan->packs = plan->packed_weight != plan->weight;
  if (plan->packs) {
    const bool unpacks = pass == Pass::backward_weight;
    plan->packing = onednn_reorder(unpacks ? plan->packed_weight : plan->weight,
                                   unpacks ? plan->weight : plan->packed_weight);
  }
  return plan;
}

Tensor OneDnnConvolution::pack(const Plan& p, const Tensor& w) {
  const Tensor merged = p.merged > 1 ? merge_groups(w, p.groups, p.merged) : w;
  if (!p.packs) return merged;
  Tensor packed = memory_of(p.packed_weight);
  p.packing.run({{DNNL_ARG_FROM, p.weight, merged}, {DNNL_ARG_TO, p.packed_weight, packed}});
  return packed;
}

void OneDnnConvolution::forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                const Convolution& convolution, const Epilogue& epilogue, Tensor& y,
                                PackedWeights* kept) {
  if (epilogue.residual != nullptr && epilogue.residual->raw() != y.raw()) y.assign(*epilogue.residual);
  const Plan& p = plan(Pass::forward, ConvolutionShape::of(x, y, convolution), bias != nullptr,
                       epilogue.residual != nullptr, epilogue.relu);
  const bool keeps = kept != nullptr && (p.packs || p.merged > 1);
  const Tensor packed = keeps ? kept->in(p.packed_weight, [&] { return pack(p, w); }) : pack(p, w);
  std::vector<OneDnnArgument> arguments{
      {DNNL_ARG_SRC, p.input, x}, {DNNL_ARG_WEIGHTS, p.packed_weight, packed}, {DNNL_ARG_DST, p.output, y}};
  if (bias != nullptr) arguments.push_back({DNNL_ARG_BIAS, p.bias, *bias});
  p.convolution.run(arguments);
}

void OneDnnConvolution::backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                      Tensor& dx) {
  const Plan& p = plan(Pass::backward_data, ConvolutionShape::of(dx, dy, convolution), false, false, false);
  p.convolution.run({{DNNL_ARG_DIFF_SRC, p.input, dx},
                     {DNNL_ARG_WEIGHTS, p.packed_weight, pack(p, w)},
                     {DNNL_ARG_DIFF_DST, p.output, dy}});
}

void OneDnnConvolution::backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                                        Tensor& dw) {
  const Plan& p = plan(Pass::backward_weight, ConvolutionShape::of(x, dy, convolution), false, false, false);
  const Tensor packed = p.packs ? memory_of(p.packed_weight) : dw;
  p.convolution.run({{DNNL_ARG_SRC, p.input, x},
                     {DNNL_ARG_DIFF_WEIGHTS, p.packed_weight, packed},
                     {DNNL_ARG_DIFF_DST, p.output, dy}});
  if (p.packs) p.packing.run({{DNNL_ARG_FROM, p.packed_weight, packed}, {DNNL_ARG_TO, p.weight, dw}});
}

}  // namespace tern

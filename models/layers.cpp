#include "models/layers.h"

#include <cmath>

#include "data/random_purpose.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/linear.h"

namespace tern {

Initialiser Initialiser::zeros(Device device) {
  Initialiser initialiser(0, device);
  initialiser.seed_.reset();
  return initialiser;
}

Variable Initialiser::place(Tensor values) const {
  return Variable(values.to(device_), /*requires_grad=*/true);
}

Variable Initialiser::normal(const Shape& shape, float deviation) {
  if (!seed_) return place(Tensor::zeros(shape));
  RandomStream random(*seed_, random_purpose::initialise, next_++);
  Tensor values = Tensor::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i) values.data<float>()[i] = deviation * random.normal();
  return place(values);
}

Variable Initialiser::uniform(const Shape& shape, float bound) {
  if (!seed_) return place(Tensor::zeros(shape));
  RandomStream random(*seed_, random_purpose::initialise, next_++);
  Tensor values = Tensor::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i) values.data<float>()[i] = random.uniform(-bound, bound);
  return place(values);
}

Variable Initialiser::constant(const Shape& shape, float value) {
  return place(Tensor::full(shape, value));
}

Conv2d::Conv2d(std::int64_t in, std::int64_t out, const Convolution& convolution, bool with_bias,
               Initialiser& initialiser)
    : convolution_(convolution) {
  check_groups(in, out, convolution.groups);
  const int kernel = convolution.window.kernel;
  const std::int64_t in_of_group = in / convolution.groups;
  const auto area = static_cast<float>(kernel * kernel);
  weight_ = initialiser.normal({out, kernel, kernel, in_of_group},
                               std::sqrt(2.0f / (static_cast<float>(out) * area)));
  if (with_bias) bias_ = initialiser.uniform({out}, 1.0f / std::sqrt(static_cast<float>(in_of_group) * area));
}

Variable Conv2d::forward(const Variable& x) const {
  return conv2d(x, weight_, bias_, convolution_);
}

void Conv2d::visit(const std::string& prefix, StateVisitor& visitor) const {
  visitor.parameter(prefix + "weight", weight_, ParameterKind::weight);
  if (bias_.defined()) visitor.parameter(prefix + "bias", bias_, ParameterKind::bias);
}

BatchNorm2d::BatchNorm2d(std::int64_t channels, Initialiser& initialiser)
    : state_{.gamma = initialiser.constant({channels}, 1),
             .beta = initialiser.constant({channels}, 0),
             .running_mean = Tensor::zeros({channels}, DType::f32, initialiser.device()),
             .running_variance = Tensor::full({channels}, 1).to(initialiser.device())},
      batches_tracked_(Tensor::zeros({}, DType::i64)) {}

Variable BatchNorm2d::forward(const Variable& x, bool relu, const Variable& residual) {
  return batch_norm(x, state_, training_, residual, relu);
}

void BatchNorm2d::count_batch() {
  if (training_) ++*batches_tracked_.data<std::int64_t>();
}

void BatchNorm2d::visit(const std::string& prefix, StateVisitor& visitor) const {
  visitor.parameter(prefix + "weight", state_.gamma, ParameterKind::norm);
  visitor.parameter(prefix + "bias", state_.beta, ParameterKind::norm);
  visitor.buffer(prefix + "running_mean", state_.running_mean);
  visitor.buffer(prefix + "running_var", state_.running_variance);
  visitor.buffer(prefix + "num_batches_tracked", batches_tracked_);
}

Linear::Linear(std::int64_t in, std::int64_t out, Initialiser& initialiser)
    : weight_(initialiser.uniform({out, in}, 1.0f / std::sqrt(static_cast<float>(in)))),
      bias_(initialiser.uniform({out}, 1.0f / std::sqrt(static_cast<float>(in)))) {}

Variable Linear::forward(const Variable& x) const {
  return linear(x, weight_, bias_, tf32_);
}

void Linear::visit(const std::string& prefix, StateVisitor& visitor) const {
  visitor.parameter(prefix + "weight", weight_, ParameterKind::weight);
  visitor.parameter(prefix + "bias", bias_, ParameterKind::bias);
}

}  // namespace tern

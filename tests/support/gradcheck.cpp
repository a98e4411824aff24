#include "tests/support/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/random_purpose.h"
#include "engine/autograd/tape.h"
#include "engine/backend/elementwise.h"
#include "engine/core/random.h"
#include "engine/ops/arithmetic.h"

namespace tern::test {
namespace {

using reference::Array;

constexpr std::size_t kMaxProbes = 40;

std::vector<Variable> variables(const std::vector<Tensor>& inputs, auto wants_gradient) {
  std::vector<Variable> result;
  for (std::size_t i = 0; i < inputs.size(); ++i) result.emplace_back(inputs[i].clone(), wants_gradient(i));
  return result;
}

// All places, or kMaxProbes random ones.
std::vector<std::int64_t> probed_places(std::int64_t count) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  if (places.size() > kMaxProbes) {
    RandomStream(5, random_purpose::test).shuffle(places);
    places.resize(kMaxProbes);
  }
  return places;
}

double projected(const GradientCheck& check, const std::vector<Array>& inputs, const Array& dy) {
  const Array y = check.reference(inputs);
  return std::inner_product(y.values.begin(), y.values.end(), dy.values.begin(), 0.0);
}

// Probes d(dy . y) / d(input) and compares with the engine's gradient.
void check_input(const GradientCheck& check, std::size_t input, const Tensor& gradient, const Array& dy) {
  std::vector<Array> inputs;
  for (const Tensor& tensor : check.inputs) inputs.push_back(array(tensor));
  const Array got = array(gradient);
  const bool detached = !check.detached.empty() && check.detached[input];
  double largest = 0, error = 0;
  for (const std::int64_t place : probed_places(got.size())) {
    double& value = inputs[input][place];
    const double before = value, step = 1e-5 * std::max(1.0, std::fabs(before));
    value = before + step;
    const double above = projected(check, inputs, dy);
    value = before - step;
    const double below = projected(check, inputs, dy);
    value = before;
    const double wanted = detached ? 0 : (above - below) / (2 * step);
    largest = std::max(largest, std::fabs(wanted));
    const double difference = std::fabs(got[place] - wanted);
    error = std::isnan(difference) ? INFINITY : std::max(error, difference);
  }
  // The floor: where every true gradient is 0, differences of the reference leave some 1e-11.
  error /= std::max(largest, 1e-4);
  CHECK_MESSAGE(error <= check.gradient_tolerance, "gradient of input ", input, " is off by ", error,
                " relative");
}

std::vector<Tensor> gradients(const std::vector<Variable>& inputs) {
  std::vector<Tensor> result;
  for (const Variable& input : inputs) result.push_back(input.grad());
  return result;
}

}  // namespace

void check_gradients(const GradientCheck& check) {
  const std::vector<Variable> inputs = variables(check.inputs, [](std::size_t) { return true; });
  std::vector<Array> arrays;
  for (const Tensor& tensor : check.inputs) arrays.push_back(array(tensor));
  const Device device = check.inputs[0].device();

  poison_free_memory(device);
  const Variable y = check.op(inputs);
  const Array wanted = check.reference(arrays);
  CHECK_CLOSE(y.data(), wanted, check.forward_tolerance);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CHECK_MESSAGE(same_bytes(inputs[i].data(), check.inputs[i]), "forward changed input ", i);
  }

  const Tensor dy = uniform(y.shape(), -1, 1, 99, device);
  const Tensor dy_before = dy.clone();
  poison_free_memory(device);
  backward(y, dy);
  CHECK_MESSAGE(same_bytes(dy, dy_before), "backward changed the caller's dy");
  const std::vector<Tensor> full = gradients(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    REQUIRE(full[i].defined());
    check_input(check, i, full[i], array(dy));
  }

  const std::vector<Variable> again = variables(check.inputs, [](std::size_t) { return true; });
  Tensor half = Tensor::empty_like(dy);
  affine(dy, 0.5f, 0, half);
  backward(2 * check.op(again), half);  // dy, exactly, in memory that nobody else has
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CHECK_MESSAGE(relative_error(again[i].grad(), array(full[i])) <= tolerance::kElementwise,
                  "gradient of input ", i, " changes where dy's memory is reused");
  }

  for (std::size_t only = 0; only < inputs.size(); ++only) {
    const std::vector<Variable> some = variables(check.inputs, [=](std::size_t i) { return i == only; });
    poison_free_memory(device);
    backward(check.op(some), dy);
    CHECK_MESSAGE(relative_error(some[only].grad(), array(full[only])) <= tolerance::kElementwise,
                  "gradient of input ", only, " changes where it is the only one wanted");
  }
  const Variable plain = check.op(variables(check.inputs, [](std::size_t) { return false; }));
  CHECK_FALSE(plain.requires_grad());
  CHECK_CLOSE(plain.data(), wanted, check.forward_tolerance);
}

}  // namespace tern::test

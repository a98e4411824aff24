// TF32: the products of an op and of its gradients follow f32's to a rounding of 11 bits, and a device
// without it multiplies exactly. Whether a GPU rounds is its libraries' choice; that it is asked to is seen
// on the emulated device (tests/test_emulated_device.cpp).
#include <functional>
#include <span>

#include "engine/autograd/tape.h"
#include "engine/backend/backend.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/cosine_head.h"
#include "engine/ops/linear.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

constexpr double kTolerance = 2e-3;  // of a norm

using Op = std::function<Variable(std::span<const Variable> inputs, bool tf32)>;

/// The op's value and the gradient of each input.
std::vector<Tensor> results(const Op& op, const std::vector<Tensor>& values, bool tf32) {
  std::vector<Variable> inputs;
  for (const Tensor& value : values) inputs.emplace_back(value.clone(), true);
  const Variable y = op(inputs, tf32);
  backward(y, test::uniform(y.shape(), -1, 1, 9, y.data().device()));
  std::vector<Tensor> found{y.data()};
  for (const Variable& input : inputs) found.push_back(input.grad());
  return found;
}

void check_op(const char* name, const Op& op, std::vector<Tensor> inputs) {
  CAPTURE(name);
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    for (Tensor& x : inputs) x = x.to(device);
    const std::vector<Tensor> exact = results(op, inputs, false);
    test::poison_free_memory(device);
    const std::vector<Tensor> got = results(op, inputs, true);
    REQUIRE(got.size() == exact.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      const double error = test::relative_norm({got[i]}, {exact[i]});
      CHECK(error <= kTolerance);
      if (!backend_of(device).has_tf32()) CHECK(error == 0);
    }
  }
}

}  // namespace

TEST_CASE("tf32: linear, cosine_head and conv2d follow f32") {
  const Tensor x = test::uniform({64, 256}, -1, 1, 1), w = test::uniform({96, 256}, -1, 1, 2);
  check_op("linear", [](auto in, bool tf32) { return linear(in[0], in[1], in[2], tf32); },
           {x, w, test::uniform({96}, -1, 1, 3)});
  check_op("cosine_head", [](auto in, bool tf32) { return cosine_head(in[0], in[1], in[2], tf32); },
           {x, w, Tensor::full({1}, 30)});
  check_op("conv2d",
           [](auto in, bool tf32) {
             return conv2d(in[0], in[1], Convolution(Window{3, 1, 1}, tf32));
           },
           {test::uniform({4, 8, 8, 32}, -1, 1, 4), test::uniform({32, 3, 3, 32}, -1, 1, 5)});
  check_op("conv2d in groups",
           [](auto in, bool tf32) {
             return conv2d(in[0], in[1], Convolution(Window{3, 1, 1}, 8, tf32));
           },
           {test::uniform({4, 8, 8, 32}, -1, 1, 4), test::uniform({32, 3, 3, 4}, -1, 1, 5)});
}

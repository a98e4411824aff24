// ReLU: the op on every device, then its kernels at every width, alignment and type.
#include "engine/ops/relu.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/relu.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

TEST_CASE("relu: values and gradients") {
  for (const Device device : devices()) {
    for (const Shape& shape :
         {Shape{}, Shape{0}, Shape{1}, Shape{7, 3}, Shape{2, 3, 5, 17}, Shape{300, 257}}) {
      CAPTURE(shape.text());
      check_gradients(
          {.op = [](std::span<const Variable> in) { return relu(in[0]); },
           .reference = [](std::span<const reference::Array> in) { return reference::relu(in[0]); },
           .inputs = {uniform(shape, -1, 1, 1, device)}});
    }
  }
}

TEST_CASE("relu: y may be x, and dx may be dy") {
  for (const Device device : devices()) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{17}, Shape{32768}, Shape{3, 32769}}) {
      CAPTURE(shape.text());
      Tensor y = uniform(shape, -1, 1, 1, device), dy = uniform(shape, -1, 1, 2, device);
      const reference::Array wanted = reference::relu(array(y));
      const reference::Array wanted_dx = reference::relu_backward(wanted, array(dy));
      relu_forward(y, y);
      CHECK_CLOSE(y, wanted, 0);
      relu_backward(y, dy, dy);
      CHECK_CLOSE(dy, wanted_dx, 0);
    }
  }
}

TEST_CASE("relu: NaN and infinities come through, and 0 has gradient 0") {
  const Variable x(Tensor::from<float>({4}, std::vector<float>{NAN, INFINITY, -INFINITY, 0}), true);
  const Variable y = relu(x);
  const std::vector<float> values = y.data().to_vector<float>();
  CHECK(std::isnan(values[0]));
  CHECK(values[1] == INFINITY);
  CHECK(values[2] == 0);
  backward(y, Tensor::full({4}, 1));
  CHECK(x.grad().to_vector<float>()[3] == 0);
}

TEST_CASE("relu: PyTorch's results") {
  const auto goldens = read_goldens("ops.txt");
  const GoldenCase& golden = goldens.at("relu");
  const Variable x(golden.tensor("x"), true);
  const Variable y = relu(x);
  CHECK_CLOSE(y.data(), golden.array("y"), 0);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), 0);
}

TEST_CASE("relu: errors") {
  CHECK_THROWS_WITH_AS(relu(Variable(Tensor::zeros({2}, DType::i32))), "relu: wanted x of type f32, got i32",
                       Error);
}

// Around one vector, one warp's vectors, one block's; nothing; more than one block.
TEST_CASE_TEMPLATE("relu kernel: forward and backward at every width and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const std::size_t count : {0, 1, 3, 4, 7, 8, 31, 33, 255, 1024, 1027, 4099}) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(count);
      CAPTURE(shift);
      const auto n = static_cast<std::int64_t>(count);
      const std::vector<T> values = uniform<T>(count, -1, 1, 1), gradients = uniform<T>(count, -1, 1, 2);
      const reference::Array wanted = reference::relu(array({n}, values));
      const reference::Array wanted_dx = reference::relu_backward(wanted, array({n}, gradients));
      DeviceArray<T> x(values, shift), y(count, shift);
      const std::int64_t before = launch_count();
      kernels::relu_forward(x.data(), y.data(), n, nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (n > 0 ? 1 : 0));
      CHECK_ARRAY(y, wanted, 0);
      kernels::relu_forward(x.data(), x.data(), n, nullptr);
      CHECK_ARRAY(x, wanted, 0);

      DeviceArray<T> dy(gradients, shift), dx(count, shift);
      const std::int64_t before_backward = launch_count();
      kernels::relu_backward(y.data(), dy.data(), dx.data(), n, nullptr);
      if (is_emulated()) CHECK(launch_count() == before_backward + (n > 0 ? 1 : 0));
      CHECK_ARRAY(dx, wanted_dx, 0);
      kernels::relu_backward(y.data(), dy.data(), dy.data(), n, nullptr);
      CHECK_ARRAY(dy, wanted_dx, 0);
      const DeviceArray<T> other_dy(gradients);  // one input aligned, the other perhaps not
      kernels::relu_backward(y.data(), other_dy.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, wanted_dx, 0);
    }
  }
}

TEST_CASE_TEMPLATE("relu kernel: NaN and infinities come through, and 0 has gradient 0", T, float, bfloat16) {
  if (!device_is_there()) return;
  const std::vector<T> values{T(NAN), T(INFINITY), T(-INFINITY), T(0.0f), T(-0.0f), T(1e-30f), T(-1e-30f)};
  const std::vector<T> gradients(7, T(NAN));
  const auto wanted = reference::relu(array({7}, values));
  const auto wanted_dx = reference::relu_backward(wanted, array({7}, gradients));
  CHECK(std::isnan(wanted[0]));
  CHECK(wanted_dx[3] == 0);
  const DeviceArray<T> x(values), dy(gradients);
  DeviceArray<T> y(7), dx(7);
  kernels::relu_forward(x.data(), y.data(), 7, nullptr);
  CHECK_ARRAY(y, wanted, 0);
  kernels::relu_backward(y.data(), dy.data(), dx.data(), 7, nullptr);
  CHECK_ARRAY(dx, wanted_dx, 0);
}

// GELU: the op on every device, then the kernels at every width, alignment and type.
#include "engine/ops/gelu.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/core/check.h"
#include "kernels/gelu.h"
#include "tests/reference/gelu.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

TEST_CASE("gelu: values and gradients") {
  for (const Device device : devices()) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{5, 17}, Shape{300, 257}}) {
      CAPTURE(shape.text());
      check_gradients({.op = [](std::span<const Variable> in) { return gelu(in[0]); },
                       .reference =
                           [](std::span<const reference::Array> in) {
                             reference::Array y = in[0];
                             for (double& value : y.values) value = reference::gelu(value);
                             return y;
                           },
                       .inputs = {uniform(shape, -4, 4, 1, device)}});
    }
  }
}

TEST_CASE("gelu: far from 0 it is 0 or x; NaN comes through") {
  for (const Device device : devices()) {
    const Tensor x = Tensor::from<float>({4}, std::vector<float>{-40, 0, 40, NAN}).to(device);
    const std::vector<float> y = gelu(Variable(x)).data().to_vector<float>();
    CHECK(y[0] == 0);
    CHECK(y[1] == 0);
    CHECK(y[2] == 40);
    CHECK(std::isnan(y[3]));
  }
}

TEST_CASE("gelu: errors") {
  CHECK_THROWS_WITH_AS(gelu(Variable(Tensor::zeros({2}, DType::i32))), "gelu: wanted x of type f32, got i32",
                       Error);
}

TEST_CASE_TEMPLATE("gelu kernel: every width and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  // Around one vector, one warp's vectors, one block's; nothing; more than one block.
  for (const std::size_t count : {0, 1, 3, 4, 7, 8, 31, 33, 255, 1024, 1027, 4099}) {
    for (const std::size_t misalignment : {0, 1}) {
      CAPTURE(count);
      CAPTURE(misalignment);
      const auto n = static_cast<std::int64_t>(count);
      const std::vector<T> values = uniform<T>(count, -4, 4, 1), gradients = uniform<T>(count, -1, 1, 2);
      std::vector<double> y_wanted = widened(values), dx_wanted = widened(gradients);
      for (std::size_t i = 0; i < count; ++i) {
        dx_wanted[i] *= reference::gelu_derivative(y_wanted[i]);
        y_wanted[i] = reference::gelu(y_wanted[i]);
      }
      const DeviceArray<T> x(values, misalignment), dy(gradients, misalignment);
      DeviceArray<T> y(count, misalignment), dx(count, misalignment);
      kernels::gelu_forward(x.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, y_wanted, unit<T>() + 1e-6);
      kernels::gelu_backward(x.data(), dy.data(), dx.data(), n, nullptr);
      CHECK_ARRAY(dx, dx_wanted, unit<T>() + 1e-6);
    }
  }
}

#include <doctest/doctest.h>

#include "kernels/elementwise.h"
#include "kernels/relu.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

// Around one vector, one warp's vectors, one block's; nothing; more than one block.
constexpr std::size_t kCounts[] = {0, 1, 3, 4, 7, 8, 31, 33, 255, 1024, 1027, 4099};

template <typename T>
std::vector<double> map(const std::vector<T>& a, const std::vector<T>& b, double (*f)(double, double)) {
  const std::vector<double> x = widened(a), y = widened(b);
  std::vector<double> result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) result[i] = f(x[i], y[i]);
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("elementwise: every kernel at every width and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const std::size_t count : kCounts) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(count);
      CAPTURE(shift);
      const auto n = static_cast<std::int64_t>(count);
      const std::vector<T> a = uniform<T>(count, -2, 2, 1), b = uniform<T>(count, -2, 2, 2);
      const DeviceArray<T> x(a, shift), z(b, shift);
      DeviceArray<T> y(count, shift);
      kernels::fill(1.5f, y.data(), n, nullptr);
      CHECK_ARRAY(y, std::vector<double>(count, 1.5), 0);
      kernels::add(x.data(), z.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, map<T>(a, b, [](double p, double q) { return p + q; }), unit<T>());
      kernels::relu_forward(x.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, map<T>(a, b, [](double p, double) { return p > 0 ? p : 0; }), 0);
      kernels::relu_backward(x.data(), z.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, map<T>(a, b, [](double p, double q) { return p > 0 ? q : 0; }), 0);
      const DeviceArray<float> scalar(std::vector<float>{3});
      kernels::multiply(x.data(), 0.5f, scalar.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, map<T>(a, b, [](double p, double) { return 1.5 * p; }), unit<T>());
      DeviceArray<T> sum(b, shift);
      kernels::add_scaled(0.25f, x.data(), sum.data(), n, nullptr);
      CHECK_ARRAY(sum, map<T>(a, b, [](double p, double q) { return q + 0.25 * p; }), unit<T>());
      DeviceArray<float> wide(count);  // one side aligned, the other perhaps not
      kernels::convert(x.data(), wide.data(), n, nullptr);
      CHECK_ARRAY(wide, widened(a), 0);
      DeviceArray<bfloat16> narrow(count);
      kernels::convert(x.data(), narrow.data(), n, nullptr);
      CHECK_ARRAY(narrow, widened(a), unit<bfloat16>());
    }
  }
}

TEST_CASE("elementwise: y may be an input, NaN stays, infinity rounds to itself") {
  if (!device_is_there()) return;
  DeviceArray<float> x(std::vector<float>{-1, 2, NAN, -INFINITY, INFINITY});
  DeviceArray<bfloat16> narrow(5);
  kernels::convert(x.data(), narrow.data(), 5, nullptr);
  CHECK_ARRAY(narrow, (std::vector<double>{-1, 2, NAN, -INFINITY, INFINITY}), 0);
  kernels::relu_forward(x.data(), x.data(), 5, nullptr);
  CHECK_ARRAY(x, (std::vector<double>{0, 2, NAN, 0, INFINITY}), 0);
  kernels::add(x.data(), x.data(), x.data(), 2, nullptr);
  CHECK(x.values()[1] == 4);
}

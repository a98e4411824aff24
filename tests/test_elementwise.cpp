// The elementwise primitives on every device: aliasing, sizes around a thread's share; then the kernels at
// every width, alignment and type.
#include "engine/backend/elementwise.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/backend/backend.h"
#include "kernels/elementwise.h"
#include "tests/support/kernel_values.h"
#include "tests/support/tensors.h"

using namespace tern;
using reference::Array;
using test::array;

namespace {

const Shape kShapes[] = {{}, {0}, {1}, {17}, {32768}, {3, 32769}};

}  // namespace

TEST_CASE("elementwise: values, outputs that alias inputs") {
  for (const Device device : test::devices()) {
    for (const Shape& shape : kShapes) {
      CAPTURE(shape.text());
      const Tensor a = test::uniform(shape, -1, 1, 1, device), b = test::uniform(shape, -1, 1, 2, device);
      const Array sum = reference::add(array(a), array(b));
      test::poison_free_memory(device);
      Tensor y = Tensor::empty_like(a);
      add(a, b, y);
      CHECK_CLOSE(y, sum, test::tolerance::kElementwise);
      Tensor alias = a.clone();
      add(alias, b, alias);
      CHECK(test::same_bytes(alias, y));
      alias = b.clone();
      add(a, alias, alias);
      CHECK(test::same_bytes(alias, y));

      alias = a.clone();
      fill(2.5f, alias);
      mul(alias, Tensor::full({1}, -3).to(device), alias);
      affine(alias, 2, 1, alias);
      Array constant = array(a);
      for (double& value : constant.values) value = -14;
      CHECK_CLOSE(alias, constant, 0);
    }
  }
}

TEST_CASE("elementwise: f32 and bf16 convert both ways, to nearest, ties to even") {
  // Between 1 and 1 + 2^-7 lies 1 + 2^-8, a tie that goes to 1; the next tie, 1 + 3 2^-8, goes up.
  const float step = 1.0f / 128;
  const std::vector<float> values{0,       1,        1 + step, 1 + step / 2, 1 + 3 * step / 2, 1 + step / 3,
                                  3.4e38f, -INFINITY};
  const std::vector<float> rounded{0, 1, 1 + step, 1, 1 + 2 * step, 1, INFINITY, -INFINITY};
  for (const Device device : test::devices()) {
    const Tensor x = Tensor::from({8}, values).to(device);
    Tensor half = Tensor::empty({8}, DType::bf16, device), back = Tensor::empty_like(x);
    convert(x, half);
    convert(half, back);
    CHECK(back.to_vector<float>() == rounded);
    Tensor same = Tensor::empty_like(half);
    convert(half, same);
    CHECK(test::same_bytes(same, half));
    const Tensor nan = Tensor::full({1}, NAN).to(device);
    Tensor half_nan = Tensor::empty({1}, DType::bf16, device), wide_nan = Tensor::empty_like(nan);
    convert(nan, half_nan);
    convert(half_nan, wide_nan);
    CHECK(std::isnan(wide_nan.item()));
  }
}

using namespace tern::test;

namespace {

// Around one vector, one warp's vectors, one block's; nothing; more than one block.
constexpr std::size_t kKernelCounts[] = {0, 1, 3, 4, 7, 8, 31, 33, 255, 1024, 1027, 4099};

template <typename T>
std::vector<double> mapped(const std::vector<T>& a, const std::vector<T>& b, double (*f)(double, double)) {
  const std::vector<double> x = widened(a), y = widened(b);
  std::vector<double> result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) result[i] = f(x[i], y[i]);
  return result;
}

template <typename T>
using BinaryKernel = void (*)(kernels::Broadcast<T>, kernels::Broadcast<T>, T*, std::int64_t, Stream);

/// Of two operands of all values, and of each with a value or with a row that is used again.
template <typename T>
void check_binary(BinaryKernel<T> kernel, double (*f)(double, double), const std::vector<T>& a,
                  const std::vector<T>& b, std::size_t shift) {
  const auto n = static_cast<std::int64_t>(a.size());
  for (const std::int64_t count : {n, std::int64_t{1}, n / 3, n / 8}) {
    if (n > 0 && (count == 0 || n % count != 0)) continue;
    CAPTURE(count);
    for (const bool of_a : {false, true}) {
      std::vector<T> some((of_a ? a : b).begin(), (of_a ? a : b).begin() + (n > 0 ? count : 0)),
          all(a.size());
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = some[i % some.size()];
      const std::vector<double> wanted = of_a ? mapped<T>(all, b, f) : mapped<T>(a, all, f);
      const DeviceArray<T> whole(of_a ? b : a, shift), part(some, shift);
      DeviceArray<T> y(a.size(), shift);
      const kernels::Broadcast<T> of_whole{whole.data(), n}, of_part{part.data(), count};
      kernel(of_a ? of_part : of_whole, of_a ? of_whole : of_part, y.data(), n, nullptr);
      CHECK_ARRAY(y, wanted, unit<T>());
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("elementwise kernels: every kernel at every width and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const std::size_t count : kKernelCounts) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(count);
      CAPTURE(shift);
      const auto n = static_cast<std::int64_t>(count);
      const std::vector<T> a = uniform<T>(count, 0.5f, 4, 1), b = uniform<T>(count, 0.5f, 4, 2);
      const DeviceArray<T> x(a, shift);
      DeviceArray<T> y(count, shift);
      kernels::fill(1.5f, y.data(), n, nullptr);
      CHECK_ARRAY(y, std::vector<double>(count, 1.5), 0);
      check_binary<T>(
          kernels::add<T>, [](double p, double q) { return p + q; }, a, b, shift);
      check_binary<T>(
          kernels::sub<T>, [](double p, double q) { return p - q; }, a, b, shift);
      check_binary<T>(
          kernels::mul<T>, [](double p, double q) { return p * q; }, a, b, shift);
      check_binary<T>(
          kernels::div<T>, [](double p, double q) { return p / q; }, a, b, shift);
      kernels::affine(x.data(), 0.5f, 3, y.data(), n, nullptr);
      CHECK_ARRAY(y, mapped<T>(a, b, [](double p, double) { return 0.5 * p + 3; }), unit<T>());
      kernels::exp(x.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, mapped<T>(a, b, [](double p, double) { return std::exp(p); }), unit<T>() + 2e-7);
      kernels::log(x.data(), y.data(), n, nullptr);
      CHECK_ARRAY(y, mapped<T>(a, b, [](double p, double) { return std::log(p); }), unit<T>() + 2e-7);
      DeviceArray<float> wide(count);  // one side aligned, the other perhaps not
      kernels::convert(x.data(), wide.data(), n, nullptr);
      CHECK_ARRAY(wide, widened(a), 0);
      DeviceArray<bfloat16> narrow(count);
      kernels::convert(x.data(), narrow.data(), n, nullptr);
      CHECK_ARRAY(narrow, widened(a), unit<bfloat16>());
    }
  }
}

TEST_CASE("elementwise kernels: y may be an input, NaN stays, infinity rounds to itself") {
  if (!device_is_there()) return;
  DeviceArray<float> x(std::vector<float>{-1, 2, NAN, -INFINITY, INFINITY});
  DeviceArray<bfloat16> narrow(5);
  kernels::convert(x.data(), narrow.data(), 5, nullptr);
  CHECK_ARRAY(narrow, (std::vector<double>{-1, 2, NAN, -INFINITY, INFINITY}), 0);
  const kernels::Broadcast<float> two{x.data(), 2};
  kernels::add(two, two, x.data(), 2, nullptr);
  CHECK(x.values()[1] == 4);
}

#include "engine/io/strided.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

using namespace tern;

TEST_CASE("is_contiguous: an axis of one element may have any stride") {
  using Axes = std::vector<std::int64_t>;
  CHECK(is_contiguous(Axes{}, Axes{}));
  CHECK(is_contiguous(Axes{2, 3}, Axes{3, 1}));
  CHECK(is_contiguous(Axes{2, 1, 3}, Axes{3, 99, 1}));
  CHECK_FALSE(is_contiguous(Axes{2, 3}, Axes{1, 2}));
  CHECK_FALSE(is_contiguous(Axes{3}, Axes{2}));
}

TEST_CASE("negate: zero, infinity and NaN by their sign bit, integers in two's complement") {
  Tensor reals = Tensor::from(Shape{4}, std::vector<float>{0, -1.5f, INFINITY, NAN});
  negate(reals);
  CHECK(std::signbit(reals.data<float>()[0]));
  CHECK(reals.data<float>()[1] == 1.5f);
  CHECK(reals.data<float>()[2] == -INFINITY);
  CHECK(std::isnan(reals.data<float>()[3]));
  Tensor integers = Tensor::from(Shape{3}, std::vector<std::int32_t>{7, INT32_MIN, 0});
  negate(integers);
  CHECK(integers.to_vector<std::int32_t>() == std::vector<std::int32_t>{-7, INT32_MIN, 0});
  CHECK(can_negate(DType::c128));
  CHECK(can_negate(DType::u8));
  CHECK_FALSE(can_negate(DType::boolean));
  CHECK_FALSE(can_negate(DType::f8_e4m3fnuz));
}

TEST_CASE("gather_strided: words of every width, scalars, repeated rows") {
  for (const DType dtype : {DType::u8, DType::u16, DType::f32, DType::i64, DType::c128}) {
    const std::size_t size = size_of(dtype);
    std::vector<std::uint8_t> storage(6 * size);
    for (std::size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<std::uint8_t>(i);
    Tensor out = Tensor::empty({2, 2}, dtype);
    const std::vector<std::int64_t> sizes = {2, 2}, strides = {0, 3};
    gather_strided(storage.data(), 1, sizes, strides, out);
    const auto* bytes = static_cast<const std::uint8_t*>(out.raw());
    for (std::size_t element = 0; element < 4; ++element) {
      const std::size_t from = (1 + 3 * (element % 2)) * size;
      for (std::size_t i = 0; i < size; ++i) CHECK(bytes[element * size + i] == storage[from + i]);
    }
    Tensor scalar = Tensor::empty({}, dtype);
    gather_strided(storage.data(), 5, {}, {}, scalar);
    CHECK(*static_cast<const std::uint8_t*>(scalar.raw()) == 5 * size);
  }
}

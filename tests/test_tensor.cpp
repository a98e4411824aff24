#include "engine/tensor/tensor.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "engine/core/check.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

Tensor counting(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return Tensor::from(shape, values);
}

}  // namespace

TEST_CASE("DType: sizes and names") {
  CHECK(size_of(DType::u8) == 1);
  CHECK(size_of(DType::f16) == 2);
  CHECK(size_of(DType::bf16) == 2);
  CHECK(size_of(DType::f32) == 4);
  CHECK(size_of(DType::i32) == 4);
  CHECK(size_of(DType::f64) == 8);
  CHECK(size_of(DType::i64) == 8);
  CHECK(std::string(name_of(DType::bf16)) == "bf16");
  CHECK(std::string(name_of(DType::i64)) == "i64");
  CHECK(dtype_of<float> == DType::f32);
  CHECK(dtype_of<std::uint8_t> == DType::u8);
  CHECK(dtype_of<bfloat16> == DType::bf16);
}

TEST_CASE("Device: text, equality, copies") {
  CHECK(Device::cpu().text() == "cpu");
  CHECK(Device::cuda(1).text() == "cuda:1");
  CHECK(parse_device("cpu").is_cpu());
  CHECK(parse_device("cuda") == Device::cuda());
  CHECK_THROWS_WITH_AS(parse_device("gpu"), "device: wanted \"cpu\" or \"cuda\", got \"gpu\"", Error);
  CHECK(Device::cpu() == Device());
  CHECK_FALSE(Device::cpu() == Device::cuda());
  std::vector<int> from = {1, 2, 3}, to(3);
  copy_bytes(to.data(), Device::cpu(), from.data(), Device::cpu(), sizeof(int) * 3);
  CHECK(to == from);
  zero_bytes(to.data(), Device::cpu(), sizeof(int) * 2);
  CHECK(to == std::vector<int>{0, 0, 3});
}

TEST_CASE("Tensor: makes, fills, reads") {
  CHECK_FALSE(Tensor().defined());
  const Tensor zeros = Tensor::zeros({2, 3}, DType::i32);
  CHECK(zeros.defined());
  CHECK(zeros.to_vector<std::int32_t>() == std::vector<std::int32_t>(6, 0));
  CHECK(zeros.bytes() == 24);
  CHECK(zeros.rank() == 2);
  CHECK(zeros.size(-1) == 3);
  CHECK(Tensor::full({2}, 1.5f).to_vector<float>() == std::vector<float>{1.5f, 1.5f});
  const Tensor counted = counting({2, 3});
  CHECK(counted.to_vector<float>() == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(Tensor::full({}, 7.0f).item() == 7.0f);
  CHECK(Tensor::empty_like(zeros).dtype() == DType::i32);
  CHECK(Tensor::zeros_like(counted).to_vector<float>() == std::vector<float>(6, 0.0f));
  CHECK(Tensor::zeros({0, 5}).numel() == 0);
  CHECK(Tensor::zeros({0, 5}).to_vector<float>().empty());
}

TEST_CASE("Tensor: a copy is a handle, clone copies, assign writes in place") {
  Tensor original = counting({4});
  Tensor handle = original;
  CHECK(handle.shares_storage(original));
  CHECK_FALSE(original.sole_owner());
  Tensor copy = original.clone();
  CHECK_FALSE(copy.shares_storage(original));
  CHECK(copy.sole_owner());
  handle.data<float>()[0] = 9;
  CHECK(original.data<float>()[0] == 9);
  CHECK(copy.data<float>()[0] == 0);
  original.assign(copy);
  CHECK(handle.data<float>()[0] == 0);
  CHECK(original.to(Device::cpu()).shares_storage(original));
  CHECK_FALSE(Tensor().shares_storage(Tensor()));
}

TEST_CASE("Tensor: reshape and rows share the elements") {
  Tensor tensor = counting({4, 3});
  const Tensor reshaped = tensor.reshape({2, 6});
  CHECK(reshaped.shape() == Shape{2, 6});
  CHECK(reshaped.shares_storage(tensor));
  const Tensor rows = tensor.rows(1, 3);
  CHECK(rows.shape() == Shape{2, 3});
  CHECK(rows.to_vector<float>() == std::vector<float>{3, 4, 5, 6, 7, 8});
  tensor.data<float>()[3] = -1;
  CHECK(rows.data<float>()[0] == -1);
  CHECK(tensor.rows(2, 2).numel() == 0);
  CHECK(rows.clone().to_vector<float>() == std::vector<float>{-1, 4, 5, 6, 7, 8});
  CHECK(rows.rows(1, 2).to_vector<float>() == std::vector<float>{6, 7, 8});
}

TEST_CASE("Tensor: travels to a device and back; is zeroed, cloned, assigned and cut there") {
  for (const Device device : test::devices()) {
    const Tensor there = counting({4, 3}).to(device);
    CHECK(there.device() == device);
    CHECK(there.to(device).shares_storage(there));
    CHECK(test::same_bytes(there, counting({4, 3})));
    CHECK(there.rows(1, 3).to_vector<float>() == std::vector<float>{3, 4, 5, 6, 7, 8});
    Tensor other = Tensor::zeros_like(there);
    CHECK(other.to_vector<float>() == std::vector<float>(12, 0));
    other.rows(3, 4).assign(there.rows(1, 2));
    other.rows(0, 1).assign(counting({1, 3}));
    CHECK(other.to_vector<float>() == std::vector<float>{0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 5});
    CHECK(test::same_bytes(other.clone(), other));
    CHECK(Tensor::full({1}, 7).to(device).item() == 7);
    CHECK(Tensor::zeros({0, 5}).to(device).to_vector<float>().empty());
  }
}

TEST_CASE("Tensor: refuses misuse") {
  const Tensor tensor = counting({2, 3});
  CHECK_THROWS_WITH_AS(tensor.data<int>(), doctest::Contains("wanted i32, got f32"), Error);
  CHECK_THROWS_WITH_AS(tensor.to_vector<double>(), doctest::Contains("wanted f64, got f32"), Error);
  CHECK_THROWS_WITH_AS(tensor.reshape({7}), doctest::Contains("reshape"), Error);
  CHECK_THROWS_AS(tensor.rows(1, 3), Error);
  CHECK_THROWS_AS(tensor.rows(-1, 1), Error);
  CHECK_THROWS_AS(tensor.rows(2, 1), Error);
  CHECK_THROWS_AS(Tensor::full({}, 1).rows(0, 0), Error);
  CHECK_THROWS_WITH_AS(tensor.item(), doctest::Contains("one element"), Error);
  CHECK_THROWS_WITH_AS(Tensor::from({2}, std::vector<float>{1}),
                       doctest::Contains("wanted 8 bytes of f32, got 4"), Error);
  Tensor other = Tensor::zeros({3, 2});
  CHECK_THROWS_AS(other.assign(tensor), Error);
  Tensor integers = Tensor::zeros({2, 3}, DType::i32);
  CHECK_THROWS_AS(integers.assign(tensor), Error);
}

TEST_CASE("checks: name the op, the argument, wanted and got") {
  const Tensor x = counting({2, 3});
  CHECK_NOTHROW(check_rank("op", x, 2, "[a, b]"));
  CHECK_THROWS_WITH_AS(check_rank("op", x, 3, "[a, b, c]"), "op: wanted [a, b, c], got [2, 3]", Error);
  CHECK_NOTHROW(check_dtype("op", "x", x, DType::f32));
  CHECK_THROWS_WITH_AS(check_dtype("op", "x", x, DType::i64), "op: wanted x of type i64, got f32", Error);
  CHECK_NOTHROW(check_shape("op", "x", x, {2, 3}));
  CHECK_THROWS_WITH_AS(check_shape("op", "x", x, {3, 2}), "op: wanted x [3, 2], got [2, 3]", Error);
  CHECK_NOTHROW(check_same_shape("op", x, x));
  CHECK_THROWS_WITH_AS(check_same_shape("op", x, Tensor::zeros({2})),
                       "op: wanted equal shapes, got [2, 3] and [2]", Error);
}

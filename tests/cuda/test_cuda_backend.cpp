// What only a GPU can show: convolutions of every type against fp64, recorded graphs, copies.
#include "engine/backend/cuda/cuda_backend.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <span>
#include <vector>

#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/device/device_memory.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/relu.h"
#include "engine/ops/sum.h"
#include "tests/support/skip.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

const Device kGpu = Device::cuda();

bool has_gpu() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess && count > 0) return true;
  test::skip_without_cuda("no GPU");
  return false;
}

struct Case {
  std::int64_t images, height, width, in, out;
  Window window;
  int groups = 1;
};
const Case kCases[] = {
    {2, 9, 7, 3, 8, {7, 2, 3}},    {2, 8, 8, 64, 64, {3, 1, 1}},  {2, 9, 8, 64, 128, {3, 2, 1}},
    {3, 5, 6, 64, 256, {1, 1, 0}}, {3, 7, 7, 128, 64, {1, 2, 0}}, {1, 6, 5, 5, 3, {5, 3, 4}},
};
// A ResNeXt's first and last stage, depthwise, odd sizes.
const Case kGrouped[] = {
    {2, 8, 8, 128, 128, {3, 1, 1}, 32},
    {2, 4, 4, 1024, 1024, {3, 2, 1}, 32},
    {2, 7, 5, 64, 64, {3, 1, 1}, 64},
    {1, 6, 5, 15, 10, {3, 2, 1}, 5},
};

Tensor as_type(const Tensor& x, DType dtype) {
  Tensor y = Tensor::empty(x.shape(), dtype, x.device());
  convert(x, y);
  return y;
}

// Rounded as the GPU will see it, so that only the convolution's own errors are left.
Tensor rounded(const Tensor& x, DType dtype) {
  return as_type(as_type(x, dtype), DType::f32);
}

Tensor on_gpu(const Tensor& x, DType dtype) {
  return as_type(x.to(kGpu), dtype);
}

double error(const Tensor& got, const reference::Array& wanted) {
  return test::relative_error(as_type(got, DType::f32).to(Device::cpu()), wanted);
}

void check_case(const Case& c, DType dtype, bool tf32, double tolerance) {
  Backend& backend = backend_of(kGpu);
  const Convolution convolution(c.window, c.groups, tf32);
  const int stride = c.window.stride, padding = c.window.padding, kernel = c.window.kernel;
  const Tensor x = rounded(test::uniform({c.images, c.height, c.width, c.in}, -1, 1, 1), dtype);
  const Tensor w = rounded(test::uniform({c.out, kernel, kernel, c.in / c.groups}, -1, 1, 2), dtype);
  const Tensor bias = test::uniform({c.out}, -1, 1, 3);
  const auto x64 = test::array(x), w64 = test::array(w), bias64 = test::array(bias);
  const auto y64 = reference::conv2d(x64, w64, nullptr, stride, padding);
  const auto biased64 = reference::conv2d(x64, w64, &bias64, stride, padding);
  const Shape y_shape{c.images, c.window.output_extent(c.height), c.window.output_extent(c.width), c.out};
  const Tensor dy = rounded(test::uniform(y_shape, -1, 1, 4), dtype);
  const Tensor residual = rounded(test::uniform(y_shape, -1, 1, 5), dtype);
  const auto dy64 = test::array(dy), residual64 = test::array(residual);

  const Tensor gpu_x = on_gpu(x, dtype), gpu_w = on_gpu(w, dtype), gpu_dy = on_gpu(dy, dtype);
  const Tensor gpu_bias = bias.to(kGpu), gpu_residual = on_gpu(residual, dtype);
  Tensor y = Tensor::empty(y_shape, dtype, kGpu), dx = Tensor::empty_like(gpu_x),
         dw = Tensor::empty_like(gpu_w);
  for (int run = 0; run < 2; ++run) {  // the first times the plans
    CHECK(backend.conv2d_forward(gpu_x, gpu_w, nullptr, convolution, {}, y));
    CHECK(error(y, y64) < tolerance);
    y = conv2d_fused(gpu_x, gpu_w, &gpu_bias, convolution, {nullptr, true});
    CHECK(error(y, reference::relu(biased64)) < tolerance);
    y = conv2d_fused(gpu_x, gpu_w, &gpu_bias, convolution, {&gpu_residual, true});
    CHECK(error(y, reference::relu(reference::add(biased64, residual64))) < tolerance);
    backend.conv2d_backward_data(gpu_dy, gpu_w, convolution, dx);
    const reference::Array dx64 = reference::conv2d_backward_data(dy64, w64, x64, stride, padding);
    CHECK(error(dx, dx64) < tolerance);
    if (backend.conv2d_add_backward_data(gpu_dy, gpu_w, convolution, dx)) {
      CHECK(error(dx, reference::add(dx64, dx64)) < tolerance);
    }
    backend.conv2d_backward_weight(gpu_x, gpu_dy, convolution, dw);
    CHECK(error(dw, reference::conv2d_backward_weight(x64, dy64, w64, stride, padding)) < tolerance);
  }
}

void check_types(std::span<const Case> cases) {
  for (const Case& c : cases) {
    CAPTURE(c.in);
    CAPTURE(c.window.kernel);
    CAPTURE(c.groups);
    check_case(c, DType::f32, false, 5e-6);   // sums of some hundreds of products, by plans of exact ones
    check_case(c, DType::f32, true, 2e-3);    // products of 10-bit mantissas
    check_case(c, DType::bf16, false, 8e-3);  // results rounded to 8 bits
  }
}

}  // namespace

TEST_CASE("GPU: convolutions in f32, TF32 and bf16") {
  if (!has_gpu()) return;
  std::printf("%s\n", backend_of(kGpu).description().c_str());
  check_types(kCases);
}

TEST_CASE("GPU: convolutions in groups") {
  if (has_gpu()) check_types(kGrouped);
}

TEST_CASE("GPU: a convolution of images that begin anywhere") {
  if (!has_gpu()) return;
  const Tensor images = test::uniform({3, 5, 5, 3}, -1, 1, 1), w = test::uniform({4, 3, 3, 3}, -1, 1, 2);
  const Tensor second = images.to(kGpu).rows(1, 2), gpu_w = w.to(kGpu);  // 300 bytes in
  Tensor y = Tensor::empty({1, 5, 5, 4}, DType::f32, kGpu);
  CHECK(backend_of(kGpu).conv2d_forward(second, gpu_w, nullptr, Window{3, 1, 1}, {}, y));
  const auto wanted = reference::conv2d(test::array(images.rows(1, 2)), test::array(w), nullptr, 1, 1);
  CHECK(error(y, wanted) < 5e-6);
}

TEST_CASE("GPU: what is recorded is done again, on memory that nobody else gets") {
  if (!has_gpu()) return;
  Backend& backend = backend_of(kGpu);
  const Tensor w = test::uniform({8, 3, 3, 4}, -1, 1, 2).to(kGpu);
  Tensor input = test::uniform({2, 6, 6, 4}, -1, 1, 1).to(kGpu);
  Tensor output;
  const auto work = [&] {
    Tensor y = Tensor::empty({2, 6, 6, 8}, DType::f32, kGpu);
    static_cast<void>(backend.conv2d_forward(input, w, nullptr, Window{3, 1, 1}, {}, y));
    output = Tensor::empty_like(y);
    relu_forward(y, output);
  };
  work();
  const auto recorded = backend.capture(work);
  REQUIRE(recorded != nullptr);
  for (std::uint64_t seed = 3; seed < 6; ++seed) {
    const Tensor fresh = test::uniform(input.shape(), -1, 1, seed);
    input.assign(fresh.to(kGpu));
    // What would be damaged by a replay if it got the recorded step's blocks.
    std::vector<Tensor> bystanders;
    for (int i = 0; i < 8; ++i) bystanders.push_back(test::uniform({2, 6, 6, 8}, 5, 6, 10).to(kGpu));
    recorded->run();
    const auto wanted = reference::relu(
        reference::conv2d(test::array(fresh), test::array(w.to(Device::cpu())), nullptr, 1, 1));
    CHECK(error(output, wanted) < 5e-6);
    for (const Tensor& bystander : bystanders) {
      CHECK(test::same_bytes(bystander.to(Device::cpu()), test::uniform({2, 6, 6, 8}, 5, 6, 10)));
    }
  }
  const AllocatorStatistics before = allocator_statistics(kGpu);
  recorded->run();
  CHECK(allocator_statistics(kGpu).system_allocations == before.system_allocations);
}

TEST_CASE("GPU: what cannot be recorded says why, and nothing is left behind") {
  if (!has_gpu()) return;
  Backend& backend = backend_of(kGpu);
  Tensor x = test::uniform({100}, -1, 1, 1).to(kGpu);
  CHECK_THROWS_WITH_AS(backend.capture([&] { (void)x.item(); }), doctest::Contains(""), Error);
  CHECK_THROWS_WITH_AS(backend.capture([&] { (void)x.to(Device::cpu()); }),
                       doctest::Contains("to host memory"), Error);
  CHECK_THROWS_WITH_AS(backend.capture([&] { x.assign(Tensor::zeros({100}).to(kGpu)); }),
                       doctest::Contains("from host memory"), Error);
  Tensor sum = Tensor::empty({100}, DType::f32, kGpu), y = Tensor::empty({1, 4, 4, 8}, DType::f32, kGpu);
  const Tensor rows = Tensor::full({640, 100}, 1).to(kGpu);
  const Tensor images = Tensor::full({1, 4, 4, 4}, 1).to(kGpu), w = Tensor::full({8, 3, 3, 4}, 1).to(kGpu);
  const auto convolve = [&] {
    static_cast<void>(backend.conv2d_forward(images, w, nullptr, Window{3, 1, 1}, {}, y));
  };
  CHECK_THROWS_WITH_AS(backend.capture([&] { sum_rows(rows, sum); }), doctest::Contains("the first sum_rows"),
                       Error);
  CHECK_THROWS_WITH_AS(backend.capture(convolve), doctest::Contains("the first convolution"), Error);
  sum_rows(rows, sum);
  CHECK(sum.to_vector<float>() == std::vector<float>(100, 640.0f));
  convolve();
  CHECK(y.to_vector<float>()[5 * 8] == 36.0f);  // a pixel inside
  fill(3, x);
  CHECK(x.to_vector<float>() == std::vector<float>(100, 3.0f));
}

TEST_CASE("GPU: copies from the host, small and larger than all pinned slots") {
  if (!has_gpu()) return;
  std::vector<std::int32_t> values(std::size_t{12} << 20);  // 48 MiB
  std::iota(values.begin(), values.end(), 0);
  std::vector<Tensor> copies;
  for (const std::size_t count : {std::size_t{1}, std::size_t{1000}, values.size(), std::size_t{7}}) {
    const auto size = static_cast<std::int64_t>(count);
    copies.push_back(Tensor::from({size}, std::span<const std::int32_t>(values).first(count)).to(kGpu));
  }
  for (const Tensor& copy : copies) {
    const auto got = copy.to_vector<std::int32_t>();
    CHECK(std::equal(got.begin(), got.end(), values.begin()));
  }
}

TEST_CASE("GPU: prefetched copies") {
  if (!has_gpu()) return;
  const auto prefetch = cuda_memory(0).make_prefetch();
  Tensor x = Tensor::empty({1000}, DType::i32, kGpu);
  for (std::int32_t step = 0; step < 20; ++step) {
    std::vector<std::int32_t> batch(static_cast<std::size_t>(50 * (step + 1)), step);
    prefetch->begin(batch.data(), batch.size() * sizeof(std::int32_t));
    batch.assign(batch.size(), -1);  // free again
    CHECK_THROWS_AS(prefetch->begin(batch.data(), 4), Error);
    prefetch->finish(x.raw());
    const auto got = x.to_vector<std::int32_t>();
    CHECK(std::all_of(got.begin(), got.begin() + 50 * (step + 1), [&](std::int32_t v) { return v == step; }));
  }
  CHECK_THROWS_AS(prefetch->finish(x.raw()), Error);
}

TEST_CASE("GPU: products that are a row, a column, transposed, empty inside") {
  if (!has_gpu()) return;
  Tensor c = Tensor::empty({3, 5}, DType::f32, kGpu);
  backend_of(kGpu).matmul(Tensor::empty({3, 0}, DType::f32, kGpu), Tensor::empty({0, 5}, DType::f32, kGpu),
                          {}, c);
  CHECK(c.to_vector<float>() == std::vector<float>(15, 0.0f));
}

#include "engine/backend/packed_weights.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "engine/ops/conv2d.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

struct Case {
  Shape x, w;
  Convolution convolution;
};

// Winograd's tiles of 4 and of 2; oneDNN's kernels for windows, points, strides, and groups that are merged and that are not.
const Case kCases[] = {
    {{16, 9, 8, 16}, {24, 3, 3, 16}, Window{3, 1, 1}},
    {{16, 2, 2, 16}, {24, 3, 3, 16}, Window{3, 1, 1}},
    {{2, 6, 6, 16}, {32, 3, 3, 16}, Window{3, 2, 1}},
    {{2, 6, 6, 16}, {32, 1, 1, 16}, Window{1, 1, 0}},
    {{2, 9, 9, 3}, {8, 7, 7, 3}, Window{7, 2, 3}},
    {{2, 6, 6, 16}, {16, 3, 3, 4}, {Window{3, 1, 1}, 4}},
    {{2, 6, 6, 16}, {16, 3, 3, 1}, {Window{3, 1, 1}, 16}},
};

Tensor convolve(const Case& c, const Tensor& w, PackedWeights* kept) {
  const Tensor x = test::uniform(c.x, -1, 1, 1), bias = test::uniform({c.w[0]}, -1, 1, 3);
  return conv2d_fused(x, w, &bias, c.convolution, {nullptr, true}, kept);
}

}  // namespace

TEST_CASE("packed weights: a layout is made once, until they are cleared") {
  PackedWeights kept;
  int made = 0;
  const auto make = [&made] { return Tensor::full({1}, static_cast<float>(++made)); };
  const auto value = [&](const auto& layout) { return kept.in(layout, make).template data<float>()[0]; };
  CHECK(value(4) == 1);
  CHECK(value(4) == 1);
  CHECK(value(2) == 2);
  CHECK(value(std::string("4")) == 3);
  CHECK(value(4) == 1);
  kept.clear();
  CHECK(value(4) == 4);
}

TEST_CASE("packed weights: a convolution gives the same bytes with them") {
  for (const Case& c : kCases) {
    CAPTURE(c.x.text());
    CAPTURE(c.w.text());
    Tensor w = test::uniform(c.w, -1, 1, 2);
    const Tensor wanted = convolve(c, w, nullptr);
    PackedWeights kept;
    CHECK(test::same_bytes(convolve(c, w, &kept), wanted));
    CHECK(test::same_bytes(convolve(c, w, &kept), wanted));
    w.assign(test::uniform(c.w, -1, 1, 4));
    kept.clear();
    CHECK(test::same_bytes(convolve(c, w, &kept), convolve(c, w, nullptr)));
    CHECK_FALSE(test::same_bytes(convolve(c, w, &kept), wanted));
  }
}

TEST_CASE("packed weights: threads that convolve at once share them") {
  for (const Case& c : kCases) {
    CAPTURE(c.w.text());
    const Tensor w = test::uniform(c.w, -1, 1, 2), wanted = convolve(c, w, nullptr);
    PackedWeights kept;
    std::vector<Tensor> results(4);
    std::vector<std::thread> threads;
    for (Tensor& result : results) threads.emplace_back([&] { result = convolve(c, w, &kept); });
    for (std::thread& thread : threads) thread.join();
    for (const Tensor& result : results) CHECK(test::same_bytes(result, wanted));
  }
}

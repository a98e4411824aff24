#include "engine/backend/cpu/winograd.h"

#include <doctest/doctest.h>

#include "engine/core/parallel.h"
#include "tests/support/tensors.h"

using namespace tern;
using test::array;

namespace {

struct Case {
  std::int64_t batch, height, width, in, out;
};

// Whole and ragged tiles of 4; images of 1 and 2 pixels, which take tiles of 2; more tiles than a block
// holds.
const Case kCases[] = {
    {4, 8, 8, 16, 16},  {16, 4, 4, 32, 16}, {3, 13, 9, 16, 24}, {16, 3, 5, 24, 16},
    {17, 2, 2, 16, 40}, {16, 1, 7, 16, 16}, {16, 2, 1, 16, 24}, {57, 28, 28, 16, 16},
};

constexpr Window kWindow{3, 1, 1};

// Lavin and Gray report errors of tiles of 4 about ten times those of direct convolution; relative to the
// largest value that is 1e-5 at these sizes, and what a network's other roundings hide.
constexpr double kTolerance = 1e-5;

ConvolutionShape shape_of(const Case& c) {
  return {c.batch, c.height, c.width, c.in, c.height, c.width, c.out, kWindow};
}

}  // namespace

TEST_CASE("winograd: agrees with direct convolution, forward and backward") {
  for (const Case& c : kCases) {
    CAPTURE(c.batch);
    CAPTURE(c.height);
    CAPTURE(c.width);
    REQUIRE(winograd::suits(shape_of(c)));
    const Tensor x = test::uniform({c.batch, c.height, c.width, c.in}, -1, 1, 1);
    const Tensor w = test::uniform({c.out, 3, 3, c.in}, -1, 1, 2);
    const Tensor dy = test::uniform({c.batch, c.height, c.width, c.out}, -1, 1, 3);
    const reference::Array x64 = array(x), w64 = array(w), dy64 = array(dy);
    test::poison_free_memory(Device::cpu(), std::size_t{1} << 24);
    Tensor y = Tensor::empty_like(dy), dx = Tensor::empty_like(x), dw = Tensor::empty_like(w);
    winograd::forward(x, w, nullptr, {}, y);
    winograd::backward_data(dy, w, dx);
    winograd::backward_weight(x, dy, dw);
    CHECK_CLOSE(y, reference::conv2d(x64, w64, nullptr, 1, 1), kTolerance);
    CHECK_CLOSE(dx, reference::conv2d_backward_data(dy64, w64, x64, 1, 1), kTolerance);
    CHECK_CLOSE(dw, reference::conv2d_backward_weight(x64, dy64, w64, 1, 1), kTolerance);
  }
}

TEST_CASE("winograd: bias, residual in place, and ReLU come in the same pass") {
  const Case c = kCases[2];
  const Tensor x = test::uniform({c.batch, c.height, c.width, c.in}, -1, 1, 1);
  const Tensor w = test::uniform({c.out, 3, 3, c.in}, -1, 1, 2);
  const Tensor bias = test::uniform({c.out}, -1, 1, 3);
  Tensor y = test::uniform({c.batch, c.height, c.width, c.out}, -9, 9, 4);
  const reference::Array bias64 = array(bias), residual64 = array(y);
  const reference::Array sum =
      reference::add(reference::conv2d(array(x), array(w), &bias64, 1, 1), residual64);
  const Tensor residual = y;
  winograd::forward(x, w, &bias, {&residual, true}, y);
  CHECK_CLOSE(y, reference::relu(sum), kTolerance);
}

TEST_CASE("winograd: gives the same bytes for any number of threads") {
  const Case c = kCases[7];
  const Tensor x = test::uniform({c.batch, c.height, c.width, c.in}, -1, 1, 1);
  const Tensor dy = test::uniform({c.batch, c.height, c.width, c.out}, -1, 1, 3);
  const int before = thread_count();
  Tensor one = Tensor::empty({c.out, 3, 3, c.in}), three = Tensor::empty_like(one);
  set_thread_count(1);
  winograd::backward_weight(x, dy, one);
  set_thread_count(3);
  winograd::backward_weight(x, dy, three);
  set_thread_count(before);
  CHECK(test::same_bytes(one, three));
}

TEST_CASE("winograd: leaves to others what it cannot do or would not speed up") {
  const auto suits = [](std::int64_t in, std::int64_t out, Window window, std::int64_t images) {
    return winograd::suits({images, 8, 8, in, 8, 8, out, window});
  };
  CHECK(suits(16, 16, kWindow, 4));
  CHECK_FALSE(suits(17, 16, kWindow, 4));  // channels not in eights
  CHECK_FALSE(suits(16, 20, kWindow, 4));
  CHECK_FALSE(suits(8, 8, kWindow, 4));      // too few channels
  CHECK_FALSE(suits(16, 16, kWindow, 3));    // too few tiles
  CHECK_FALSE(suits(16, 16, {3, 2, 1}, 4));  // stride
  CHECK_FALSE(suits(16, 16, {3, 1, 0}, 4));  // padding
  CHECK_FALSE(suits(16, 16, {5, 1, 1}, 4));  // kernel
  CHECK_FALSE(winograd::suits({4, 8, 8, 32, 8, 8, 32, kWindow, /*groups=*/2}));
}

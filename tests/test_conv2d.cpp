#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/relu.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using test::array;

namespace {

struct Case {
  std::int64_t batch, height, width, in, out;
  Window window;
  int groups = 1;
};

// Channels around one vector (8 floats, 16 with AVX-512), odd and even extents, every kernel of a ResNet with
// both strides, a window as large as the padded image, and the stem's three channels.
const Case kCases[] = {
    {1, 1, 1, 1, 1, {1, 1, 0}},     {5, 4, 3, 17, 8, {1, 1, 0}},   {1, 7, 5, 64, 17, {1, 2, 0}},
    {5, 8, 8, 8, 64, {1, 2, 0}},    {1, 2, 2, 3, 8, {1, 1, 1}},    {1, 3, 3, 1, 1, {3, 1, 0}},
    {5, 5, 7, 3, 8, {3, 1, 1}},     {1, 9, 6, 8, 17, {3, 2, 1}},   {5, 6, 6, 17, 3, {3, 2, 0}},
    {1, 8, 8, 64, 64, {3, 1, 1}},   {5, 3, 2, 64, 8, {3, 1, 1}},   {2, 16, 16, 16, 32, {3, 1, 1}},
    {2, 16, 16, 16, 64, {3, 2, 1}}, {1, 1, 1, 8, 8, {3, 1, 1}},    {1, 11, 13, 3, 17, {7, 2, 3}},
    {5, 9, 11, 24, 16, {3, 1, 1}},  {2, 14, 14, 3, 64, {7, 2, 3}}, {1, 7, 7, 1, 3, {7, 1, 0}},
    {1, 2, 3, 8, 1, {7, 1, 3}},     {1, 10, 10, 5, 7, {3, 3, 3}},  {1, 6, 5, 17, 17, {2, 2, 0}},
};

// Channels of a group around one vector, in and out, alike and not; every group size and stride of a ResNeXt;
// depthwise, with one channel out for each in and with two; numbers of groups that merge into eights, and a
// prime one, which does not; a shape that Winograd would take if it had one group; one shape in two ways.
const Case kGrouped[] = {
    {2, 7, 5, 128, 128, {3, 1, 1}, 32}, {2, 8, 6, 256, 256, {3, 2, 1}, 32}, {1, 5, 4, 64, 64, {3, 1, 1}, 4},
    {2, 4, 4, 64, 64, {3, 2, 1}, 2},    {1, 2, 2, 64, 64, {3, 1, 1}, 2},    {4, 8, 8, 32, 32, {3, 1, 1}, 2},
    {2, 6, 5, 64, 64, {3, 1, 1}, 64},   {1, 9, 7, 17, 17, {3, 2, 1}, 17},   {2, 5, 5, 6, 12, {3, 1, 1}, 6},
    {1, 1, 1, 2, 2, {1, 1, 0}, 2},      {3, 5, 6, 12, 24, {1, 1, 0}, 12},   {2, 6, 6, 15, 10, {3, 2, 1}, 5},
    {1, 6, 7, 14, 21, {3, 1, 1}, 7},    {2, 5, 6, 34, 17, {5, 1, 2}, 17},   {1, 7, 6, 27, 18, {3, 1, 1}, 3},
    {2, 5, 5, 36, 20, {2, 2, 0}, 4},    {1, 6, 5, 8, 48, {3, 1, 0}, 2},     {2, 4, 5, 48, 8, {1, 2, 0}, 8},
    {2, 6, 5, 64, 64, {3, 1, 1}, 16},
};

// The op against direct loops; convolution is linear, so these give its gradients exactly.
void check_case(const Case& c, bool with_bias, Device device) {
  CAPTURE(c.batch);
  CAPTURE(c.height);
  CAPTURE(c.width);
  CAPTURE(c.in);
  CAPTURE(c.out);
  CAPTURE(c.window.kernel);
  CAPTURE(c.window.stride);
  CAPTURE(c.window.padding);
  CAPTURE(c.groups);
  CAPTURE(with_bias);
  const Convolution convolution(c.window, c.groups);
  const int stride = c.window.stride, padding = c.window.padding, kernel = c.window.kernel;
  const Variable x(test::uniform({c.batch, c.height, c.width, c.in}, -1, 1, 1, device), true);
  const Variable w(test::uniform({c.out, kernel, kernel, c.in / c.groups}, -1, 1, 2, device), true);
  const Variable bias = with_bias ? Variable(test::uniform({c.out}, -1, 1, 3, device), true) : Variable();
  const reference::Array x64 = array(x.data()), w64 = array(w.data());
  reference::Array bias64;
  if (with_bias) bias64 = array(bias.data());

  test::poison_free_memory(device);
  const Variable y = conv2d(x, w, bias, convolution);
  const reference::Array y64 = reference::conv2d(x64, w64, with_bias ? &bias64 : nullptr, stride, padding);
  CHECK_CLOSE(y.data(), y64, test::tolerance::kSum);

  const Tensor dy = test::uniform(y.shape(), -1, 1, 4, device);
  const reference::Array dy64 = array(dy);
  test::poison_free_memory(device);
  backward(y, dy);
  CHECK_CLOSE(x.grad(), reference::conv2d_backward_data(dy64, w64, x64, stride, padding),
              test::tolerance::kSum);
  CHECK_CLOSE(w.grad(), reference::conv2d_backward_weight(x64, dy64, w64, stride, padding),
              test::tolerance::kSum);
  if (with_bias) CHECK_CLOSE(bias.grad(), reference::sum_rows(dy64), test::tolerance::kSum);

  const Tensor residual = test::uniform(y.shape(), -1, 1, 5, device);
  const Tensor fused =
      conv2d_fused(x.data(), w.data(), with_bias ? &bias.data() : nullptr, convolution, {&residual, true});
  CHECK_CLOSE(fused, reference::relu(reference::add(y64, array(residual))), test::tolerance::kSum);
  const Tensor rectified =
      conv2d_fused(x.data(), w.data(), with_bias ? &bias.data() : nullptr, convolution, {nullptr, true});
  CHECK_CLOSE(rectified, reference::relu(y64), test::tolerance::kSum);
}

}  // namespace

TEST_CASE("conv2d: values and gradients on shapes around every edge") {
  for (const Device device : test::devices()) {
    for (const Case& c : kCases) {
      check_case(c, false, device);
      check_case(c, true, device);
    }
  }
}

TEST_CASE("conv2d: values and gradients in groups") {
  for (const Device device : test::devices()) {
    for (const Case& c : kGrouped) {
      check_case(c, false, device);
      check_case(c, true, device);
    }
  }
}

// As in a residual block, where the other way back comes first.
TEST_CASE("conv2d: its gradient added to that of another way") {
  for (const Device device : test::devices()) {
    for (const Case& c : kCases) {
      if (c.window.stride != 1 || 2 * c.window.padding != c.window.kernel - 1 || c.in != c.out) continue;
      CAPTURE(c.height);
      CAPTURE(c.in);
      const Variable x(test::uniform({c.batch, c.height, c.width, c.in}, 0.1f, 1, 1, device), true);
      const Variable w(test::uniform({c.out, c.window.kernel, c.window.kernel, c.in}, -1, 1, 2, device));
      const Variable h = relu(x);
      const Variable y = add(conv2d(h, w, Variable(), c.window), relu(h));
      const Tensor dy = test::uniform(y.shape(), -1, 1, 3, device);
      const reference::Array by_convolution =
          reference::conv2d_backward_data(array(dy), array(w.data()), array(x.data()), 1, c.window.padding);
      const reference::Array dx = reference::add(by_convolution, array(dy));
      test::poison_free_memory(device);
      backward(y, dy);
      CHECK_CLOSE(x.grad(), dx, test::tolerance::kSum);
    }
  }
}

// Groups of ones and twos are sums that can be told without a reference.
TEST_CASE("conv2d: a group reads its own channels") {
  for (const Device device : test::devices()) {
    const Variable x(Tensor::from({1, 1, 1, 4}, std::vector<float>{1, 10, 100, 1000}).to(device));
    const Variable ones(Tensor::full({4, 1, 1, 2}, 1).to(device)),
        threes(Tensor::full({8, 1, 1, 1}, 3).to(device));
    CHECK(conv2d(x, ones, Convolution(Window{}, 2)).data().to_vector<float>() ==
          std::vector<float>{11, 11, 1100, 1100});
    CHECK(conv2d(x, threes, Convolution(Window{}, 4)).data().to_vector<float>() ==
          std::vector<float>{3, 3, 30, 30, 300, 300, 3000, 3000});
  }
}

TEST_CASE("conv2d: only the gradients that are wanted") {
  for (const int groups : {1, 2}) {
    test::check_gradients(
        {.op =
             [=](std::span<const Variable> in) {
               return conv2d(in[0], in[1], in[2], Convolution(Window{3, 2, 1}, groups));
             },
         .reference =
             [](std::span<const reference::Array> in) {
               return reference::conv2d(in[0], in[1], &in[2], 2, 1);
             },
         .inputs = {test::uniform({2, 5, 4, 6}, -1, 1, 1), test::uniform({4, 3, 3, 6 / groups}, -1, 1, 2),
                    test::uniform({4}, -1, 1, 3)}});
  }
}

TEST_CASE("conv2d: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  for (const char* name : {"conv2d_3x3_stride2_padding1_bias", "conv2d_1x1", "conv2d_7x7_stride2_padding3",
                           "conv2d_3x3_groups2_bias"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const auto window = golden.integers("window");
    const bool with_bias = std::string(name).ends_with("bias");
    const Variable x(golden.tensor("x"), true), w(golden.tensor("w"), true);
    const Variable bias = with_bias ? Variable(golden.tensor("b"), true) : Variable();
    const Variable y = conv2d(x, w, bias, Convolution(Window{window[0], window[1], window[2]}, window[3]));
    CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kSum);
    backward(y, golden.tensor("dy"));
    CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kSum);
    CHECK_CLOSE(w.grad(), golden.array("dw"), test::tolerance::kSum);
    if (with_bias) CHECK_CLOSE(bias.grad(), golden.array("db"), test::tolerance::kSum);
  }
}

TEST_CASE("conv2d: empty batches") {
  const Variable x(Tensor::empty({0, 4, 4, 6}), true), w(test::uniform({2, 3, 3, 3}, -1, 1, 2), true);
  const Variable bias(Tensor::full({2}, 1), true);
  const Variable y = conv2d(x, w, bias, Convolution(Window{3, 1, 1}, 2));
  CHECK(y.shape() == Shape{0, 4, 4, 2});
  backward(y, Tensor::empty(y.shape()));
  CHECK(x.grad().shape() == x.shape());
  CHECK(test::same_bytes(w.grad(), Tensor::zeros(w.shape())));
  CHECK(test::same_bytes(bias.grad(), Tensor::zeros({2})));
}

TEST_CASE("conv2d: two runs give the same bytes") {
  const Tensor x = test::uniform({4, 16, 16, 16}, -1, 1, 1), w = test::uniform({32, 3, 3, 16}, -1, 1, 2);
  const Variable first_w(w, true), second_w(w, true);
  const Variable first = conv2d(Variable(x), first_w, Window{3, 1, 1});
  const Variable second = conv2d(Variable(x), second_w, Window{3, 1, 1});
  CHECK(test::same_bytes(first.data(), second.data()));
  backward(first, test::uniform(first.shape(), -1, 1, 3));
  backward(second, test::uniform(first.shape(), -1, 1, 3));
  CHECK(test::same_bytes(first_w.grad(), second_w.grad()));
}

TEST_CASE("conv2d: errors") {
  const Variable x(Tensor::zeros({1, 4, 4, 3})), w(Tensor::zeros({2, 3, 3, 3}));
  CHECK_THROWS_WITH_AS(conv2d(Variable(Tensor::zeros({4, 4, 3})), w, Window{3, 1, 1}),
                       "conv2d: wanted x [N, H, W, C], got [4, 4, 3]", Error);
  CHECK_THROWS_WITH_AS(conv2d(x, Variable(Tensor::zeros({2, 3, 3, 4})), Window{3, 1, 1}),
                       "conv2d: wanted w [2, 3, 3, 3], got [2, 3, 3, 4]", Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, Window{1, 1, 0}), "conv2d: wanted w [2, 1, 1, 3], got [2, 3, 3, 3]",
                       Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, Variable(Tensor::zeros({3})), Window{3, 1, 1}),
                       "conv2d: wanted bias [2], got [3]", Error);
  CHECK_THROWS_WITH_AS(conv2d(Variable(Tensor::zeros({1, 2, 4, 3})), w, Window{3, 1, 0}),
                       "conv2d: wanted height and width of at least 3, got [1, 2, 4, 3]", Error);
  CHECK_THROWS_WITH_AS(conv2d(x, w, Window{3, 0, 1}),
                       "conv2d: wanted kernel >= 1, stride >= 1, padding >= 0, got 3, 0, 1", Error);
  const auto with_groups = [](std::int64_t in, std::int64_t out, int groups) {
    const Variable images(Tensor::zeros({1, 4, 4, in})), filters(Tensor::zeros({out, 3, 3, 2}));
    conv2d(images, filters, Convolution(Window{3, 1, 1}, groups));
  };
  CHECK_THROWS_WITH_AS(with_groups(4, 4, 0), "conv2d: wanted groups >= 1, got 0", Error);
  CHECK_THROWS_WITH_AS(with_groups(5, 4, 2),
                       "conv2d: wanted channels that 2 groups divide evenly, got 5 in, 4 out", Error);
  CHECK_THROWS_WITH_AS(with_groups(4, 3, 2),
                       "conv2d: wanted channels that 2 groups divide evenly, got 4 in, 3 out", Error);
  CHECK_THROWS_WITH_AS(with_groups(8, 4, 2), "conv2d: wanted w [4, 3, 3, 4], got [4, 3, 3, 2]", Error);
  const Tensor residual = Tensor::zeros({1, 4, 4, 3});
  CHECK_THROWS_WITH_AS(conv2d_fused(x.data(), w.data(), nullptr, Window{3, 1, 1}, {&residual, false}),
                       "conv2d: wanted residual [1, 4, 4, 2], got [1, 4, 4, 3]", Error);
  CHECK_THROWS_AS(conv2d(Variable(Tensor::zeros({1, 4, 4, 3}, DType::u8)), w, Window{3, 1, 1}), Error);
}

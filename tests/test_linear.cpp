#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/linear.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;

TEST_CASE("linear: values and gradients") {
  struct Case {
    std::int64_t rows, in, out;
  };
  // One of everything, nothing of each extent, around a vector, the study's heads.
  const Case cases[] = {{1, 1, 1}, {0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {5, 17, 7}, {9, 64, 33}, {16, 256, 88}};
  for (const Device device : test::devices()) {
    for (const Case& c : cases) {
      CAPTURE(c.rows);
      CAPTURE(c.in);
      CAPTURE(c.out);
      const Tensor x = test::uniform({c.rows, c.in}, -1, 1, 1, device);
      const Tensor w = test::uniform({c.out, c.in}, -1, 1, 2, device);
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return linear(in[0], in[1], in[2]); },
           .reference = [](std::span<const Array> in) { return reference::linear(in[0], in[1], &in[2]); },
           .inputs = {x, w, test::uniform({c.out}, -1, 1, 3, device)}});
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return linear(in[0], in[1]); },
           .reference = [](std::span<const Array> in) { return reference::linear(in[0], in[1], nullptr); },
           .inputs = {x, w}});
    }
  }
}

TEST_CASE("linear: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("linear");
  const Variable x(golden.tensor("x"), true), w(golden.tensor("w"), true), b(golden.tensor("b"), true);
  const Variable y = linear(x, w, b);
  CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kSum);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kSum);
  CHECK_CLOSE(w.grad(), golden.array("dw"), test::tolerance::kSum);
  CHECK_CLOSE(b.grad(), golden.array("db"), test::tolerance::kSum);
}

TEST_CASE("linear: errors") {
  const Variable x(Tensor::zeros({2, 3})), w(Tensor::zeros({4, 3}));
  CHECK_THROWS_WITH_AS(linear(Variable(Tensor::zeros({3})), w), "linear: wanted x [rows, in], got [3]",
                       Error);
  CHECK_THROWS_WITH_AS(linear(x, Variable(Tensor::zeros({3, 4}))), "linear: wanted w [3, 3], got [3, 4]",
                       Error);
  CHECK_THROWS_WITH_AS(linear(x, w, Variable(Tensor::zeros({3}))), "linear: wanted bias [4], got [3]", Error);
}

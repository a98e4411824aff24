#include <doctest/doctest.h>

#include "engine/backend/backend.h"
#include "tests/support/tensors.h"

using namespace tern;
using test::array;

TEST_CASE("matmul: every transposition, extents of 0, 1, around a vector and beyond a block") {
  struct Case {
    std::int64_t rows, inner, columns;
  };
  const Case cases[] = {{1, 1, 1}, {0, 3, 2},   {3, 0, 2},    {3, 2, 0},   {1, 17, 1},   {17, 1, 8},
                        {7, 8, 9}, {64, 88, 4}, {33, 65, 17}, {5, 513, 3}, {128, 96, 70}};
  for (const Device device : test::devices()) {
    for (const Case& c : cases) {
      for (const bool transpose_a : {false, true}) {
        for (const bool transpose_b : {false, true}) {
          CAPTURE(c.rows);
          CAPTURE(c.inner);
          CAPTURE(c.columns);
          CAPTURE(transpose_a);
          CAPTURE(transpose_b);
          const Shape a_shape = transpose_a ? Shape{c.inner, c.rows} : Shape{c.rows, c.inner};
          const Shape b_shape = transpose_b ? Shape{c.columns, c.inner} : Shape{c.inner, c.columns};
          const Tensor a = test::uniform(a_shape, -1, 1, 1, device),
                       b = test::uniform(b_shape, -1, 1, 2, device);
          test::poison_free_memory(device);
          Tensor product = Tensor::empty({c.rows, c.columns}, DType::f32, device);
          backend_of(device).matmul(a, b, {transpose_a, transpose_b}, product);
          CHECK_CLOSE(product, reference::matmul(array(a), transpose_a, array(b), transpose_b),
                      test::tolerance::kSum);
        }
      }
    }
  }
}

// A bias added to each row: on every device, then the kernel at every width, alignment and type.
#include "engine/ops/bias.h"

#include "kernels/bias.h"
#include "tests/support/kernel_values.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;

TEST_CASE("bias: added to each row, in place") {
  for (const Device device : devices()) {
    for (const Shape& shape : {Shape{1, 1}, Shape{0, 5}, Shape{5, 0}, Shape{63, 17}, Shape{64, 3},
                               Shape{2049, 64}, Shape{2, 3, 5, 17}, Shape{7, 4096}}) {
      CAPTURE(shape.text());
      Tensor y = uniform(shape, -1, 2, 1, device);
      const Tensor bias = uniform({shape[-1]}, -1, 1, 2, device);
      const reference::Array wanted = reference::add_bias(array(y), array(bias));
      add_bias(bias, y);
      CHECK_CLOSE(y, wanted, tolerance::kElementwise);
    }
  }
}

TEST_CASE_TEMPLATE("bias kernel: at every width and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  // Nothing, one, vectors and their edges; a few long rows, many short ones.
  const RowShape shapes[] = {{0, 5},   {5, 0},    {1, 1},    {1, 1000}, {3, 4},     {33, 7},  {64, 88},
                             {100, 8}, {300, 33}, {513, 68}, {5000, 1}, {4100, 16}, {4, 2048}};
  for (const RowShape& shape : shapes) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.cols);
      CAPTURE(shift);
      const std::vector<T> values = uniform<T>(shape.count(), -1, 2, 1);
      const std::vector<float> added = uniform<float>(static_cast<std::size_t>(shape.cols), -1, 1, 2);
      const DeviceArray<float> bias(added);
      DeviceArray<T> y(values, shift);
      const std::int64_t before = launch_count();
      kernels::add_bias(bias.data(), y.data(), shape.rows, shape.cols, nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (shape.count() > 0 ? 1 : 0));
      CHECK_ARRAY(y, reference::add_bias(array(shape.shape(), values), array({shape.cols}, added)),
                  unit<T>());
    }
  }
}

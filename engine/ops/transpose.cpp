// Turns matrices over, element by element: files' layouts differ from memory's by no more.
#include "engine/ops/transpose.h"

#include <cstdint>

#include "engine/backend/dispatch.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "kernels/transpose.h"

namespace tern {
namespace {

template <typename Word>
void transpose_words(const Tensor& x, Tensor& y) {
  const auto* from = static_cast<const Word*>(x.raw());
  auto* to = static_cast<Word*>(y.raw());
  const std::int64_t rows = x.size(1), columns = x.size(2);
  parallel_for(x.size(0), 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Word* source = from + i * rows * columns;
      Word* target = to + i * rows * columns;
      for (std::int64_t column = 0; column < columns; ++column) {
        for (std::int64_t row = 0; row < rows; ++row)
          target[column * rows + row] = source[row * columns + column];
      }
    }
  });
}

void transpose_cpu(const Tensor& x, Tensor& y) {
  if (x.numel() == 0) return;
  switch (size_of(x.dtype())) {
    case 1:
      return transpose_words<std::uint8_t>(x, y);
    case 2:
      return transpose_words<std::uint16_t>(x, y);
    case 4:
      return transpose_words<std::uint32_t>(x, y);
    case 8:
      return transpose_words<std::uint64_t>(x, y);
    default:
      throw Error("transpose", "elements of 1, 2, 4 or 8 bytes", name_of(x.dtype()));
  }
}

}  // namespace

void transpose(const Tensor& x, Tensor& y) {
  dispatch(
      x, [&] { transpose_cpu(x, y); },
      [&](auto& device) {
        with_type(x, [&]<typename T>() {
          kernels::transpose(x.data<T>(), y.data<T>(), x.size(0), x.size(1), x.size(2), device.stream());
        });
      });
}

}  // namespace tern

// Products of matrices as a benchmark's kernels want them between them: cuBLAS's on a GPU.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/common/stream.h"

namespace tern::bench {

class Products {
 public:
  explicit Products(Stream stream);

  /// Row-major c [rows, cols] = op(a) op(b) with `inner` in between. T is float or bfloat16, sums are f32.
  template <typename T>
  void operator()(const T* a, bool transpose_a, const T* b, bool transpose_b, T* c, std::int64_t rows,
                  std::int64_t inner, std::int64_t cols) const;

 private:
  struct Library;
  std::shared_ptr<const Library> library_;
};

}  // namespace tern::bench

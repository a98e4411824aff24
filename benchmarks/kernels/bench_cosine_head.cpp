// A cosine head of rows x classes x width, products by cuBLAS included: forward reads x and w and writes y,
// backward reads x, w and dy and writes dx and dw.
#include "benchmarks/kernels/harness.h"
#include "engine/backend/cuda/cublas_library.h"
#include "kernels/cosine_head.h"

namespace tern::bench {
namespace {

constexpr std::size_t kCublasWorkspace = 32 << 20;
constexpr std::int64_t kMostForAll = 1 << 24;  // rows * width up to which dw and dscale are checked, too
constexpr float kScale = 16;

struct Shape {
  std::int64_t rows, classes, width;
  double inputs() const { return static_cast<double>((rows + classes) * width); }  // elements
  double outputs() const { return static_cast<double>(rows * classes); }
  std::string name() const {
    return std::to_string(rows) + "x" + std::to_string(classes) + "x" + std::to_string(width);
  }
};

class Products {
 public:
  explicit Products(Bench& bench) : workspace_(allocate(kCublasWorkspace)) {
    check_cublas(cublas().create(&handle_), "cublasCreate");
    check_cublas(cublas().set_stream(handle_, bench.stream()), "cublasSetStream");
    check_cublas(cublas().set_workspace(handle_, workspace_.get(), kCublasWorkspace), "cublasSetWorkspace");
  }

  /// Row-major c [rows, cols] = op(a) op(b) with `inner` in between: column-major, its transpose.
  template <typename T>
  void operator()(const T* a, bool transpose_a, const T* b, bool transpose_b, T* c, std::int64_t rows,
                  std::int64_t inner, std::int64_t cols) const {
    constexpr cudaDataType_t kType = std::is_same_v<T, bfloat16> ? CUDA_R_16BF : CUDA_R_32F;
    const float one = 1, zero = 0;
    check_cublas(cublas().gemm(handle_, transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                               transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, cols, rows, inner, &one, b, kType,
                               transpose_b ? inner : cols, a, kType, transpose_a ? rows : inner, &zero, c,
                               kType, cols, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                 "cublasGemmEx");
  }

 private:
  cublasHandle_t handle_ = nullptr;  // until the program ends
  std::shared_ptr<void> workspace_;
};

/// A head's arrays, and the fp64 cosines that its results are checked by.
template <typename T>
struct Head {
  Shape shape;
  Slots<T> x, w, dy, x_unit, w_unit, y, dx, dw;
  Slots<float> scale, x_inverse, w_inverse, dscale;
  Slots<unsigned char> workspace;

  Head(Bench& bench, const Shape& of)
      : shape(of),
        x(bench.random<T>(of.rows * of.width, -1, 2)),
        w(bench.random<T>(of.classes * of.width, -1, 1)),
        dy(bench.random<T>(of.rows * of.classes, -1, 1)),
        x_unit(bench.poisoned<T>(of.rows * of.width)),
        w_unit(bench.poisoned<T>(of.classes * of.width)),
        y(bench.poisoned<T>(of.rows * of.classes)),
        dx(bench.poisoned<T>(of.rows * of.width)),
        dw(bench.poisoned<T>(of.classes * of.width)),
        scale(bench.upload<float>([](int) { return std::vector<float>{kScale}; })),
        x_inverse(bench.poisoned<float>(of.rows)),
        w_inverse(bench.poisoned<float>(of.classes)),
        dscale(bench.poisoned<float>(1)),
        workspace(bench.workspace(kernels::cosine_backward_workspace_bytes(of.rows))) {}

  void normalize(int slot, const float* factor, Stream stream) const {
    kernels::cosine_normalize(x[slot], w[slot], factor, x_unit[slot], w_unit[slot], x_inverse[slot],
                              w_inverse[slot], shape.rows, shape.classes, shape.width, stream);
  }
  void project(int slot, Stream stream) const {
    kernels::cosine_backward(x[slot], w[slot], scale[slot], x_inverse[slot], w_inverse[slot], dx[slot],
                             dw[slot], dscale[slot], workspace[slot], shape.rows, shape.classes, shape.width,
                             stream);
  }
};

using Values = std::vector<double>;

/// Rows of [count, width], each divided by its norm; the norms.
Values unit_rows(Values rows, std::int64_t width, Values& norms) {
  for (std::size_t begin = 0; begin < rows.size(); begin += static_cast<std::size_t>(width)) {
    double sum = 0;
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(width); ++i) sum += rows[i] * rows[i];
    norms.push_back(std::sqrt(sum));
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(width); ++i) rows[i] /= norms.back();
  }
  return rows;
}
double dot(const double* a, const double* b, std::int64_t width) {
  double sum = 0;
  for (std::int64_t i = 0; i < width; ++i) sum += a[i] * b[i];
  return sum;
}

template <typename T>
double forward_error(const Head<T>& head) {
  const auto [rows, classes, width] = head.shape;
  Values norms;
  const Values w = unit_rows(head.w.doubles(), width, norms);
  Difference difference;
  for (const std::int64_t r : sampled(rows)) {
    const Values x = unit_rows(head.x.doubles(r * width, width), width, norms);
    const Values got = head.y.doubles(r * classes, classes);
    for (std::int64_t c = 0; c < classes; ++c) {
      difference.add(got[static_cast<std::size_t>(c)],
                     static_cast<double>(kScale) * dot(x.data(), w.data() + c * width, width));
    }
  }
  return difference.relative();
}

/// d(sum of dy cos) / d(one row) for a row of unit length u, `others` [count, width] of unit length and its
/// dy: the part of sum_c dy_c other_c across u.
Values gradient_of_row(const double* u, const Values& others, const Values& dy, std::int64_t width) {
  Values gradient(static_cast<std::size_t>(width), 0.0);
  for (std::size_t c = 0; c < dy.size(); ++c) {
    const double* const other = others.data() + static_cast<std::int64_t>(c) * width;
    const double cosine = dot(u, other, width);
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += dy[c] * (other[i] - cosine * u[i]);
  }
  return gradient;
}

template <typename T>
double backward_error(const Head<T>& head) {
  const auto [rows, classes, width] = head.shape;
  Difference of_x, of_w;
  Values w_norms;
  const Values w = unit_rows(head.w.doubles(), width, w_norms);
  for (const std::int64_t r : sampled(rows)) {
    Values norms;
    const Values x = unit_rows(head.x.doubles(r * width, width), width, norms);
    const Values wanted = gradient_of_row(x.data(), w, head.dy.doubles(r * classes, classes), width);
    const Values got = head.dx.doubles(r * width, width);
    for (std::size_t i = 0; i < got.size(); ++i) {
      of_x.add(got[i], static_cast<double>(kScale) / norms[0] * wanted[i]);
    }
  }
  if (rows * width > kMostForAll) return of_x.relative();
  Values x_norms;
  const Values x = unit_rows(head.x.doubles(), width, x_norms), dy = head.dy.doubles();
  for (const std::int64_t c : sampled(classes)) {
    Values of_class;
    for (std::int64_t r = 0; r < rows; ++r) of_class.push_back(dy[static_cast<std::size_t>(r * classes + c)]);
    const Values wanted = gradient_of_row(w.data() + c * width, x, of_class, width);
    const Values got = head.dw.doubles(c * width, width);
    for (std::size_t i = 0; i < got.size(); ++i) {
      of_w.add(got[i], static_cast<double>(kScale) / w_norms[static_cast<std::size_t>(c)] * wanted[i]);
    }
  }
  return worst({of_x, of_w});
}

template <typename T>
void forward(Bench& bench, const Products& product, const Shape& shape) {
  const auto [rows, classes, width] = shape;
  const double inputs = shape.inputs() * sizeof(T), outputs = shape.outputs() * sizeof(T);
  if (!bench.begin("cosine_head_forward", shape.name(), name_of<T>(), 3 * inputs + 2 * outputs)) return;
  const Head<T> head(bench, shape);
  bench.measure(
      inputs + outputs,
      [&](int slot) {
        head.normalize(slot, head.scale[slot], bench.stream());
        product(head.x_unit[slot], false, head.w_unit[slot], true, head.y[slot], rows, width, classes);
      },
      [&] { return forward_error(head); });
}

template <typename T>
void backward(Bench& bench, const Products& product, const Shape& shape) {
  const auto [rows, classes, width] = shape;
  const double inputs = shape.inputs() * sizeof(T), outputs = shape.outputs() * sizeof(T);
  if (!bench.begin("cosine_head_backward", shape.name(), name_of<T>(), 3 * inputs + 2 * outputs)) return;
  const Head<T> head(bench, shape);
  bench.measure(
      2 * inputs + outputs,
      [&](int slot) {
        head.normalize(slot, nullptr, bench.stream());
        product(head.dy[slot], false, head.w_unit[slot], false, head.dx[slot], rows, classes, width);
        product(head.dy[slot], true, head.x_unit[slot], false, head.dw[slot], classes, rows, width);
        head.project(slot, bench.stream());
      },
      [&] { return backward_error(head); });
}

template <typename T>
void both_of(Bench& bench, const Products& product, const Shape& shape) {
  bench.measure_rows(forward<T>, product, shape);
  bench.measure_rows(backward<T>, product, shape);
}

void bench_cosine_head(Bench& bench) {
  const Products product(bench);
  for (const Shape& shape : {Shape{64, 88, 512}, Shape{64, 88, 2048}, Shape{1024, 88, 2048},
                             Shape{1024, 1000, 2048}, Shape{65536, 1000, 512}}) {
    both_of<float>(bench, product, shape);
    both_of<bfloat16>(bench, product, shape);
  }
}
const Registration registration("cosine_head", bench_cosine_head);

}  // namespace
}  // namespace tern::bench

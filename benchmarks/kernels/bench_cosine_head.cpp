// A cosine head of rows x classes x width, on a GPU with cuBLAS's products in its time: forward reads x and w and writes y,
// backward reads x, w and dy and writes dx and dw.
#include "benchmarks/kernels/harness.h"
#include "benchmarks/kernels/products.h"
#include "kernels/cosine_head.h"

namespace tern::bench {
namespace {

constexpr std::int64_t kMaxForAll = 1 << 24;  // rows * width up to which dw is checked, too
constexpr float kScale = 16;

struct Shape {
  std::int64_t rows, classes, width;
  double inputs() const { return static_cast<double>((rows + classes) * width); }  // elements
  double outputs() const { return static_cast<double>(rows * classes); }
  std::string name() const {
    return std::to_string(rows) + "x" + std::to_string(classes) + "x" + std::to_string(width);
  }
};

/// A head's arrays.
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

template <typename T>
double forward_error(const Head<T>& head) {
  const std::int64_t rows = head.shape.rows, classes = head.shape.classes, width = head.shape.width;
  const std::vector<std::int64_t> some = sampled(rows);
  Difference difference;
  difference.add(head.y.rows(some, classes),
                 reference::cosine_head(head.x.rows(some, width), head.w.array({classes, width}),
                                        head.scale.array({1})));
  return difference.relative();
}

/// dx of some rows, which needs all of w; dw of some classes, which needs all of x.
template <typename T>
double backward_error(const Head<T>& head) {
  const std::int64_t rows = head.shape.rows, classes = head.shape.classes, width = head.shape.width;
  const std::vector<std::int64_t> some_rows = sampled(rows), some_classes = sampled(classes);
  const reference::Array scale = head.scale.array({1});
  Difference of_x, of_w;
  of_x.add(head.dx.rows(some_rows, width),
           reference::cosine_head_gradients(head.x.rows(some_rows, width), head.w.array({classes, width}),
                                            scale, head.dy.rows(some_rows, classes))
               .dx);
  if (rows * width > kMaxForAll) return of_x.relative();
  const reference::Array all_dy = head.dy.array({rows, classes});
  reference::Array dy({rows, static_cast<std::int64_t>(some_classes.size())});
  for (std::int64_t i = 0; i < dy.size(); ++i)
    dy[i] = all_dy[i / dy.last() * classes + some_classes[static_cast<std::size_t>(i % dy.last())]];
  of_w.add(head.dw.rows(some_classes, width),
           reference::cosine_head_gradients(head.x.array({rows, width}), head.w.rows(some_classes, width),
                                            scale, dy)
               .dw);
  return worst({of_x, of_w});
}

template <typename T>
void forward(Bench& bench, const Products& product, const Shape& shape) {
  const std::int64_t rows = shape.rows, classes = shape.classes, width = shape.width;
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
  const std::int64_t rows = shape.rows, classes = shape.classes, width = shape.width;
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
  const Products product(bench.stream());
  for (const Shape& shape : bench.shapes<Shape>(
           {{64, 88, 512}, {64, 88, 2048}, {1024, 88, 2048}, {1024, 1000, 2048}, {65536, 1000, 512}},
           {{16, 16, 512}, {16, 16, 2048}})) {
    both_of<float>(bench, product, shape);
    both_of<bfloat16>(bench, product, shape);
  }
}
const Registration registration("cosine_head", bench_cosine_head);

}  // namespace
}  // namespace tern::bench

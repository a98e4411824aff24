// n elements each: fill writes n, affine, exp and log read n as well, add reads 2 n or, where one side is a row that is
// used again and again, n and the row; convert reads n of one type and writes n of the other.
#include "benchmarks/kernels/harness.h"
#include "kernels/elementwise.h"

namespace tern::bench {
namespace {

/// `run(slot)` leaves y, of which `wanted(i)` is value i.
template <typename To, typename Run, typename Wanted>
void measure(Bench& bench, double bytes, const Slots<To>& y, Run run, Wanted wanted) {
  bench.measure(bytes, run, [&] {
    Difference difference;
    const std::vector<double> got = y.doubles();
    for (std::int64_t i = 0; i < y.count(); ++i) difference.add(got[static_cast<std::size_t>(i)], wanted(i));
    return difference.relative();
  });
}

double bytes_of(std::int64_t count, std::size_t element) {
  return static_cast<double>(count) * static_cast<double>(element);
}

template <typename T>
void fill(Bench& bench, const RowShape& shape) {
  const std::int64_t n = shape.rows * shape.cols;
  if (!bench.begin("fill", shape.name(), name_of<T>(), bytes_of(n, sizeof(T)))) return;
  const auto y = bench.poisoned<T>(n);
  measure(
      bench, bytes_of(n, sizeof(T)), y, [&](int slot) { kernels::fill(0.5f, y[slot], n, bench.stream()); },
      [](std::int64_t) { return 0.5; });
}

/// exp stands for those of one input: what differs is the arithmetic.
template <typename T>
void exponential(Bench& bench, const RowShape& shape) {
  const std::int64_t n = shape.rows * shape.cols;
  if (!bench.begin("exp", shape.name(), name_of<T>(), bytes_of(2 * n, sizeof(T)))) return;
  const auto x = bench.random<T>(n, -2, 2), y = bench.poisoned<T>(n);
  const std::vector<double> in = x.doubles();
  measure(
      bench, bytes_of(2 * n, sizeof(T)), y,
      [&](int slot) { kernels::exp(x[slot], y[slot], n, bench.stream()); },
      [&](std::int64_t i) { return std::exp(in[static_cast<std::size_t>(i)]); });
}

/// add stands for those of two inputs. `row`: the second one is a row of shape.cols.
template <typename T>
void add(Bench& bench, const RowShape& shape, bool row) {
  const std::int64_t n = shape.rows * shape.cols, count = row ? shape.cols : n;
  const double bytes = bytes_of(2 * n + count, sizeof(T));
  if (!bench.begin(row ? "add_row" : "add", shape.name(), name_of<T>(), bytes)) return;
  const auto a = bench.random<T>(n, -1, 1), b = bench.random<T>(count, -1, 1), y = bench.poisoned<T>(n);
  const std::vector<double> left = a.doubles(), right = b.doubles();
  measure(
      bench, bytes, y,
      [&](int slot) {
        kernels::add<T>({a[slot], n}, {b[slot], count}, y[slot], n, bench.stream());
      },
      [&](std::int64_t i) {
        return left[static_cast<std::size_t>(i)] + right[static_cast<std::size_t>(i % count)];
      });
}

/// To the other type; the row is named by the type that is read.
template <typename From, typename To>
void convert(Bench& bench, const RowShape& shape) {
  const std::int64_t n = shape.rows * shape.cols;
  const double bytes = bytes_of(n, sizeof(From) + sizeof(To));
  if (!bench.begin(std::string("convert_to_") + name_of<To>(), shape.name(), name_of<From>(), bytes)) return;
  const auto x = bench.random<From>(n, -1, 1);
  const auto y = bench.poisoned<To>(n);
  const std::vector<double> in = x.doubles();
  measure(
      bench, bytes, y, [&](int slot) { kernels::convert(x[slot], y[slot], n, bench.stream()); },
      [&](std::int64_t i) {
        return static_cast<double>(
            static_cast<float>(To(static_cast<float>(in[static_cast<std::size_t>(i)]))));
      });
}

void bench_elementwise(Bench& bench) {
  // Activations of a ResNet-50 on 64 images of 64x64 pixels, behind its stem and at its end, as rows of channels; logits.
  for (const RowShape& shape :
       bench.shapes<RowShape>({{64 * 32 * 32, 64}, {64 * 2 * 2, 2048}, {64, 88}}, {{64, 512}})) {
    bench.measure_rows(fill<float>, shape);
    bench.measure_rows(fill<bfloat16>, shape);
    bench.measure_rows(exponential<float>, shape);
    bench.measure_rows(exponential<bfloat16>, shape);
    for (const bool row : {false, true}) {
      bench.measure_rows(add<float>, shape, row);
      bench.measure_rows(add<bfloat16>, shape, row);
    }
    bench.measure_rows(convert<float, bfloat16>, shape);
    bench.measure_rows(convert<bfloat16, float>, shape);
  }
}
const Registration registration("elementwise", bench_elementwise);

}  // namespace
}  // namespace tern::bench

// The KL term between two heads, KL(q || p), with both gradients: 2 R (Csup + Csub) elements. Formulas:
// engine/ops/hierarchical_kl.cpp.
#include "benchmarks/kernels/harness.h"
#include "kernels/hierarchical_kl.h"

namespace tern::bench {
namespace {

constexpr double kEpsilon = 1e-8;

std::vector<double> softmax(const std::vector<double>& x) {
  double sum = 0;
  std::vector<double> y;
  for (const double value : x) sum += std::exp(value);
  for (const double value : x) y.push_back(std::exp(value) / sum);
  return y;
}

/// One row: its divergence, and the gradients times the number of rows.
struct Row {
  double kl = 0;
  std::vector<double> dsuper, dsub;

  Row(const std::vector<double>& super, const std::vector<double>& sub, std::size_t supers) {
    const std::vector<double> p = softmax(super), s = softmax(sub);
    std::vector<double> q(supers, 0.0), dq(supers);
    for (std::size_t i = 0; i < s.size(); ++i) q[i % supers] += s[i];
    double sum = 0, mean = 0;
    for (std::size_t k = 0; k < supers; ++k) {
      q[k] /= 1 + kEpsilon;
      dq[k] = std::log(q[k] + kEpsilon) - std::log(p[k]);
      kl += (q[k] + kEpsilon) * dq[k];
      sum += q[k] + kEpsilon;
      mean += q[k] * dq[k];
    }
    for (std::size_t k = 0; k < supers; ++k) dsuper.push_back(p[k] * sum - (q[k] + kEpsilon));
    for (std::size_t i = 0; i < s.size(); ++i) dsub.push_back(s[i] * (dq[i % supers] - mean));
  }
};

template <typename T>
void measure(Bench& bench, std::int64_t rows, std::int64_t supers, std::int64_t subs) {
  const double bytes = 2.0 * static_cast<double>(rows * (supers + subs)) * sizeof(T);
  const std::string shape = std::to_string(rows) + "x" + std::to_string(supers) + "+" + std::to_string(subs);
  if (!bench.begin("hierarchical_kl", shape, name_of<T>(), bytes)) return;
  const auto super = bench.random<T>(rows * supers, -3, 3), sub = bench.random<T>(rows * subs, -3, 3);
  const auto dsuper = bench.poisoned<T>(rows * supers), dsub = bench.poisoned<T>(rows * subs);
  const auto loss = bench.poisoned<float>(1);
  const auto map = bench.upload<std::int32_t>([&](int) {
    std::vector<std::int32_t> of(static_cast<std::size_t>(subs));
    for (std::size_t i = 0; i < of.size(); ++i)
      of[i] = static_cast<std::int32_t>(i) % static_cast<std::int32_t>(supers);
    return of;
  });
  const auto workspace = bench.workspace(kernels::hierarchical_kl_workspace_bytes(rows));
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::hierarchical_kl(super[slot], sub[slot], map[slot], {}, loss[slot], dsuper[slot], dsub[slot],
                                 workspace[slot], rows, supers, subs, bench.stream());
      },
      [&] {
        const std::vector<double> all_super = super.doubles(), all_sub = sub.doubles(),
                                  got_super = dsuper.doubles(), got_sub = dsub.doubles();
        Difference mean, of_super, of_sub;
        double sum = 0;
        for (std::int64_t r = 0; r < rows; ++r) {
          const auto row_of = [r](const std::vector<double>& x, std::int64_t cols) {
            return std::vector<double>(x.begin() + r * cols, x.begin() + (r + 1) * cols);
          };
          const Row wanted(row_of(all_super, supers), row_of(all_sub, subs),
                           static_cast<std::size_t>(supers));
          sum += wanted.kl;
          for (std::int64_t k = 0; k < supers; ++k) {
            of_super.add(got_super[static_cast<std::size_t>(r * supers + k)],
                         wanted.dsuper[static_cast<std::size_t>(k)] / static_cast<double>(rows));
          }
          for (std::int64_t i = 0; i < subs; ++i) {
            of_sub.add(got_sub[static_cast<std::size_t>(r * subs + i)],
                       wanted.dsub[static_cast<std::size_t>(i)] / static_cast<double>(rows));
          }
        }
        mean.add(loss.doubles()[0], sum / static_cast<double>(rows));
        return worst({mean, of_super, of_sub});
      });
}

void bench_hierarchical_kl(Bench& bench) {
  for (const std::int64_t rows : {64, 256, 1024, 8192, 65536}) {
    bench.measure_rows(measure<float>, rows, 4, 88);
    bench.measure_rows(measure<bfloat16>, rows, 4, 88);
  }
  bench.measure_rows(measure<float>, 1024, 100, 1000);
  bench.measure_rows(measure<bfloat16>, 1024, 100, 1000);
}
const Registration registration("hierarchical_kl", bench_hierarchical_kl);

}  // namespace
}  // namespace tern::bench

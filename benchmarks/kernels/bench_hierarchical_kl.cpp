// The KL term between two heads, KL(q || p), with both gradients: 2 R (parents + children) elements.
#include "benchmarks/kernels/harness.h"
#include "kernels/hierarchical_kl.h"

namespace tern::bench {
namespace {

struct Shape {
  std::int64_t rows, parents, children;
};

template <typename T>
void measure(Bench& bench, const Shape& size) {
  const std::int64_t rows = size.rows, parents = size.parents, children = size.children;
  const double bytes = 2.0 * static_cast<double>(rows * (parents + children)) * sizeof(T);
  const std::string shape =
      std::to_string(rows) + "x" + std::to_string(parents) + "+" + std::to_string(children);
  if (!bench.begin("hierarchical_kl", shape, name_of<T>(), bytes)) return;
  const auto parent = bench.random<T>(rows * parents, -3, 3), child = bench.random<T>(rows * children, -3, 3);
  const auto dparent = bench.poisoned<T>(rows * parents), dchild = bench.poisoned<T>(rows * children);
  const auto loss = bench.poisoned<float>(1);
  const auto parent_of = bench.upload<std::int32_t>([&](int) {
    std::vector<std::int32_t> of(static_cast<std::size_t>(children));
    for (std::size_t i = 0; i < of.size(); ++i)
      of[i] = static_cast<std::int32_t>(i) % static_cast<std::int32_t>(parents);
    return of;
  });
  const auto workspace = bench.workspace(kernels::hierarchical_kl_workspace_bytes(rows));
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::hierarchical_kl(parent[slot], child[slot], parent_of[slot], {}, loss[slot], dparent[slot],
                                 dchild[slot], workspace[slot], rows, parents, children, bench.stream());
      },
      [&] {
        const reference::Array of_parent = parent.array({rows, parents}),
                               of_child = child.array({rows, children});
        const auto wanted = reference::hierarchical_kl_gradients(of_parent, of_child, parent_of.values(), {});
        Difference mean, of_dparent, of_dchild;
        mean.add(loss.array({1}), reference::hierarchical_kl(of_parent, of_child, parent_of.values(), {}));
        of_dparent.add(dparent.array({rows, parents}), wanted.dparent);
        of_dchild.add(dchild.array({rows, children}), wanted.dchild);
        return worst({mean, of_dparent, of_dchild});
      });
}

void bench_hierarchical_kl(Bench& bench) {
  for (const Shape& shape : bench.shapes<Shape>(
           {{64, 4, 88}, {256, 4, 88}, {1024, 4, 88}, {8192, 4, 88}, {65536, 4, 88}, {1024, 100, 1000}},
           {{64, 4, 88}, {16, 100, 1000}})) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("hierarchical_kl", bench_hierarchical_kl);

}  // namespace
}  // namespace tern::bench

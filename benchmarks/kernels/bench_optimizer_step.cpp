// A step over all parameters of a ResNet. Adam reads and writes parameter and two moments and reads the
// gradient: 28 bytes a parameter, also with a bfloat16 gradient and a bfloat16 copy written. SGD with
// momentum: 20. The clipping norm: 4.
#include "benchmarks/kernels/harness.h"
#include "kernels/optimizer_step.h"

namespace tern::bench {
namespace {

/// Elements of each parameter of ResNet-18 or -50 with 1000 classes, in torchvision's order.
std::vector<std::int64_t> resnet_sizes(bool bottleneck) {
  const int blocks18[] = {2, 2, 2, 2}, blocks50[] = {3, 4, 6, 3};
  std::vector<std::int64_t> sizes;
  const auto convolution = [&](std::int64_t in, std::int64_t out, std::int64_t kernel) {
    for (const std::int64_t size : {in * out * kernel * kernel, out, out})
      sizes.push_back(size);  // and batch norm
  };
  convolution(3, 64, 7);
  std::int64_t in = 64;
  for (int stage = 0; stage < 4; ++stage) {
    const std::int64_t width = std::int64_t{64} << stage, out = bottleneck ? 4 * width : width;
    for (int block = 0; block < (bottleneck ? blocks50 : blocks18)[stage]; ++block) {
      if (bottleneck) {
        convolution(in, width, 1);
        convolution(width, width, 3);
        convolution(width, out, 1);
      } else {
        convolution(in, width, 3);
        convolution(width, width, 3);
      }
      if (in != out) convolution(in, out, 1);
      in = out;
    }
  }
  for (const std::int64_t size : {in * 1000, std::int64_t{1000}}) sizes.push_back(size);
  return sizes;
}

/// Parameters, gradients and moments, each of them in one array; every parameter begins on 16 bytes.
struct Parameters {
  std::vector<std::int64_t> sizes, offsets;
  std::int64_t elements = 0, padded = 0, chunks = 0;
  bool half;
  Slots<float> p, gradient, m, v;
  Slots<bfloat16> half_gradient, copy;
  Slots<kernels::OptimizerSlotView> table;

  Parameters(Bench& bench, const std::vector<std::int64_t>& of, bool with_half)
      : sizes(of),
        offsets(offsets_of(of)),
        padded(offsets.back()),
        half(with_half),
        p(bench.random<float>(padded, -1, 1)),
        gradient(bench.random<float>(half ? 0 : padded, -1, 1)),
        m(bench.random<float>(padded, -0.1f, 0.1f)),
        v(bench.random<float>(padded, 0, 0.1f)),
        half_gradient(bench.random<bfloat16>(half ? padded : 0, -1, 1)),
        copy(bench.poisoned<bfloat16>(half ? padded : 0)),
        table(bench.upload<kernels::OptimizerSlotView>([&](int slot) { return views(slot); })) {}

  static std::vector<std::int64_t> offsets_of(const std::vector<std::int64_t>& sizes) {
    std::vector<std::int64_t> offsets = {0};
    for (const std::int64_t size : sizes) offsets.push_back(offsets.back() + (size + 7) / 8 * 8);
    return offsets;
  }
  std::vector<kernels::OptimizerSlotView> views(int slot) {
    std::vector<kernels::OptimizerSlotView> all;
    chunks = elements = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::int64_t at = offsets[i];
      all.push_back(
          {.parameter = p[slot] + at,
           .gradient = half ? static_cast<const void*>(half_gradient[slot] + at) : gradient[slot] + at,
           .first_moment = m[slot] + at,
           .second_moment = v[slot] + at,
           .half_copy = half ? copy[slot] + at : nullptr,
           .elements = sizes[i],
           .first_chunk = chunks,
           .half_gradient = half,
           .rate = 0.01f,
           .inverse_root = 1.5f,
           .coupled_decay = 0,
           .kept = 0.999f});
      chunks += (sizes[i] + kernels::kOptimizerChunk - 1) / kernels::kOptimizerChunk;
      elements += sizes[i];
    }
    return all;
  }
  int count() const { return static_cast<int>(sizes.size()); }
  std::vector<double> gradients() const { return half ? half_gradient.doubles() : gradient.doubles(); }
};

double total(const std::vector<std::int64_t>& sizes) {
  double sum = 0;
  for (const std::int64_t size : sizes) sum += static_cast<double>(size);
  return sum;
}

void adam(Bench& bench, const std::string& network, const std::vector<std::int64_t>& sizes, bool half) {
  const double bytes = 28 * total(sizes);
  if (!bench.begin("adam_step", network, half ? "bfloat16" : "float32", bytes)) return;
  const Parameters all(bench, sizes, half);
  const std::vector<double> p = all.p.doubles(), m = all.m.doubles(), v = all.v.doubles(),
                            g = all.gradients();
  const kernels::AdamConstants constants = {0.9f, 0.1f, 0.999f, 0.001f, 1e-8f};
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::adam_step(all.table[slot], all.count(), all.chunks, constants, nullptr, bench.stream());
      },
      [&] {
        Difference of_p, of_m, of_v, of_copy;
        const std::vector<double> got = all.p.doubles(), copied = all.copy.doubles(), got_m = all.m.doubles(),
                                  got_v = all.v.doubles();
        for (std::size_t s = 0; s < sizes.size(); ++s) {
          for (std::int64_t k = 0; k < sizes[s]; ++k) {
            const auto i = static_cast<std::size_t>(all.offsets[s] + k);
            const double first = 0.9 * m[i] + 0.1 * g[i], second = 0.999 * v[i] + 0.001 * g[i] * g[i];
            const double wanted = p[i] * 0.999 - 0.01 * first / (std::sqrt(second) * 1.5 + 1e-8);
            of_p.add(got[i], wanted);
            of_m.add(got_m[i], first);
            of_v.add(got_v[i], second);
            if (half) of_copy.add(copied[i], wanted);
          }
        }
        return worst({of_p, of_m, of_v, of_copy});
      });
}

void sgd(Bench& bench, const std::string& network, const std::vector<std::int64_t>& sizes) {
  const double bytes = 20 * total(sizes);
  if (!bench.begin("sgd_step", network, "float32", bytes)) return;
  const Parameters all(bench, sizes, false);
  const std::vector<double> p = all.p.doubles(), m = all.m.doubles(), g = all.gradients();
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::sgd_step(all.table[slot], all.count(), all.chunks, {0.9f, false, false}, nullptr,
                          bench.stream());
      },
      [&] {
        Difference of_p, of_buffer;
        const std::vector<double> got = all.p.doubles(), buffer = all.m.doubles();
        for (std::size_t s = 0; s < sizes.size(); ++s) {
          for (std::int64_t k = 0; k < sizes[s]; ++k) {
            const auto i = static_cast<std::size_t>(all.offsets[s] + k);
            of_p.add(got[i], p[i] - 0.01 * (0.9 * m[i] + g[i]));
            of_buffer.add(buffer[i], 0.9 * m[i] + g[i]);
          }
        }
        return worst({of_p, of_buffer});
      });
}

void clip(Bench& bench, const std::string& network, const std::vector<std::int64_t>& sizes) {
  const double bytes = 4 * total(sizes);
  if (!bench.begin("clip_scale", network, "float32", bytes)) return;
  const Parameters all(bench, sizes, false);
  const auto norm = bench.poisoned<float>(1), scale = bench.poisoned<float>(1);
  const auto workspace = bench.workspace(kernels::clip_workspace_bytes(all.chunks));
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::clip_scale(all.table[slot], all.count(), all.chunks, 1, norm[slot], scale[slot],
                            workspace[slot], bench.stream());
      },
      [&] {
        double sum = 0;
        const std::vector<double> g = all.gradients();
        for (std::size_t s = 0; s < sizes.size(); ++s) {
          for (std::int64_t k = 0; k < sizes[s]; ++k) {
            const double value = g[static_cast<std::size_t>(all.offsets[s] + k)];
            sum += value * value;
          }
        }
        Difference of_norm, of_scale;
        of_norm.add(norm.doubles()[0], std::sqrt(sum));
        of_scale.add(scale.doubles()[0], 1 / (std::sqrt(sum) + 1e-6));
        return worst({of_norm, of_scale});
      });
}

void bench_optimizer_step(Bench& bench) {
  for (const bool bottleneck : {false, true}) {
    const std::string network = bottleneck ? "resnet50" : "resnet18";
    const std::vector<std::int64_t> sizes = resnet_sizes(bottleneck);
    bench.measure_rows(adam, network, sizes, false);
    bench.measure_rows(adam, network, sizes, true);
    bench.measure_rows(sgd, network, sizes);
    bench.measure_rows(clip, network, sizes);
  }
}
const Registration registration("optimizer_step", bench_optimizer_step);

}  // namespace
}  // namespace tern::bench

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

/// The third step of AdamW; the rate is SGD's, too.
constexpr int kStep = 3;
constexpr double kLearningRate = 0.01, kDecay = 0.1;
const double kRate = kLearningRate / (1 - std::pow(0.9, kStep)),
             kInverseRoot = 1 / std::sqrt(1 - std::pow(0.999, kStep));

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
           .bf16_copy = half ? copy[slot] + at : nullptr,
           .elements = sizes[i],
           .first_chunk = chunks,
           .half_gradient = half,
           .rate = static_cast<float>(kRate),
           .inverse_root = static_cast<float>(kInverseRoot),
           .coupled_decay = 0,
           .kept = static_cast<float>(1 - kLearningRate * kDecay)});
      chunks += (sizes[i] + kernels::kOptimizerChunk - 1) / kernels::kOptimizerChunk;
      elements += sizes[i];
    }
    return all;
  }
  int count() const { return static_cast<int>(sizes.size()); }
  /// Parameters and moments as they are.
  reference::OptimizerState state() const {
    reference::OptimizerState all(p.array({padded}));
    all.m = m.array({padded});
    all.v = v.array({padded});
    return all;
  }
  reference::Array gradients() const {
    return half ? half_gradient.array({padded}) : gradient.array({padded});
  }
  /// Without what lies between parameters.
  reference::Array elements_of(const reference::Array& whole) const {
    reference::Array result;
    result.shape = {elements};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const auto first = whole.values.begin() + offsets[i];
      result.values.insert(result.values.end(), first, first + sizes[i]);
    }
    return result;
  }
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
  reference::OptimizerState wanted = all.state();
  reference::adam_step(wanted, all.gradients(), kLearningRate, kDecay, true, kStep);
  const kernels::AdamConstants constants = {0.9f, 0.1f, 0.999f, 0.001f, 1e-8f};
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::adam_step(all.table[slot], all.count(), all.chunks, constants, nullptr, bench.stream());
      },
      [&] {
        Difference of_p, of_m, of_v, of_copy;
        const reference::OptimizerState got = all.state();
        of_p.add(all.elements_of(got.p), all.elements_of(wanted.p));
        of_m.add(all.elements_of(got.m), all.elements_of(wanted.m));
        of_v.add(all.elements_of(got.v), all.elements_of(wanted.v));
        if (half) of_copy.add(all.elements_of(all.copy.array({all.padded})), all.elements_of(wanted.p));
        return worst({of_p, of_m, of_v, of_copy});
      });
}

void sgd(Bench& bench, const std::string& network, const std::vector<std::int64_t>& sizes) {
  const double bytes = 20 * total(sizes);
  if (!bench.begin("sgd_step", network, "float32", bytes)) return;
  const Parameters all(bench, sizes, false);
  reference::OptimizerState wanted = all.state();
  reference::sgd_step(wanted, all.gradients(), kRate, 0, 0.9, false, false);
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::sgd_step(all.table[slot], all.count(), all.chunks, {0.9f, false, false}, nullptr,
                          bench.stream());
      },
      [&] {
        Difference of_p, of_buffer;
        const reference::OptimizerState got = all.state();
        of_p.add(all.elements_of(got.p), all.elements_of(wanted.p));
        of_buffer.add(all.elements_of(got.m), all.elements_of(wanted.m));
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
        const double wanted = reference::norm({all.elements_of(all.gradients())});
        Difference of_norm, of_scale;
        of_norm.add(norm.doubles()[0], wanted);
        of_scale.add(scale.doubles()[0], reference::clip_scale(wanted, 1));
        return worst({of_norm, of_scale});
      });
}

void bench_optimizer_step(Bench& bench) {
  struct Network {
    std::string name;
    std::vector<std::int64_t> sizes;
  };
  for (const auto& [network, sizes] :
       bench.shapes<Network>({{"resnet18", resnet_sizes(false)}, {"resnet50", resnet_sizes(true)}},
                             {{"two parameters", {3 * 3 * 64 * 64, 64}}})) {
    bench.measure_rows(adam, network, sizes, false);
    bench.measure_rows(adam, network, sizes, true);
    bench.measure_rows(sgd, network, sizes);
    bench.measure_rows(clip, network, sizes);
  }
}
const Registration registration("optimizer_step", bench_optimizer_step);

}  // namespace
}  // namespace tern::bench

// What the blocks of a launch hand over to each other (partial sums, counts, who came last) never shows in results: equal runs
// leave equal bits. 2,000 runs on a GPU, whose blocks come in another order each time; a few on the emulator, in orders that
// are drawn.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/batch_norm.h"
#include "kernels/cross_entropy.h"
#include "kernels/optimizer_step.h"
#include "tests/support/batch_norm_case.h"
#include "tests/support/classes.h"
#include "tests/support/kernel_memory.h"
#include "tests/support/kernel_values.h"
#include "tests/support/optimizer_model.h"

using namespace tern;
using namespace tern::test;

namespace {

using Bytes = std::vector<std::byte>;
using Results = std::vector<Bytes>;

template <typename T>
Bytes bytes_of(const DeviceArray<T>& array) {
  Bytes bytes(array.size() * sizeof(T));
  copy(bytes.data(), array.data(), bytes.size());
  return bytes;
}

/// Every bit of a fresh array is 1.
bool are_written(const Results& results) {
  return std::none_of(results.begin(), results.end(), [](const Bytes& bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0xFF}; });
  });
}

/// run: does the work and returns what it left.
template <typename Run>
void check_equal_runs(Run&& run) {
  const int runs = is_emulated() ? 4 : 2000;
  const Results first = run();
  CHECK(are_written(first));
  int others = 0;
  for (int i = 1; i < runs; ++i) {
    draw_order(static_cast<std::uint64_t>(i));
    if (run() != first) ++others;
  }
  draw_order(0);
  CHECK_MESSAGE(others == 0, others, " of ", runs, " runs left other bits than the first");
}

/// Forward, then backward on its statistics, by one workspace.
template <typename T>
void check_batch_norm(const BatchNormSize& size) {
  CAPTURE(size.rows);
  CAPTURE(size.channels);
  const BatchNormProblem<T> problem(size, 0, /*with_relu=*/true, /*add=*/true);
  BatchNormArrays<T> a(problem);
  const DeviceArray<T> dy(uniform<T>(size.count(), -1, 1, 7));
  DeviceArray<T> dx(size.count());
  DeviceArray<float> dgamma(size.width()), dbeta(size.width());
  const bool is_small =
      size.count() <= 1 << 16;  // else its statistics stand for y and dx, which depend on them alone
  check_equal_runs([&]() -> Results {
    a.train(problem, a.y.data());
    kernels::batch_norm_backward(a.x.data(), a.y.data(), dy.data(), a.gamma.data(),
                                 static_cast<const float*>(nullptr), a.mean.data(), a.inverse_std.data(),
                                 /*batch_statistics=*/true, dx.data(), dgamma.data(), dbeta.data(),
                                 static_cast<T*>(nullptr), a.workspace.data(), size.rows, size.channels,
                                 nullptr);
    Results results{bytes_of(a.mean), bytes_of(a.inverse_std), bytes_of(dgamma), bytes_of(dbeta)};
    if (is_small) results.insert(results.end(), {bytes_of(a.y), bytes_of(dx)});
    return results;
  });
}

template <typename T>
void check_cross_entropy(const RowShape& shape) {
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  constexpr std::int32_t kIgnored = -1;
  std::vector<std::int32_t> targets = classes(shape.rows, static_cast<std::int32_t>(shape.cols), 3);
  for (std::size_t row = 0; row < targets.size(); row += 3) targets[row] = kIgnored;
  const DeviceArray<T> logits(uniform<T>(shape.count(), -6, 6, 1));
  const DeviceArray<std::int32_t> target_array(targets);
  DeviceArray<T> dlogits(shape.count());
  DeviceArray<float> loss(1);
  DeviceArray<unsigned char> workspace(
      std::vector<unsigned char>(kernels::cross_entropy_workspace_bytes(shape.rows)));
  check_equal_runs([&]() -> Results {
    kernels::cross_entropy(logits.data(), target_array.data(), 0.1f, kIgnored, loss.data(), dlogits.data(),
                           workspace.data(), shape.rows, shape.cols, nullptr);
    return {bytes_of(loss), bytes_of(dlogits)};
  });
}

}  // namespace

TEST_CASE_TEMPLATE("equal runs: batch norm, forward and backward", T, float, bfloat16) {
  if (!device_is_there()) return;
  // Several slices of rows and several tiles of channels; on a GPU a ResNet-50's: the study's first and last stage, and
  // ImageNet's first, with more slices than a device has multiprocessors.
  const std::vector<BatchNormSize> sizes =
      is_emulated() ? std::vector<BatchNormSize>{{700, 72}, {4097, 8}}
                    : std::vector<BatchNormSize>{{700, 72}, {16384, 256}, {1024, 2048}, {200704, 64}};
  for (const BatchNormSize& size : sizes) check_batch_norm<T>(size);
}

TEST_CASE_TEMPLATE("equal runs: cross-entropy with ignored rows", T, float, bfloat16) {
  if (!device_is_there()) return;
  // Above 1,024 rows, blocks count the ignored ones together.
  const std::vector<RowShape> shapes =
      is_emulated() ? std::vector<RowShape>{{64, 88}, {2050, 3}}
                    : std::vector<RowShape>{{64, 88}, {2050, 31}, {16384, 4}, {1025, 63}};
  for (const RowShape& shape : shapes) check_cross_entropy<T>(shape);
}

TEST_CASE("equal runs: clipping to a norm") {
  if (!device_is_there()) return;
  // Many small parameters and some of many chunks; on a GPU as many elements as a ResNet-18 has.
  std::vector<std::size_t> sizes(300, 2);
  for (const std::size_t size : {std::size_t{4097}, std::size_t{20000}}) sizes.push_back(size);
  if (!is_emulated()) sizes.insert(sizes.end(), 5, std::size_t{2359296});
  Model model(sizes);
  model.draw_gradients(5);
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  DeviceArray<float> norm(1), scale(1);
  DeviceArray<unsigned char> workspace = clip_workspace(model.chunks);
  check_equal_runs([&]() -> Results {
    kernels::clip_scale(slots.data(), model.count(), model.chunks, 1, norm.data(), scale.data(),
                        workspace.data(), nullptr);
    return {bytes_of(norm), bytes_of(scale)};
  });
}

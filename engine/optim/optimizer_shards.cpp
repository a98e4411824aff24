#include "engine/optim/optimizer_shards.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>

namespace tern {
namespace {

std::span<std::byte> bytes_of(Tensor tensor) {
  return {static_cast<std::byte*>(tensor.raw()), tensor.bytes()};
}

}  // namespace

std::vector<int> keepers_of(const std::vector<std::int64_t>& sizes, int ranks) {
  const std::int64_t all = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  std::vector<int> keepers;
  std::int64_t before = 0;
  for (const std::int64_t size : sizes) {
    // Where its middle lies among the elements of all.
    const double place = (static_cast<double>(before) + static_cast<double>(size) / 2) /
                         static_cast<double>(std::max<std::int64_t>(all, 1));
    keepers.push_back(std::min(static_cast<int>(place * ranks), ranks - 1));
    before += size;
  }
  return keepers;
}

OptimizerShards::OptimizerShards(Communicator& ranks, Optimizer& optimizer)
    : ranks_(ranks), optimizer_(optimizer), parameters_(optimizer.parameters()) {
  std::vector<std::int64_t> sizes;
  for (const Variable& parameter : parameters_) sizes.push_back(parameter.data().numel());
  keepers_ = keepers_of(sizes, ranks.size());
  std::vector<std::uint8_t> kept;
  for (const int keeper : keepers_) kept.push_back(keeper == ranks.rank());
  optimizer.keep_only(kept);
}

void OptimizerShards::share_parameters() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Variable& parameter = parameters_[i];
    ranks_.broadcast_from(keepers_[i], bytes_of(parameter.data()));
    const bool is_new = keepers_[i] != ranks_.rank();
    if (is_new && parameter.bf16_copy().defined()) parameter.refresh_bf16_copy();
  }
}

std::vector<OptimizerTensor> OptimizerShards::gather_state() {
  std::vector<OptimizerTensor> state = optimizer_.state();
  for (std::size_t i = 0; i < state.size(); ++i) {
    const std::size_t parameter = i / static_cast<std::size_t>(optimizer_.moments_per_parameter());
    Tensor& value = state[i].value;
    if (!value.defined()) value = Tensor::empty_like(parameters_[parameter].data());
    ranks_.broadcast_from(keepers_[parameter], bytes_of(value));
    if (!ranks_.is_root()) value = {};  // one after the other: no rank but the root has room for all
  }
  if (!ranks_.is_root()) state.clear();
  return state;
}

}  // namespace tern

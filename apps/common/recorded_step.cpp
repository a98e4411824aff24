#include "apps/common/recorded_step.h"

#include <cstdio>
#include <utility>

#include "engine/core/check.h"

namespace tern {
namespace {

Tensor copy_of(const Tensor& tensor) {
  return tensor.defined() ? tensor.clone() : Tensor();
}

void assign(Tensor& to, const Tensor& from) {
  if (from.defined()) to.assign(from);
}

}  // namespace

RecordedStep::RecordedStep(std::string name, Device device, std::int64_t batch_size, Work work,
                           std::vector<Variable> leaves, bool may_record)
    : name_(std::move(name)),
      device_(device),
      batch_size_(batch_size),
      work_(std::move(work)),
      leaves_(std::move(leaves)),
      may_record_(may_record) {}

void RecordedStep::record(const Batch& batch) {
  try {
    input_.images = copy_of(batch.images);
    for (const Level level : kLevels) input_.targets[level] = copy_of(batch.targets[level]);
    input_.indices = batch.indices;  // for size(); the work does not look at them
    input_.share = batch.share;
    recorded_ = backend_of(device_).capture([this] { outputs_ = work_(input_); });
  } catch (const Error& error) {  // what cannot be recorded, for want of memory say, can still be done
    std::fprintf(stderr, "tern: the %s could not be recorded and runs call by call, somewhat slower (%s)\n",
                 name_.c_str(), error.what());
  }
  if (recorded_ != nullptr) {
    for (const Variable& leaf : leaves_) gradients_.push_back(leaf.grad());
    return;
  }
  outputs_ = {};  // which gives back the memory of the attempt
  input_ = {};
  may_record_ = false;
}

StepOutputs RecordedStep::operator()(const Batch& batch) {
  const bool full = batch.size() == batch_size_;
  if (full && may_record_ && is_warm_ && recorded_ == nullptr) record(batch);
  if (!full || recorded_ == nullptr) {
    is_warm_ = is_warm_ || full;
    return work_(batch);
  }
  assign(input_.images, batch.images);
  for (const Level level : kLevels) assign(input_.targets[level], batch.targets[level]);
  recorded_->run();
  // A batch that was worked on as usual gave the leaves gradients elsewhere.
  for (std::size_t i = 0; i < leaves_.size(); ++i) leaves_[i].set_grad(gradients_[i]);
  return outputs_;
}

}  // namespace tern

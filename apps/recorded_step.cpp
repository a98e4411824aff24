#include "apps/recorded_step.h"

#include <utility>

namespace tern {
namespace {

Tensor copy_of(const Tensor& tensor) {
  return tensor.defined() ? tensor.clone() : Tensor();
}

void assign(Tensor& to, const Tensor& from) {
  if (from.defined()) to.assign(from);
}

}  // namespace

RecordedStep::RecordedStep(Device device, std::int64_t batch_size, Work work, bool may_record)
    : device_(device), batch_size_(batch_size), work_(std::move(work)), may_record_(may_record) {}

void RecordedStep::reset() {
  recorded_ = nullptr;
  outputs_.clear();
  input_ = {};
  is_warm_ = false;
}

void RecordedStep::record(const Batch& batch) {
  input_.images = copy_of(batch.images);
  input_.superclasses = copy_of(batch.superclasses);
  input_.subclasses = copy_of(batch.subclasses);
  input_.indices = batch.indices;  // for size(); the work does not look at them
  recorded_ = backend_of(device_).capture([this] { outputs_ = work_(input_); });
  if (recorded_ == nullptr) may_record_ = false;
}

std::vector<Tensor> RecordedStep::operator()(const Batch& batch) {
  const bool full = batch.size() == batch_size_;
  if (full && may_record_ && is_warm_ && recorded_ == nullptr) record(batch);
  if (!full || recorded_ == nullptr) {
    is_warm_ = is_warm_ || full;
    return work_(batch);
  }
  assign(input_.images, batch.images);
  assign(input_.superclasses, batch.superclasses);
  assign(input_.subclasses, batch.subclasses);
  recorded_->run();
  return outputs_;
}

}  // namespace tern

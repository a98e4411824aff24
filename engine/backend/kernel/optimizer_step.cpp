// Optimiser steps: a table of slots on the device, and one kernel (kernels/optimizer_step.h) for all of them.
// A ResNet-50's table is 14 KB, so it is sent whole at each step: where gradients lie and how fast to go may
// both have changed.
#include "kernels/optimizer_step.h"

#include <cmath>
#include <utility>

#include "engine/backend/kernel/kernel_backend.h"
#include "engine/backend/kernel/with_type.h"

namespace tern {
namespace {

kernels::OptimizerSlotView view_of(OptimizerSlot& slot) {
  kernels::OptimizerSlotView view{};
  view.parameter = slot.parameter.data<float>();
  view.half_gradient = slot.gradient.dtype() == DType::bf16;
  with_type(slot.gradient, [&]<typename T>() { view.gradient = std::as_const(slot.gradient).data<T>(); });
  if (slot.first_moment.defined()) view.first_moment = slot.first_moment.data<float>();
  if (slot.second_moment.defined()) view.second_moment = slot.second_moment.data<float>();
  view.elements = slot.parameter.numel();
  view.rate = slot.learning_rate;
  view.inverse_root = 1;
  view.kept = 1;
  return view;
}

const float* scale_of(const Tensor* gradient_scale) {
  return data_or_null<float>(gradient_scale);
}

}  // namespace

KernelBackend::SlotTable KernelBackend::upload_slots() {
  std::int64_t chunks = 0;
  for (kernels::OptimizerSlotView& view : views_) {
    view.first_chunk = chunks;
    chunks += (view.elements + kernels::kOptimizerChunk - 1) / kernels::kOptimizerChunk;
  }
  const void* const slots = upload(slot_table_, std::as_bytes(std::span(views_)));
  return {static_cast<const kernels::OptimizerSlotView*>(slots), static_cast<int>(views_.size()), chunks};
}

void KernelBackend::adam_step(std::span<OptimizerSlot> slots, const AdamSettings& settings,
                              const Tensor* gradient_scale) {
  const double step = static_cast<double>(settings.step);
  const double first_correction = 1 - std::pow(settings.beta1, step);
  const double second_correction = 1 - std::pow(settings.beta2, step);
  views_.clear();
  for (OptimizerSlot& slot : slots) {
    kernels::OptimizerSlotView& view = views_.emplace_back(view_of(slot));
    view.rate = static_cast<float>(static_cast<double>(slot.learning_rate) / first_correction);
    view.inverse_root = static_cast<float>(1 / std::sqrt(second_correction));
    if (settings.decoupled_decay) {
      view.kept = 1 - slot.learning_rate * slot.weight_decay;
    } else {
      view.coupled_decay = slot.weight_decay;
    }
  }
  const kernels::AdamConstants constants{
      static_cast<float>(settings.beta1), static_cast<float>(1 - settings.beta1),
      static_cast<float>(settings.beta2), static_cast<float>(1 - settings.beta2), settings.epsilon};
  const SlotTable table = upload_slots();
  kernels::adam_step(table.slots, table.count, table.chunks, constants, scale_of(gradient_scale), stream());
}

void KernelBackend::sgd_step(std::span<OptimizerSlot> slots, const SgdSettings& settings,
                             const Tensor* gradient_scale) {
  views_.clear();
  for (OptimizerSlot& slot : slots) views_.emplace_back(view_of(slot)).coupled_decay = slot.weight_decay;
  const kernels::SgdConstants constants{settings.momentum, settings.nesterov, settings.first_step};
  const SlotTable table = upload_slots();
  kernels::sgd_step(table.slots, table.count, table.chunks, constants, scale_of(gradient_scale), stream());
}

void KernelBackend::clip_scale(std::span<OptimizerSlot> slots, float most, Tensor& norm, Tensor& scale) {
  views_.clear();
  for (OptimizerSlot& slot : slots) views_.push_back(view_of(slot));
  const SlotTable table = upload_slots();
  void* const memory =
      workspace("clip_scale", table.chunks, table.count, kernels::clip_workspace_bytes(table.chunks));
  kernels::clip_scale(table.slots, table.count, table.chunks, most, norm.data<float>(), scale.data<float>(),
                      memory, stream());
}

}  // namespace tern

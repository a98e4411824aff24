// On a device: a table of slots there, and one kernel for all of them. A ResNet-50's table is 14 KB, so it is
// sent whole at each step: where gradients lie and how fast to go may both have changed.
#include "engine/ops/optimizer_step.h"

#include <cmath>
#include <utility>
#include <vector>

#include "engine/backend/dispatch.h"
#include "engine/ops/cpu/optimizer_step.h"
#include "kernels/optimizer_step.h"

namespace tern {
namespace {

kernels::OptimizerSlotView view_of(OptimizerSlot& slot) {
  kernels::OptimizerSlotView view{};
  view.parameter = slot.parameter.data<float>();
  view.half_gradient = slot.gradient.dtype() == DType::bf16;
  with_type(slot.gradient, [&]<typename T>() { view.gradient = std::as_const(slot.gradient).data<T>(); });
  if (slot.first_moment.defined()) view.first_moment = slot.first_moment.data<float>();
  if (slot.second_moment.defined()) view.second_moment = slot.second_moment.data<float>();
  if (slot.bf16_copy.defined()) view.bf16_copy = slot.bf16_copy.data<bfloat16>();
  view.elements = slot.parameter.numel();
  view.rate = slot.learning_rate;
  view.inverse_root = 1;
  view.kept = 1;
  return view;
}

std::vector<kernels::OptimizerSlotView> adam_views(std::span<OptimizerSlot> slots,
                                                   const AdamSettings& settings) {
  const double step = static_cast<double>(settings.step);
  const double first_correction = 1 - std::pow(settings.beta1, step);
  const double second_correction = 1 - std::pow(settings.beta2, step);
  std::vector<kernels::OptimizerSlotView> views;
  views.reserve(slots.size());
  for (OptimizerSlot& slot : slots) {
    kernels::OptimizerSlotView& view = views.emplace_back(view_of(slot));
    view.rate = static_cast<float>(static_cast<double>(slot.learning_rate) / first_correction);
    view.inverse_root = static_cast<float>(1 / std::sqrt(second_correction));
    if (settings.decoupled_decay) {
      view.kept = 1 - slot.learning_rate * slot.weight_decay;
    } else {
      view.coupled_decay = slot.weight_decay;
    }
  }
  return views;
}

// The slots as the kernels read them, on the device.
struct SlotTable {
  const kernels::OptimizerSlotView* slots;
  int count;
  std::int64_t chunks;
};

template <typename Device>  // a template like its callers (engine/backend/dispatch.h)
SlotTable upload_slots(Device& device, std::vector<kernels::OptimizerSlotView> views) {
  std::int64_t chunks = 0;
  for (kernels::OptimizerSlotView& view : views) {
    view.first_chunk = chunks;
    chunks += (view.elements + kernels::kOptimizerChunk - 1) / kernels::kOptimizerChunk;
  }
  const void* const slots = device.upload("optimizer_step", std::as_bytes(std::span(views)));
  return {static_cast<const kernels::OptimizerSlotView*>(slots), static_cast<int>(views.size()), chunks};
}

}  // namespace

void adam_step(std::span<OptimizerSlot> slots, const AdamSettings& settings, const Tensor* gradient_scale) {
  if (slots.empty()) return;
  dispatch(
      slots[0].parameter, [&] { cpu::adam_step(slots, settings, gradient_scale); },
      [&](auto& device) {
        const kernels::AdamConstants constants{
            static_cast<float>(settings.beta1), static_cast<float>(1 - settings.beta1),
            static_cast<float>(settings.beta2), static_cast<float>(1 - settings.beta2), settings.epsilon};
        const SlotTable table = upload_slots(device, adam_views(slots, settings));
        kernels::adam_step(table.slots, table.count, table.chunks, constants,
                           data_or_null<float>(gradient_scale), device.stream());
      });
}

void sgd_step(std::span<OptimizerSlot> slots, const SgdSettings& settings, const Tensor* gradient_scale) {
  if (slots.empty()) return;
  dispatch(
      slots[0].parameter, [&] { cpu::sgd_step(slots, settings, gradient_scale); },
      [&](auto& device) {
        std::vector<kernels::OptimizerSlotView> views;
        for (OptimizerSlot& slot : slots) views.emplace_back(view_of(slot)).coupled_decay = slot.weight_decay;
        const kernels::SgdConstants constants{settings.momentum, settings.nesterov, settings.first_step};
        const SlotTable table = upload_slots(device, std::move(views));
        kernels::sgd_step(table.slots, table.count, table.chunks, constants,
                          data_or_null<float>(gradient_scale), device.stream());
      });
}

void clip_scale(std::span<OptimizerSlot> slots, float max_norm, Tensor& norm, Tensor& scale) {
  dispatch(
      norm, [&] { cpu::clip_scale(slots, max_norm, norm, scale); },
      [&](auto& device) {
        std::vector<kernels::OptimizerSlotView> views;
        for (OptimizerSlot& slot : slots) views.push_back(view_of(slot));
        const SlotTable table = upload_slots(device, std::move(views));
        void* const memory = device.workspace("clip_scale", table.chunks, table.count,
                                              kernels::clip_workspace_bytes(table.chunks));
        kernels::clip_scale(table.slots, table.count, table.chunks, max_norm, norm.data<float>(),
                            scale.data<float>(), memory, device.stream());
      });
}

}  // namespace tern

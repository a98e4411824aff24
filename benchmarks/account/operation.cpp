#include "benchmarks/account/operation.h"

#include <array>
#include <utility>

#include "kernels/common/emulator/profile/source_lines.h"

namespace tern::account {

const char* name_of(Family family) {
  switch (family) {
    case Family::convolution_forward:
      return "convolution forward";
    case Family::convolution_dgrad:
      return "convolution dgrad";
    case Family::convolution_wgrad:
      return "convolution wgrad";
    case Family::batch_norm_forward:
      return "batch norm forward";
    case Family::batch_norm_backward:
      return "batch norm backward";
    case Family::add:
      return "adds";
    case Family::relu:
      return "ReLU";
    case Family::pool:
      return "pool";
    case Family::head:
      return "head";
    case Family::loss:
      return "loss";
    case Family::optimizer:
      return "optimiser";
    case Family::copy:
      return "copies and casts";
    case Family::other:
      return "other";
  }
  return "unknown";
}

const char* name_of(OperationKind kind) {
  switch (kind) {
    case OperationKind::kernel:
      return "kernel";
    case OperationKind::library:
      return "library";
    case OperationKind::copy:
      return "copy";
  }
  return "unknown";
}

// The first part of a name that fits says it: kernels of one name are told apart by what they take.
Family family_of(const emulator::KernelId& kernel) {
  static constexpr std::array<std::pair<const char*, Family>, 25> kParts{{
      {"Matrix<", Family::head},  // of cosine_head.cu
      {"::statistics_kernel<", Family::batch_norm_forward},
      {"::normalize_kernel<", Family::batch_norm_forward},
      {"::normalize_by_batch_kernel<", Family::batch_norm_forward},
      {"::gradients_kernel<", Family::batch_norm_backward},
      {"::gradient_sums_kernel<", Family::batch_norm_backward},
      {"::input_gradient_kernel<", Family::batch_norm_backward},
      {"::fold_batch_norm_kernel<", Family::batch_norm_forward},
      {"pool", Family::pool},
      {"::add_bias_kernel<", Family::head},
      {"::sum_rows_kernel<", Family::head},
      {"l2_normalize", Family::head},
      {"ScaledSquares", Family::head},
      {"CrossEntropy", Family::loss},
      {"hierarchical_kl", Family::loss},
      {"::Softmax", Family::loss},
      {"::Mul", Family::loss},   // a gradient times that of the loss
      {"::Fill", Family::loss},  // with 1, where backward() begins
      {"::step_kernel<", Family::optimizer},
      {"::clip_kernel", Family::optimizer},
      {"::Relu", Family::relu},
      {"::Add", Family::add},
      {"::Identity", Family::copy},
      {"::transpose_kernel<", Family::copy},
      {"::augment_kernel<", Family::copy},
  }};
  const std::string name = emulator::function_name(kernel.function);
  for (const auto& [part, family] : kParts) {
    if (name.find(part) != std::string::npos) return family;
  }
  return Family::other;
}

}  // namespace tern::account

// An account as text for people, and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "benchmarks/account/operation.h"
#include "benchmarks/step.h"
#include "kernels/common/emulator/profile/devices.h"

namespace tern::account {

struct Account {
  bench::StepOptions step;
  emulator::Device gpu;
  std::vector<Operation> operations;
};

/// A line for each family, and the sum. With `op_by_op` the operations of a name under their family, in the order in which
/// each first comes.
std::string text_of(const Account& account, bool op_by_op);

/// {"arch", ..., "gpu": {...}, "total": {...}, "families": [{...}], "operations": [{...}]}; every operation, in its order.
nlohmann::ordered_json json_of(const Account& account);

}  // namespace tern::account

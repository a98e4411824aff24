// Learning-rate schedules: pure functions from a step to a factor of the base rate.
#pragma once

#include <cstdint>
#include <string>

namespace tern {

/// After the warm-up, with t the steps since its end and T = total_steps - warmup_steps:
///   constant  1
///   step      step_factor ^ floor(t / step_every)
///   cosine    final_factor + (1 - final_factor) (1 + cos(pi min(t / T, 1))) / 2
/// In the warm-up, step s of W has (s + 1) / (W + 1), so that no step is lost and the first after it has 1.
struct Schedule {
  enum class Kind { constant, step, cosine };
  Kind kind = Kind::constant;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 1;  ///< of the whole training; for cosine
  std::int64_t step_every = 1;   ///< for step
  float step_factor = 0.1f;      ///< for step
  float final_factor = 0;        ///< for cosine
};

/// The factor for step 0, 1, 2, ... Throws Error if the schedule's numbers are out of range.
float schedule_factor(const Schedule& schedule, std::int64_t step);

/// "constant", "step" or "cosine"; throws Error naming the valid ones for any other.
Schedule::Kind parse_schedule_kind(const std::string& text);
const char* name_of(Schedule::Kind kind);

}  // namespace tern

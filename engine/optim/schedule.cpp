#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/core/check.h"

namespace tern {

float schedule_factor(const Schedule& schedule, std::int64_t step) {
  check(step >= 0, "schedule", "a step >= 0", "a negative one");
  check(schedule.warmup_steps >= 0, "schedule", "warmup_steps >= 0", "a negative number");
  if (step < schedule.warmup_steps) {
    return static_cast<float>(static_cast<double>(step + 1) / static_cast<double>(schedule.warmup_steps + 1));
  }
  const std::int64_t since = step - schedule.warmup_steps;
  switch (schedule.kind) {
    case Schedule::Kind::constant:
      return 1;
    case Schedule::Kind::step: {
      check(schedule.step_every >= 1, "schedule", "step_every >= 1", "less");
      check(schedule.step_factor >= 0, "schedule", "step_factor >= 0", "another number");
      const std::int64_t times = since / schedule.step_every;
      return static_cast<float>(std::pow(static_cast<double>(schedule.step_factor), times));
    }
    case Schedule::Kind::cosine: {
      check(schedule.total_steps > schedule.warmup_steps, "schedule", "total_steps > warmup_steps", "fewer");
      check(schedule.final_factor >= 0, "schedule", "final_factor >= 0", "another number");
      const double whole = static_cast<double>(schedule.total_steps - schedule.warmup_steps);
      const double part = std::min(static_cast<double>(since) / whole, 1.0);
      const double last = schedule.final_factor;
      return static_cast<float>(last + (1 - last) * (1 + std::cos(std::numbers::pi * part)) / 2);
    }
  }
  return 1;
}

Schedule::Kind parse_schedule_kind(const std::string& text) {
  if (text == "constant") return Schedule::Kind::constant;
  if (text == "step") return Schedule::Kind::step;
  if (text == "cosine") return Schedule::Kind::cosine;
  throw Error("schedule", "'constant', 'step' or 'cosine'", "'" + text + "'");
}

const char* name_of(Schedule::Kind kind) {
  switch (kind) {
    case Schedule::Kind::constant:
      return "constant";
    case Schedule::Kind::step:
      return "step";
    case Schedule::Kind::cosine:
      return "cosine";
  }
  return "unknown";
}

}  // namespace tern

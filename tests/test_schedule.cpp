#include "engine/optim/schedule.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"

using namespace tern;

TEST_CASE("schedule: constant") {
  for (const std::int64_t step : {0, 1, 1000}) CHECK(schedule_factor({}, step) == 1);
}

TEST_CASE("schedule: warm-up rises evenly and ends at the first step after it") {
  const Schedule schedule{.warmup_steps = 4, .total_steps = 100};
  const float wanted[] = {0.2f, 0.4f, 0.6f, 0.8f, 1.0f, 1.0f};
  for (int step = 0; step < 6; ++step) {
    CHECK(schedule_factor(schedule, step) == doctest::Approx(wanted[step]));
  }
}

TEST_CASE("schedule: step falls by its factor every so many steps, counted from the end of the warm-up") {
  const Schedule schedule{
      .kind = Schedule::Kind::step, .warmup_steps = 2, .step_every = 3, .step_factor = 0.5f};
  const float wanted[] = {1 / 3.0f, 2 / 3.0f, 1, 1, 1, 0.5f, 0.5f, 0.5f, 0.25f};
  for (int step = 0; step < 9; ++step) {
    CHECK(schedule_factor(schedule, step) == doctest::Approx(wanted[step]));
  }
}

TEST_CASE("schedule: cosine goes from 1 to the final factor and stays there") {
  Schedule schedule{.kind = Schedule::Kind::cosine, .warmup_steps = 10, .total_steps = 110};
  CHECK(schedule_factor(schedule, 10) == 1);
  CHECK(schedule_factor(schedule, 35) == doctest::Approx(0.853553391));
  CHECK(schedule_factor(schedule, 60) == doctest::Approx(0.5));
  CHECK(schedule_factor(schedule, 110) == doctest::Approx(0).scale(1));
  CHECK(schedule_factor(schedule, 5000) == doctest::Approx(0).scale(1));
  schedule.final_factor = 0.1f;
  CHECK(schedule_factor(schedule, 60) == doctest::Approx(0.55));
  CHECK(schedule_factor(schedule, 110) == doctest::Approx(0.1));
}

TEST_CASE("schedule: names, and numbers out of range") {
  for (const std::string name : {"constant", "step", "cosine"})
    CHECK(name_of(parse_schedule_kind(name)) == name);
  CHECK_THROWS_WITH_AS(parse_schedule_kind("linear"),
                       "schedule: wanted 'constant', 'step' or 'cosine', got 'linear'", Error);
  CHECK_THROWS_AS(schedule_factor({}, -1), Error);
  CHECK_THROWS_AS(schedule_factor({.warmup_steps = -1}, 0), Error);
  CHECK_THROWS_AS(schedule_factor({.kind = Schedule::Kind::step, .step_every = 0}, 0), Error);
  CHECK_THROWS_AS(schedule_factor({.kind = Schedule::Kind::cosine, .warmup_steps = 5, .total_steps = 5}, 5),
                  Error);
}

#include "tests/emulated_device/recording.h"

#include <utility>

#include "kernels/common/emulator/emulator.h"

namespace tern::test {
namespace {

Operations* kept = nullptr;  ///< where operations go while work is recorded
std::int64_t replayed = 0;

}  // namespace

void issue(std::function<void()> operation) {
  if (kept == nullptr) return operation();
  kept->push_back(std::move(operation));
}

bool is_recording() {
  return kept != nullptr;
}

std::int64_t replayed_count() {
  return replayed;
}

void replay(const Operations& operations) {
  for (const auto& operation : operations) {
    operation();
    ++replayed;
  }
}

Recording::Recording() {
  kept = &operations_;
  emulator::set_launch_recorder([](std::function<void()> launch) { issue(std::move(launch)); });
}

Recording::~Recording() {
  kept = nullptr;
  emulator::set_launch_recorder(nullptr);
}

}  // namespace tern::test

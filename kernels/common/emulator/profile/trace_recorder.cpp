#include "kernels/common/emulator/profile/trace_recorder.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tern::emulator {
namespace {

std::uint64_t bits_at(std::uintptr_t address, std::size_t bytes) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, reinterpret_cast<const void*>(address), std::min(bytes, sizeof(bits)));
  return bits;
}

TraceStep::Kind kind_of(Access access) {
  if (access == Access::atomic) return TraceStep::Kind::atomic;
  return access == Access::read ? TraceStep::Kind::read : TraceStep::Kind::write;
}

bool is_same(const uint3& a, const uint3& b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}

}  // namespace

void TraceRecorder::begin_launch(int launch, std::size_t warps) {
  is_launch_ = choice_.launch >= 0 && choice_.launch == launch;
  is_cut_ = writes_ = false;
  done_.clear();
  open_.clear();
  numbers_.clear();
  times_.clear();
  of_lane_ = {};
  timeline_.clear();
  stretch_.assign(warps, {});
}

bool TraceRecorder::wants_block() const {
  return is_launch_ && is_same(blockIdx, choice_.block);
}

bool TraceRecorder::wants(unsigned warp) const {
  return warp == choice_.warp && wants_block();
}

bool TraceRecorder::has_room() {
  if (done_.size() + open_.size() < choice_.most_steps) return true;
  is_cut_ = true;
  return false;
}

void TraceRecorder::note(unsigned lane, std::size_t instruction, const CodePlace& place, Space space,
                         Access access, std::uintptr_t address, std::size_t bytes) {
  finish_write();
  const std::uint32_t time = times_[instruction][lane]++;
  const auto found = numbers_.find({instruction, time});
  std::size_t number = open_.size();
  if (found != numbers_.end()) {
    number = found->second;
  } else {
    if (!has_room()) return;
    numbers_[{instruction, time}] = number;
    TraceStep& added = open_.emplace_back();
    added.kind = kind_of(access);
    added.place = place;
    added.space = space;
    added.bytes = bytes;
  }
  TraceStep& step = open_[number];
  step.lanes |= 1u << lane;
  step.addresses[lane] = address;
  of_lane_[lane].push_back(number);
  if (access == Access::write) {  // the compiler tells of a store before it is done
    write_ = {number, lane};
    writes_ = true;
  } else {
    step.values[lane] = bits_at(address, bytes);
  }
}

/// The store that was told of last has been done by now.
void TraceRecorder::finish_write() {
  if (!writes_) return;
  writes_ = false;
  TraceStep& step = open_[write_.step];
  step.values[write_.lane] = bits_at(step.addresses[write_.lane], step.bytes);
}

void TraceRecorder::note_meeting(unsigned lanes, bool is_whole_warp, TraceStep::Kind kind,
                                 const char* operation, const CodePlace& place) {
  finish_write();
  if (has_room()) {
    TraceStep& step = open_.emplace_back();
    step.kind = kind;
    step.place = place;
    step.operation = operation;
    step.lanes = lanes;
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((lanes >> lane & 1u) != 0) of_lane_[lane].push_back(open_.size() - 1);
    }
  }
  if (is_whole_warp) order_steps();
}

/// A step that all of its lanes have come to; where lanes took the same steps in different orders, the lowest lane's.
std::size_t TraceRecorder::next_in_order() const {
  const std::deque<std::size_t>* lowest = nullptr;
  for (const std::deque<std::size_t>& steps : of_lane_) {
    if (steps.empty()) continue;
    if (lowest == nullptr) lowest = &steps;
    bool is_ready = true;
    for (unsigned lane = 0; lane < 32; ++lane) {
      const bool takes_part = (open_[steps.front()].lanes >> lane & 1u) != 0;
      if (takes_part && of_lane_[lane].front() != steps.front()) is_ready = false;
    }
    if (is_ready) return steps.front();
  }
  return lowest->front();
}

void TraceRecorder::order_steps() {
  for (std::size_t left = open_.size(); left > 0; --left) {
    const std::size_t next = next_in_order();
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((open_[next].lanes >> lane & 1u) == 0) continue;
      std::deque<std::size_t>& steps = of_lane_[lane];
      steps.erase(std::find(steps.begin(), steps.end(), next));
    }
    done_.push_back(open_[next]);
  }
  open_.clear();
  numbers_.clear();
  times_.clear();
}

void TraceRecorder::note_work(unsigned warp, unsigned lanes, const Space* space) {
  WarpStretch& of_warp = stretch_[warp];
  of_warp.lanes |= lanes;
  if (space != nullptr) (*space == Space::shared ? of_warp.shared : of_warp.global) += std::popcount(lanes);
}

void TraceRecorder::end_stretch(const char* barrier, const CodePlace& place) {
  if (timeline_.size() < choice_.most_steps)
    timeline_.push_back({stretch_, barrier, place});
  else
    is_cut_ = true;
  stretch_.assign(stretch_.size(), {});
}

void TraceRecorder::end_block() {
  finish_write();
  order_steps();
  end_stretch("", {});
}

void TraceRecorder::end_launch(LaunchProfile& launch) {
  launch.trace = std::move(done_);
  launch.timeline = std::move(timeline_);
  launch.trace_is_cut = is_cut_;
  done_.clear();
  timeline_.clear();
}

}  // namespace tern::emulator

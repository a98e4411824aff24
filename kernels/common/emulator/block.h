// The block that runs: its threads, each on a stack of its own, who waits for what, and its shared memory. For the emulator alone.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/kernel_fault.h"
#include "kernels/common/emulator/launch_order.h"
#include "kernels/common/emulator/shared_memory.h"
#include "kernels/common/emulator/stack.h"

// threadIdx, blockIdx, blockDim and gridDim (emulator.h).
extern "C" {
extern uint3 tern_thread_index, tern_block_index, tern_block_extents, tern_grid_extents;
extern unsigned tern_lane_of_thread;
}

namespace tern::emulator {

/// A thread of the block. Its stack outlives blocks and launches: it runs one kernel call after another.
struct Thread {
  enum class State { at_block, at_warp, done };
  Stack stack;
  uint3 index{};               ///< threadIdx
  bool inside = false;         ///< in the middle of the kernel
  bool lost = false;           ///< failed in the middle of it, where nothing may be thrown
  State state = State::done;   ///< what it waits for, if it is not ready
  unsigned mask = 0;           ///< of the lanes it waits for
  const char* operation = "";  ///< what it waits at
  std::source_location where;
};

/// Lanes that meet under one mask. `seen` holds what they brought to the last meeting.
struct Meeting {
  unsigned mask = 0, arrived = 0;
  const char* operation = "";
  std::array<std::uint64_t, 32> brought{}, seen{};
};

/// What lanes wait for when they meet.
enum class WaitsFor {
  lanes,    ///< one another: what they have loaded may still be on its way
  values,   ///< what they bring, too, which has come from memory by then
  accesses  ///< theirs to memory before, too (__syncwarp)
};

struct Warp {
  Meeting whole{.mask = ~0u};
  std::deque<Meeting> parts;    ///< under other masks
  unsigned lanes = 0;           ///< that the block has
  unsigned ready = 0;           ///< of them those that need not wait
  std::uint32_t sync_time = 0;  ///< of the last __syncwarp
};

class Block {
 public:
  /// Only after make().
  static Block& current() { return *current_; }
  static Block& make();

  void begin_launch(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel,
                    TurnOrder& turns);
  void run(uint3 index);
  /// After an error: the threads that are in the middle of the kernel leave it.
  void abandon();

  using Brought = std::array<std::uint64_t, 32>;
  /// What the lanes of the mask brought.
  const Brought& meet_warp(const char* operation, unsigned mask, std::uint64_t brought,
                           std::source_location where, WaitsFor waits = WaitsFor::values);
  /// Whether the running thread is the last of its whole warp's lanes to meet, and goes on when it does.
  bool is_last_of_warp() const {
    const Warp& warp = warps_[thread_ / 32];
    return (warp.whole.arrived | 1u << thread_ % 32) == warp.lanes;
  }
  /// That the running thread's warp has.
  unsigned warp_lanes() const { return warps_[thread_ / 32].lanes; }
  int meet_block(const char* operation, bool brought, std::source_location where);

  unsigned thread() const { return thread_; }
  std::uint32_t number() const { return number_; }  ///< of the block in the grid, x fastest
  /// Of the launch: touch.h.
  std::uint32_t time() const { return time_; }
  std::uint32_t begin_time() const { return begin_time_; }
  std::uint32_t barrier_time() const { return barrier_time_; }
  std::uint32_t sync_time(unsigned warp) const { return warps_[warp].sync_time; }
  std::uint32_t tick() { return ++time_; }
  /// The running thread's, now.
  Touch touch(Strength strength) const {
    return {number_, time_, 0, static_cast<std::int16_t>(thread_), static_cast<std::int8_t>(thread_ / 32),
            strength};
  }
  /// Whether a barrier or __syncwarp lies between a touch by this block, or by one before it, and the running thread's; or
  /// both are one thread's, or the first is nobody's.
  bool orders(const Touch& before, const Touch& now) const {
    return before.time < barrier_time_ || before.thread == now.thread || before.thread == Touch::kNobody ||
           (before.warp == now.warp && before.time < warps_[static_cast<unsigned>(now.warp)].sync_time);
  }
  /// From now on each turn is chosen by the long way, on which a launch that takes too long ends. For signals, too.
  void leave_order() { in_order_ = false; }
  /// Switches of threads so far.
  std::uint64_t turn() const { return turn_; }
  SharedMemory& shared() { return shared_; }
  const std::function<void()>& kernel() const { return *kernel_; }
  /// The running thread has done what must not be done: the launch ends with that fault. For callers that must not throw; the
  /// thread never goes on.
  [[noreturn]] void fail(const KernelFault& fault);
  [[noreturn]] void fail(const std::string& fault, const std::string& line) {
    fail(KernelFault(place(), fault, line));
  }

  /// Whether the address is on the stack of one of the launch's threads.
  bool is_stack(std::uintptr_t address) const;
  bool runs_thread() const { return running_ != kScheduler; }

  /// "block (1, 0, 0), thread (5, 0, 0)"
  std::string place(unsigned thread) const;
  std::string place() const { return place(thread_); }
  /// Of whoever touched something in this launch: the same, or "several threads of block (1, 0, 0)".
  std::string place_of(const Touch& touch) const;

 private:
  static constexpr unsigned kScheduler = ~0u;  ///< in place of a thread: what runs the block

  Block();
  [[noreturn]] static void run_threads();
  [[noreturn]] static void leave_kernel();
  Stack& stack_of(unsigned thread) { return thread == kScheduler ? scheduler_ : threads_[thread].stack; }
  /// Gives the processor to another thread, or to what runs the block, until somebody gives it back.
  void switch_to(unsigned thread);
  /// The next thread in turn that need not wait, or kScheduler.
  unsigned next_ready() const;
  /// The same, after the running thread. Does not return if the launch has taken too long.
  unsigned next_in_turn();
  void wait(Thread::State state, const char* operation, std::source_location where);
  Meeting& part(Warp& warp, unsigned mask);
  void check_meeting(const Meeting& meeting, const char* operation, std::source_location where) const;
  void make_ready();
  bool release_block();
  [[noreturn]] void fail_stuck() const;

  [[gnu::noinline]] void note_meeting(const Meeting& meeting, std::source_location where, WaitsFor waits);
  static inline Block* current_ = nullptr;

  std::unique_ptr<Thread[]> threads_;  ///< as many as a block may have
  std::vector<Warp> warps_;
  const std::function<void()>* kernel_ = nullptr;
  TurnOrder* turns_ = nullptr;
  SharedMemory shared_;
  std::exception_ptr error_;
  Stack scheduler_;          ///< of what runs the block
  std::vector<Stack> lost_;  ///< of threads that failed where nothing may be thrown: never unwound
  bool abandoned_ = false;
  volatile bool in_order_ = false;  ///< turns are neither drawn nor at an end; a signal may say so

  unsigned started_ = 0;  ///< threads that have a stack
  unsigned count_ = 0;    ///< threads in this launch
  unsigned thread_ = 0;   ///< the one that runs
  unsigned running_ = kScheduler,
           left_ = kScheduler;  ///< what runs and what ran before: a thread or the scheduler
  volatile std::uint64_t turn_ = 0;

  unsigned done_ = 0, at_block_ = 0;
  int votes_ = 0, last_votes_ = 0;
  std::uint32_t number_ = 0;
  std::uint32_t time_ = 0, begin_time_ = 0, barrier_time_ = 0;
};

// Every shuffle of every thread goes through these.

inline void Block::switch_to(unsigned next) {
  left_ = running_;
  running_ = next;
  turn_ = turn_ + 1;
  if (next == kScheduler) {
    own_stack = {};
  } else {
    Thread& thread = threads_[next];
    thread_ = next;
    tern_thread_index = thread.index;
    tern_lane_of_thread = next % 32;
    own_stack = {reinterpret_cast<std::uintptr_t>(thread.stack.bottom()), thread.stack.bytes()};
  }
  void* fake = nullptr;
  switch_stack(stack_of(left_), stack_of(next), &fake);
  note_arrival(&stack_of(left_), fake);
}

inline void Block::wait(Thread::State state, const char* operation, std::source_location where) {
  Thread& thread = threads_[thread_];
  thread.state = state;
  thread.operation = operation;
  thread.where = where;
  const unsigned lane = thread_ % 32;
  unsigned& ready = warps_[thread_ / 32].ready;
  ready &= ~(1u << lane);
  const unsigned after = ready & ~1u << lane;
  switch_to(in_order_ && after != 0 ? thread_ - lane + static_cast<unsigned>(std::countr_zero(after))
                                    : next_in_turn());
  if (abandoned_ && thread.inside) leave_kernel();
}

inline const Block::Brought& Block::meet_warp(const char* operation, unsigned mask, std::uint64_t brought,
                                              std::source_location where, WaitsFor waits) {
  const unsigned lane = thread_ % 32;
  Warp& warp = warps_[thread_ / 32];
  Meeting& meeting = mask == ~0u ? warp.whole : part(warp, mask);
  if ((mask >> lane & 1u) == 0 || (meeting.arrived != 0 && meeting.operation != operation))
    check_meeting(meeting, operation, where);
  meeting.operation = operation;
  meeting.brought[lane] = brought;
  meeting.arrived |= 1u << lane;
  if (meeting.arrived == (mask & warp.lanes)) {  // the last to come wakes the others, and goes on
    meeting.arrived = 0;
    meeting.seen = meeting.brought;
    warp.ready |= mask & warp.lanes;
    if (waits == WaitsFor::accesses) warp.sync_time = ++time_;
    note_meeting(meeting, where, waits);
  } else {
    threads_[thread_].mask = mask;
    wait(Thread::State::at_warp, operation, where);
  }
  return meeting.seen;
}

}  // namespace tern::emulator

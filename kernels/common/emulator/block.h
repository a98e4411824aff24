// The block that runs: its threads as fibers, who waits for what, and its shared memory. For the emulator alone.
#pragma once

#include <array>
#include <boost/context/fiber.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/shared_memory.h"

namespace tern::emulator {

/// A thread of the block. Its fiber outlives blocks and launches: it runs one kernel call after another.
struct Thread {
  enum class State { ready, at_block, at_warp, done };
  State state = State::done;
  bool inside = false;         ///< in the middle of the kernel
  bool lost = false;           ///< failed in the middle of it, where nothing may be thrown
  const char* operation = "";  ///< what it waits at
  std::source_location where;
  unsigned mask = 0;  ///< of the lanes it waits for
  boost::context::fiber fiber;

  const void* stack_bottom = nullptr;

  std::size_t stack_bytes = 0;
};

/// Lanes that meet under one mask. `seen` holds what they brought to the last meeting.
struct Meeting {
  unsigned mask = 0, arrived = 0;
  const char* operation = "";
  std::array<std::uint64_t, 32> brought{}, seen{};
};

struct Warp {
  std::vector<Meeting> meetings;
  std::uint32_t era = 0;  ///< __syncwarps so far
};

class Block {
 public:
  static Block& current();

  void begin_launch(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel);
  void run(uint3 index);
  /// After an error: the threads that are in the middle of the kernel leave it.
  void abandon();

  const std::array<std::uint64_t, 32>& meet_warp(const char* operation, unsigned mask, std::uint64_t brought,
                                                 std::source_location where);
  int meet_block(const char* operation, bool brought, std::source_location where);
  void order_warp() { ++warps_[thread_ / 32].era; }

  unsigned thread() const { return thread_; }
  std::uint32_t block_era() const { return era_; }
  std::uint32_t warp_era() const { return warps_[thread_ / 32].era; }
  SharedMemory& shared() { return shared_; }
  const std::function<void()>& kernel() const { return *kernel_; }
  /// The running thread has done what must not be done: the launch ends with Error{place(), fault}. For callers that
  /// must not throw; the thread never goes on.
  [[noreturn]] void fail(const std::string& fault);

  /// Whether the address is on the stack of one of the launch's threads.
  bool is_stack(std::uintptr_t address) const;

  /// "block (1, 0, 0), thread (5, 0, 0)"
  std::string place(unsigned thread) const;
  std::string place() const { return place(thread_); }

 private:
  class StackSwitch;

  void start_fiber(Thread& thread);
  /// Gives the processor to another thread, or to what runs the block, until somebody gives it back.
  void switch_to(unsigned thread);
  unsigned next_ready() const;
  void arrive(StackSwitch here, boost::context::fiber&& from);
  void wait(Thread::State state, const char* operation, std::source_location where);
  bool release_block();
  [[noreturn]] void fail_stuck() const;
  uint3 index_of(unsigned thread) const;

  const std::function<void()>* kernel_ = nullptr;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
  SharedMemory shared_;
  std::exception_ptr error_;
  boost::context::fiber scheduler_;         ///< what runs the block, while a thread does
  const void* scheduler_bottom_ = nullptr;  ///< of its stack
  std::size_t scheduler_bytes_ = 0;
  std::vector<boost::context::fiber>
      lost_;  ///< of threads that failed where nothing may be thrown: never unwound
  bool abandoned_ = false;

  unsigned count_ = 0;               ///< threads in this launch
  unsigned thread_ = 0;              ///< the one that runs
  unsigned running_ = 0, left_ = 0;  ///< what runs and what ran before: a thread or the scheduler

  unsigned done_ = 0, at_block_ = 0;
  int votes_ = 0, last_votes_ = 0;
  std::uint32_t era_ = 0;  ///< __syncthreads so far
};

}  // namespace tern::emulator

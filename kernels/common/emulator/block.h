// The block that runs: its threads as fibers, who waits for what, and its shared arrays. For emulator.cpp and
// shared_array.cpp alone.
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

namespace tern::emulator {

/// A thread of the block. Its fiber outlives blocks and launches: it runs one kernel call after another.
struct Thread {
  enum class State { ready, at_block, at_warp, done };
  State state = State::done;
  bool inside = false;         ///< in the middle of the kernel
  const char* operation = "";  ///< what it waits at
  std::source_location where;
  unsigned mask = 0;  ///< of the lanes it waits for
  boost::context::fiber fiber, scheduler;
  const void* stack_bottom = nullptr;  ///< for AddressSanitizer
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
  std::size_t shared_bytes() const { return shared_bytes_; }
  std::vector<std::unique_ptr<SharedArrayBase>>& arrays() { return arrays_; }
  /// "block (1, 0, 0), thread (5, 0, 0)"
  std::string place(unsigned thread) const;
  std::string place() const { return place(thread_); }

 private:
  void start_fiber(Thread& thread);
  void resume(unsigned thread);
  void wait(Thread::State state, const char* operation, std::source_location where);
  bool release_block();
  [[noreturn]] void fail_stuck() const;
  uint3 index_of(unsigned thread) const;

  const std::function<void()>* kernel_ = nullptr;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
  std::vector<std::unique_ptr<SharedArrayBase>> arrays_;
  std::exception_ptr error_;
  std::size_t shared_bytes_ = 0;
  bool abandoned_ = false;
  unsigned count_ = 0;   ///< threads in this launch
  unsigned thread_ = 0;  ///< the one that runs
  unsigned done_ = 0, at_block_ = 0;
  int votes_ = 0, last_votes_ = 0;
  std::uint32_t era_ = 0;  ///< __syncthreads so far
};

}  // namespace tern::emulator

#include "kernels/common/emulator/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/code_place.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/global_races.h"
#include "kernels/common/emulator/kernel_fault.h"
#include "kernels/common/emulator/patience.h"
#include "kernels/common/emulator/profile/request_counter.h"

uint3 tern_thread_index{}, tern_block_index{}, tern_block_extents{1, 1, 1}, tern_grid_extents{1, 1, 1};
unsigned tern_lane_of_thread = 0;

namespace tern::emulator {
namespace {

constexpr std::size_t kStackBytes = 1 << 20;  // CUDA gives a thread 512 KiB; touched pages alone cost memory
constexpr unsigned kMostThreads = 1024;
constexpr std::size_t kMostParts = 64;  ///< masks of a warp that are remembered from block to block

/// Thrown in threads that are in the middle of a kernel that has failed, so that their stacks unwind.
struct Abandoned {};

}  // namespace

Block& Block::make() {
  if (current_ == nullptr)
    current_ = new Block;  // never destroyed: threads that were abandoned keep their stacks
  return *current_;
}

Block::Block() : threads_(std::make_unique<Thread[]>(kMostThreads)) {}

void Block::begin_launch(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel,
                         TurnOrder& turns) {
  tern_grid_extents = {grid.x, grid.y, grid.z};
  tern_block_extents = {block.x, block.y, block.z};
  count_ = block.x * block.y * block.z;
  kernel_ = &kernel;
  turns_ = &turns;
  in_order_ = !turns.is_shuffled();
  shared_.begin_launch(shared_bytes);
  for (; started_ < count_; ++started_) threads_[started_].stack = Stack(kStackBytes, run_threads);
  for (unsigned i = 0; i < count_; ++i)
    threads_[i].index = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
  warps_.assign((count_ + 31) / 32, {});
  time_ = 0;
}

/// What a thread's stack begins with: one kernel call after another.
void Block::run_threads() {
  Block& block = current();
  note_arrival(&block.stack_of(block.left_), nullptr);
  Thread& thread = block.threads_[block.thread_];
  for (;;) {
    thread.inside = true;
    try {
      (*block.kernel_)();
    } catch (const Abandoned&) {
    } catch (...) {
      block.error_ = std::current_exception();
      block.in_order_ = false;
    }
    thread.inside = false;
    ++block.done_;
    block.wait(Thread::State::done, "", {});
  }
}

void Block::leave_kernel() {
  throw Abandoned();
}

unsigned Block::next_ready() const {
  if (abandoned_ || error_) return kScheduler;
  unsigned from = thread_ + 1 < count_ ? thread_ + 1 : 0;
  if (turns_->is_shuffled()) from = turns_->any_of(count_);
  unsigned warp = from / 32;
  unsigned ready = warps_[warp].ready & ~0u << from % 32;
  for (std::size_t i = 0; ready == 0 && i < warps_.size(); ++i) {
    warp = warp + 1 < warps_.size() ? warp + 1 : 0;
    ready = warps_[warp].ready;
  }
  return ready == 0 ? kScheduler : warp * 32 + static_cast<unsigned>(std::countr_zero(ready));
}

unsigned Block::next_in_turn() {
  if (is_watched(kPatience)) {
    const Thread& thread = threads_[thread_];
    Patience::end(thread.state == Thread::State::done
                      ? CodePlace{}
                      : CodePlace{nullptr, thread.where.file_name(), thread.where.line()});
  }
  return next_ready();
}

void Block::make_ready() {
  for (unsigned warp = 0; warp < warps_.size(); ++warp) {
    const unsigned lanes = std::min(count_ - warp * 32, 32u);
    warps_[warp].ready = warps_[warp].lanes = lanes == 32 ? ~0u : (1u << lanes) - 1;
  }
}

void Block::run(uint3 index) {
  tern_block_index = index;
  number_ = index.x + tern_grid_extents.x * (index.y + tern_grid_extents.y * index.z);
  begin_time_ = barrier_time_ = ++time_;
  if (GlobalRaces* const races = GlobalRaces::active()) races->order().begin_block();
  for (Warp& warp : warps_) {
    if (warp.parts.size() > kMostParts) warp.parts.clear();
  }
  done_ = at_block_ = 0;
  votes_ = 0;
  running_ = kScheduler;
  thread_ = count_;  // the first one is next
  make_ready();
  while (done_ < count_) {
    const unsigned next = next_ready();
    if (next == kScheduler) {
      if (!release_block()) fail_stuck();
      continue;
    }
    switch_to(next);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }
  if (GlobalRaces* const races = GlobalRaces::active()) races->end_block();
  if (RequestCounter* const counter = RequestCounter::active()) counter->end_block();
}

void Block::abandon() {
  abandoned_ = true;
  in_order_ = false;
  for (unsigned i = 0; i < count_; ++i) {
    Thread& thread = threads_[i];
    if (thread.lost) {
      thread.lost = thread.inside = false;
      lost_.push_back(thread.stack);
      thread.stack = Stack(kStackBytes, run_threads);
    } else if (thread.inside) {
      switch_to(i);
    }
  }
  abandoned_ = false;
}

void Block::fail(const KernelFault& fault) {
  own_stack = {};  // no more of the kernel's code runs here
  error_ = std::make_exception_ptr(fault);
  threads_[thread_].lost = true;
  switch_to(kScheduler);
  std::abort();  // nobody resumes it
}

/// Lets the block go on if every thread has come to the same barrier.
bool Block::release_block() {
  if (at_block_ < count_) return false;
  const Thread& first = threads_[0];
  for (unsigned i = 1; i < count_; ++i) {
    const Thread& other = threads_[i];
    if (other.where.line() == first.where.line() && other.where.file_name() == first.where.file_name())
      continue;
    throw KernelFault(place(i),
                      fmt::format("is at another {} than {}, which is at {}", other.operation, place(0),
                                  place_text(first.where)),
                      place_text(other.where));
  }
  if (RequestCounter* const counter = RequestCounter::active())
    counter->note_block_barrier(first.operation, {nullptr, first.where.file_name(), first.where.line()});
  barrier_time_ = ++time_;
  if (GlobalRaces* const races = GlobalRaces::active()) races->order().note_barrier();
  at_block_ = 0;
  last_votes_ = std::exchange(votes_, 0);
  make_ready();
  return true;
}

/// Nobody can go on: some wait for threads that have ended or wait elsewhere.
void Block::fail_stuck() const {
  const auto place_of_thread = [this](const Thread& thread) {
    return place(static_cast<unsigned>(&thread - threads_.get()));
  };
  const Thread* first = nullptr;
  const Thread* elsewhere = nullptr;  // that waits, but not for the same
  unsigned waiting = 0;
  for (unsigned i = 0; i < count_; ++i) {
    const Thread& thread = threads_[i];
    if (thread.state == Thread::State::done) continue;
    if (waiting++ == 0) first = &thread;
    if (elsewhere == nullptr && thread.where.line() != first->where.line()) elsewhere = &thread;
  }
  std::string text = fmt::format("waits at {} for threads that never come: ", first->operation);
  if (first->state == Thread::State::at_warp)
    text = fmt::format("waits at {} with mask {:#010x} for lanes that never come: ", first->operation,
                       first->mask);
  text += fmt::format("of {} {} {}, {} {} ended", counted(count_, "thread"), waiting,
                      waiting == 1 ? "waits" : "wait", done_, done_ == 1 ? "has" : "have");
  if (elsewhere != nullptr)
    text += fmt::format("; {} waits at {}, {}", place_of_thread(*elsewhere), elsewhere->operation,
                        place_text(elsewhere->where));
  throw KernelFault(place_of_thread(*first), text, place_text(first->where));
}

bool Block::is_stack(std::uintptr_t address) const {
  return std::any_of(threads_.get(), threads_.get() + started_, [=](const Thread& thread) {
    return address - reinterpret_cast<std::uintptr_t>(thread.stack.bottom()) < thread.stack.bytes();
  });
}

std::string Block::place(unsigned thread) const {
  return place_of({number_, 0, 0, static_cast<std::int16_t>(thread)});
}

std::string Block::place_of(const Touch& touch) const {
  const uint3 grid = tern_grid_extents;
  const std::string block = fmt::format("block ({}, {}, {})", touch.block % grid.x,
                                        touch.block / grid.x % grid.y, touch.block / grid.x / grid.y);
  if (touch.thread < 0) return "several threads of " + block;
  const uint3 index = threads_[static_cast<std::size_t>(touch.thread)].index;
  return fmt::format("{}, thread ({}, {}, {})", block, index.x, index.y, index.z);
}

int Block::meet_block(const char* operation, bool brought, std::source_location where) {
  ++at_block_;
  votes_ += brought ? 1 : 0;
  wait(Thread::State::at_block, operation, where);
  return last_votes_;
}

/// Of a mask that is not the whole warp's.
Meeting& Block::part(Warp& warp, unsigned mask) {
  const Unnoted unnoted;
  for (Meeting& meeting : warp.parts) {
    if (meeting.mask == mask) return meeting;
  }
  return warp.parts.emplace_back(Meeting{.mask = mask});
}

/// Throws KernelFault unless the running thread may take part.
void Block::check_meeting(const Meeting& meeting, const char* operation, std::source_location where) const {
  const Unnoted unnoted;
  const unsigned lane = thread_ % 32;
  if ((meeting.mask >> lane & 1u) == 0) {
    throw KernelFault(place(),
                      fmt::format("{} with mask {:#010x}, which does not hold the caller, lane {}", operation,
                                  meeting.mask, lane),
                      place_text(where));
  }
  if (meeting.arrived != 0 && std::string_view(meeting.operation) != operation) {
    throw KernelFault(place(),
                      fmt::format("{} while the other lanes of mask {:#010x} are at {}", operation,
                                  meeting.mask, meeting.operation),
                      place_text(where));
  }
}

void Block::note_meeting(const Meeting& meeting, std::source_location where, WaitsFor waits) {
  const Unnoted unnoted;
  if (is_watched(kPatience)) Patience::end({nullptr, where.file_name(), where.line()});
  GlobalRaces* const races = GlobalRaces::active();
  if (races != nullptr && waits == WaitsFor::accesses) races->order().note_sync(thread_ / 32);
  if (RequestCounter* const counter = RequestCounter::active())
    counter->note_warp_operation(thread_ / 32, meeting.mask, meeting.operation,
                                 {nullptr, where.file_name(), where.line()}, waits != WaitsFor::lanes);
}

}  // namespace tern::emulator

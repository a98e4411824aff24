#include "kernels/common/emulator/block.h"

#include <fmt/format.h>

#include <boost/context/fixedsize_stack.hpp>
#include <cstdlib>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/profile/request_counter.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace tern::emulator {
namespace {

constexpr std::size_t kStackBytes = 128 << 10;  // touched pages alone cost memory
constexpr unsigned kMostThreads = 1024;
constexpr std::size_t kMostParts = 64;  ///< masks of a warp that are remembered from block to block

/// Boost's allocator, which also says where the stack is.
class NotedStack {
 public:
  explicit NotedStack(Thread& thread) : thread_(&thread) {}
  boost::context::stack_context allocate() {
    const boost::context::stack_context stack = plain_.allocate();
    thread_->stack_bottom = static_cast<const char*>(stack.sp) - stack.size;
    thread_->stack_bytes = stack.size;
    return stack;
  }
  void deallocate(boost::context::stack_context& stack) noexcept { plain_.deallocate(stack); }

 private:
  Thread* thread_;
  boost::context::fixedsize_stack plain_{kStackBytes};
};

/// Thrown in threads that are in the middle of a kernel that has failed, so that their stacks unwind.
struct Abandoned {};

}  // namespace

/// AddressSanitizer must know on which stack the program runs. `leaving` tells it the next one, `arrived`
/// that the switch is done, and which stack it came from.
class Block::StackSwitch {
 public:
#if defined(__SANITIZE_ADDRESS__)
  void leaving(const void* bottom, std::size_t bytes) {
    __sanitizer_start_switch_fiber(&fake_, bottom, bytes);
  }
  void arrived(const void** bottom, std::size_t* bytes) {
    __sanitizer_finish_switch_fiber(fake_, bottom, bytes);
  }

 private:
  void* fake_ = nullptr;
#else
  void leaving(const void*, std::size_t) {}
  void arrived(const void**, std::size_t*) {}
#endif
};

Block& Block::make() {
  if (current_ == nullptr) current_ = new Block;  // never destroyed: its fibers would be unwound after main
  return *current_;
}

Block::Block() : threads_(std::make_unique<Thread[]>(kMostThreads)) {}

void Block::begin_launch(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel,
                         TurnOrder& turns) {
  gridDim = grid;
  blockDim = block;
  count_ = block.x * block.y * block.z;
  kernel_ = &kernel;
  turns_ = &turns;
  shared_.begin_launch(shared_bytes);
  for (; started_ < count_; ++started_) start_fiber(threads_[started_]);
  for (unsigned i = 0; i < count_; ++i)
    threads_[i].index = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
  warps_.assign((count_ + 31) / 32, {});
  time_ = 0;
}

void Block::start_fiber(Thread& thread) {
  const auto body = [this, &thread](boost::context::fiber&& from) {
    arrive(StackSwitch(), std::move(from));
    for (;;) {
      thread.inside = true;
      try {
        (*kernel_)();
      } catch (const Abandoned&) {
      } catch (...) {
        error_ = std::current_exception();
      }
      thread.inside = false;
      ++done_;
      wait(Thread::State::done, "", {});
    }
    return std::move(scheduler_);
  };
  thread.fiber = boost::context::fiber(std::allocator_arg, NotedStack(thread), body);
}

void Block::switch_to(unsigned next) {
  left_ = std::exchange(running_, next);
  ++turn_;
  StackSwitch here;
  boost::context::fiber* fiber = &scheduler_;
  if (next == kScheduler) {
    end_thread();
    here.leaving(scheduler_bottom_, scheduler_bytes_);
  } else {
    Thread& thread = threads_[next];
    fiber = &thread.fiber;
    thread_ = next;
    threadIdx = thread.index;
    begin_thread(thread.stack_bottom, thread.stack_bytes);
    here.leaving(thread.stack_bottom, thread.stack_bytes);
  }
  boost::context::fiber from = std::move(*fiber).resume();
  arrive(here, std::move(from));
}

/// Keeps what ran before, so that it can go on.
void Block::arrive(StackSwitch here, boost::context::fiber&& from) {
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  here.arrived(&bottom, &bytes);
  if (left_ == kScheduler) {
    scheduler_ = std::move(from);
    scheduler_bottom_ = bottom;
    scheduler_bytes_ = bytes;
  } else {
    threads_[left_].fiber = std::move(from);
  }
}

/// The next thread in turn that need not wait, or kScheduler.
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

void Block::wait(Thread::State state, const char* operation, std::source_location where) {
  Thread& thread = threads_[thread_];
  thread.state = state;
  thread.operation = operation;
  thread.where = where;
  warps_[thread_ / 32].ready &= ~(1u << thread_ % 32);
  switch_to(next_ready());
  if (abandoned_ && thread.inside) throw Abandoned();
}

void Block::make_ready() {
  for (unsigned warp = 0; warp < warps_.size(); ++warp) {
    const unsigned lanes = std::min(count_ - warp * 32, 32u);
    warps_[warp].ready = lanes == 32 ? ~0u : (1u << lanes) - 1;
  }
}

void Block::run(uint3 index) {
  blockIdx = index;
  number_ = index.x + gridDim.x * (index.y + gridDim.y * index.z);
  begin_time_ = barrier_time_ = ++time_;
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
  if (RequestCounter* const counter = RequestCounter::active()) counter->end_block();
}

void Block::abandon() {
  abandoned_ = true;
  for (unsigned i = 0; i < count_; ++i) {
    Thread& thread = threads_[i];
    if (thread.lost) {
      thread.lost = thread.inside = false;
      lost_.push_back(std::move(thread.fiber));
      start_fiber(thread);
    } else if (thread.inside) {
      switch_to(i);
    }
  }
  abandoned_ = false;
}

void Block::fail(const std::string& fault) {
  error_ = std::make_exception_ptr(Error(place(), fault));
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
    throw Error(place(i), fmt::format("{} at line {} as {}", first.operation, first.where.line(), place(0)),
                fmt::format("{} at line {}", other.operation, other.where.line()));
  }
  if (RequestCounter* const counter = RequestCounter::active())
    counter->note_block_barrier(first.operation, {nullptr, first.where.file_name(), first.where.line()});
  barrier_time_ = ++time_;
  at_block_ = 0;
  last_votes_ = std::exchange(votes_, 0);
  make_ready();
  return true;
}

/// Nobody can go on: some wait for threads that have ended or wait elsewhere.
void Block::fail_stuck() const {
  std::string waiting;
  unsigned waiting_threads = 0, first = 0;
  for (unsigned i = 0; i < count_; ++i) {
    const Thread& thread = threads_[i];
    if (thread.state == Thread::State::done) continue;
    if (waiting_threads++ == 0) {
      first = i;
      waiting = fmt::format("{} at line {}", thread.operation, thread.where.line());
      if (thread.state == Thread::State::at_warp) waiting += fmt::format(" with mask {:#010x}", thread.mask);
    }
  }
  throw Error(place(first), fmt::format("every thread it waits for at {}", waiting),
              fmt::format("a barrier missed: of {} threads {} wait and {} have ended", count_,
                          waiting_threads, done_));
}

bool Block::is_stack(std::uintptr_t address) const {
  return std::any_of(threads_.get(), threads_.get() + started_, [=](const Thread& thread) {
    return address - reinterpret_cast<std::uintptr_t>(thread.stack_bottom) < thread.stack_bytes;
  });
}

std::string Block::place(unsigned thread) const {
  const uint3 index = threads_[thread].index;
  return fmt::format("block ({}, {}, {}), thread ({}, {}, {})", blockIdx.x, blockIdx.y, blockIdx.z, index.x,
                     index.y, index.z);
}

int Block::meet_block(const char* operation, bool brought, std::source_location where) {
  ++at_block_;
  votes_ += brought ? 1 : 0;
  wait(Thread::State::at_block, operation, where);
  return last_votes_;
}

/// Of a mask that is not the whole warp's.
Meeting& Block::part(Warp& warp, unsigned mask) {
  for (Meeting& meeting : warp.parts) {
    if (meeting.mask == mask) return meeting;
  }
  return warp.parts.emplace_back(Meeting{.mask = mask});
}

/// Throws Error unless the running thread may take part.
void Block::check_meeting(const Meeting& meeting, const char* operation, std::source_location where) const {
  const unsigned lane = thread_ % 32;
  if ((meeting.mask >> lane & 1u) == 0) {
    throw Error(place(),
                fmt::format("{} (line {}) with a mask that holds the caller", operation, where.line()),
                fmt::format("mask {:#010x}, lane {}", meeting.mask, lane));
  }
  if (meeting.arrived != 0 && std::string_view(meeting.operation) != operation) {
    throw Error(place(), fmt::format("{} as the other lanes of mask {:#010x}", meeting.operation, meeting.mask),
                operation);
  }
}

const Block::Brought& Block::meet_warp(const char* operation, unsigned mask, std::uint64_t brought,
                                       std::source_location where, bool orders) {
  const unsigned lane = thread_ % 32;
  Warp& warp = warps_[thread_ / 32];
  Meeting& meeting = mask == ~0u ? warp.whole : part(warp, mask);
  if ((mask >> lane & 1u) == 0 || (meeting.arrived != 0 && meeting.operation != operation))
    check_meeting(meeting, operation, where);
  meeting.operation = operation;
  meeting.brought[lane] = brought;
  meeting.arrived |= 1u << lane;
  if (meeting.arrived == mask) {  // the last to come wakes the others, and goes on
    meeting.arrived = 0;
    meeting.seen = meeting.brought;
    warp.ready |= mask;
    if (orders) warp.sync_time = ++time_;
    if (RequestCounter* const counter = RequestCounter::active())
      counter->note_warp_operation(thread_ / 32, mask, operation, {nullptr, where.file_name(), where.line()});
  } else {
    threads_[thread_].mask = mask;
    wait(Thread::State::at_warp, operation, where);
  }
  return meeting.seen;
}

}  // namespace tern::emulator

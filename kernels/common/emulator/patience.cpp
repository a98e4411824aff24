#include "kernels/common/emulator/patience.h"

#include <fmt/format.h>
#include <link.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <vector>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/code_place.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/profile/source_lines.h"

namespace tern::emulator {
namespace {

constexpr std::int64_t kLook = 10'000'000;  ///< ns between looks
constexpr int kMostLooks = 100;  ///< that wait for the program's own code to run, rather than a library's

std::int64_t thread_limit = 0, launch_limit = 0;  ///< ns

/// Of a launch; what the signal's handler works with.
struct Watch {
  timer_t timer{};
  struct sigaction before {};
  bool is_armed = false;
  std::int64_t launch_begin = 0, turn_begin = 0, now = 0;
  std::uint64_t turn = 0;
  bool is_over = false, of_thread = false;
  int looks = 0;                                        ///< since it is over
  std::uintptr_t code = 0, stack = 0;                   ///< where the thread was: its registers
  std::uintptr_t program_begin = 0, program_bytes = 0;  ///< the program's own code
};
Watch state;

int signal_number() {
  return SIGRTMIN + 7;
}

std::int64_t processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

int find_program(dl_phdr_info* image, std::size_t, void*) {
  for (unsigned i = 0; i < image->dlpi_phnum; ++i) {
    const auto& segment = image->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    state.program_begin = image->dlpi_addr + segment.p_vaddr;
    state.program_bytes = segment.p_memsz;
  }
  return 1;  // the first image is the program
}

void disarm() {
  watch(kPatience, false);
  if (!state.is_armed) return;
  timer_delete(state.timer);
  sigaction(signal_number(), &state.before, nullptr);
  state.is_armed = false;
}

/// Of a file that is neither the emulator's nor the system's.
bool has_line(const void* code) {
  const std::vector<SourceLine> lines = source_lines(code);
  return std::any_of(lines.begin(), lines.end(), [](const SourceLine& line) {
    return line.file.find("kernels/common/emulator/") == line.file.npos && line.file.rfind("/usr/", 0) != 0;
  });
}

/// Of a thread in a library's function, which has no line: the innermost address on its stack that has one. What a function has not
/// set yet may look like that, too: so it is a good guess. Null if there is none.
const void* caller_on_stack() {
  for (std::uintptr_t at = state.stack; Block::current().is_stack(at); at += sizeof at) {
    const auto code = *reinterpret_cast<const std::uintptr_t*>(at);
    const auto* const place = reinterpret_cast<const void*>(code);
    if (code - state.program_begin < state.program_bytes && has_line(place)) return place;
  }
  return nullptr;
}

/// Where the running thread goes on when it has been taken out of the kernel's code.
[[noreturn]] void leave_by_force() {
  disarm();
  own_stack = {};
  const auto* const here = reinterpret_cast<const void*>(state.code + 1);  // as if it had called something
  Patience::end({has_line(here) ? here : caller_on_stack()});
}

/// Nothing is in the middle of its work that others need: the kernel's own code runs, and has touched nothing for a while.
void force(ucontext_t& context) {
  greg_t* const registers = context.uc_mcontext.gregs;
  state.code = static_cast<std::uintptr_t>(registers[REG_RIP]);
  state.stack = static_cast<std::uintptr_t>(registers[REG_RSP]);
  const bool of_library = state.code - state.program_begin >= state.program_bytes;
  if (of_library && state.looks < kMostLooks) return;
  registers[REG_RIP] = reinterpret_cast<greg_t>(&leave_by_force);
  registers[REG_RSP] = ((registers[REG_RSP] - 128) & ~greg_t{15}) - 8;  // as after a call
}

void look(int, siginfo_t*, void* context) {
  const Block& block = Block::current();
  state.now = processor_time();
  const bool same_turn = block.turn() == state.turn;
  state.turn = block.turn();
  if (!same_turn) state.turn_begin = state.now;
  if (!state.is_over) {
    state.of_thread = thread_limit > 0 && state.now - state.turn_begin >= thread_limit;
    state.is_over = state.of_thread || (launch_limit > 0 && state.now - state.launch_begin >= launch_limit);
    if (!state.is_over) return;
    watch(kPatience, true);  // the next access or meeting ends the launch
    Block::current().leave_order();
    const bool is_noted = own_stack.bytes != StackRange().bytes;  // or the emulator works on the thread
    if (block.runs_thread() && is_noted) own_stack = {0, 0};
    return;
  }
  ++state.looks;
  if (same_turn && block.runs_thread()) force(*static_cast<ucontext_t*>(context));
}

}  // namespace

void set_patience(std::chrono::milliseconds of_thread, std::chrono::milliseconds of_launch) {
  thread_limit = std::chrono::nanoseconds(of_thread).count();
  launch_limit = std::chrono::nanoseconds(of_launch).count();
}

Patience::Patience() {
  if (thread_limit <= 0 && launch_limit <= 0) return;
  state = {};
  dl_iterate_phdr(find_program, nullptr);
  state.launch_begin = state.turn_begin = processor_time();
  struct sigaction action {};
  action.sa_sigaction = look;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(signal_number(), &action, &state.before);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal_number();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &state.timer) != 0) {
    sigaction(signal_number(), &state.before, nullptr);
    throw Error("emulator", "a timer, to end launches that never end", "none");
  }
  state.is_armed = true;
  const itimerspec period{{0, kLook}, {0, kLook}};
  timer_settime(state.timer, 0, &period, nullptr);
}

Patience::~Patience() {
  disarm();
}

void Patience::end(const CodePlace& place) {
  disarm();  // before anything that takes time: it must not be interrupted again
  own_stack = {};
  const std::int64_t since = state.of_thread ? state.turn_begin : state.launch_begin;
  const std::string text = fmt::format("the {} has run for {} ms {}", state.of_thread ? "thread" : "launch",
                                       (state.now - since) / 1'000'000,
                                       state.of_thread ? "without giving way to others" : "and was here");
  const bool is_known = place.file != nullptr || (place.code != nullptr && has_line(place.code));
  Block::current().fail(text, is_known ? place_text(place) : "");
}

}  // namespace tern::emulator

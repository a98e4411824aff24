#include "kernels/common/emulator/program/faults.h"

#include <execinfo.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/profile/source_lines.h"
#include "kernels/common/emulator/program/device_memory.h"
#include "kernels/common/emulator/program/program.h"

namespace tern::emulator::program {
namespace {

int faults = 0;
std::string text_of_last_fault;
cudaError_t last_error = cudaSuccess, lasting_error = cudaSuccess;
bool in_launch = false;
std::string kernel_text, launch_line;

void print(const std::string& message) {
  std::string text = message;
  const std::string folder =
      std::filesystem::current_path().string() + "/";  // debug information has whole paths
  for (std::size_t at = 0; (at = text.find(folder, at)) != text.npos;) text.erase(at, folder.size());
  fflush(stdout);  // in the order in which things happened
  fprintf(stderr, "tern: %s\n", text.c_str());
  fflush(stderr);
}

/// Where the program was when the signal came: the innermost line of the user's on the stack.
std::string interrupted_line(const ucontext_t& context) {
  const auto at = reinterpret_cast<const char*>(context.uc_mcontext.gregs[REG_RIP]);
  if (std::string line = user_line(at + 1); !line.empty()) return line;
  std::array<void*, 64> frames{};
  const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 3; i < count; ++i) {  // after this, the handler and the system's frame for it
    if (std::string line = user_line(frames[static_cast<std::size_t>(i)]); !line.empty()) return line;
  }
  return "(no debug information)";
}

/// Of the kernel that runs: as other faults of kernels are told (launch.cpp).
std::string kernel_fault(const std::string& what) {
  return fmt::format("kernel {}, {}: {}; launched at {}", kernel_text, Block::current().place(), what,
                     launch_line);
}

std::string text_of(const KernelFault& fault) {
  return fmt::format("{}: kernel {}, {}; launched at {}", fault.line(), kernel_text, fault.text(),
                     launch_line);
}

template <typename Line>
void refuse_call(const char* function, const Line& line) {
  if (!is_kernel_code()) return;
  const Unnoted unnoted;  // to find the line, too, is the emulator's own work
  Block::current().fail(fmt::format("calls {}, which is for the host", function), line());
}

std::string fault_at(const void* address) {
  const DeviceMemory& memory = DeviceMemory::instance();
  if (in_launch) {
    constexpr std::uintptr_t kPage = 4096;  // below a stack
    const bool is_full = Block::current().is_stack(reinterpret_cast<std::uintptr_t>(address) + kPage);
    if (is_full)
      return kernel_fault("its stack is full: a recursion without end, or variables of its own too large");
    return kernel_fault(fmt::format("a pointer to no memory, {}", address));
  }
  if (!memory.is_closed_to_host(address))
    return fmt::format("host code follows a pointer to no memory, {}", address);
  std::string name = memory.find_freed(address);
  if (name.empty() && memory.find(address) != nullptr) name = memory.find(address)->second.name;
  return fmt::format("host code touches device memory {}, which kernels alone can: copy it with cudaMemcpy",
                     name.empty() ? fmt::format("{}", address) : "of " + name);
}

/// The faults are the program's own, at an instruction of its: so it may print. Should it be within the heap, time runs out.
extern "C" void on_signal(int number, siginfo_t* information, void* context) {
  signal(number, SIG_DFL);
  alarm(10);
  own_stack = {};  // what is done from here on is no kernel's
  DeviceMemory::instance().open();
  const std::string line = interrupted_line(*static_cast<const ucontext_t*>(context));
  constexpr const char* kDivision = "a division of integers by zero";
  if (number == SIGFPE)
    report_fault(fmt::format("{}: {}", line, in_launch ? kernel_fault(kDivision) : kDivision));
  else
    report_fault(fmt::format("{}: {}", line, fault_at(information->si_addr)));
  finish_program();
  fflush(nullptr);
  _exit(1);
}

/// A few by name. A program that has failed had no time to free anything.
void report_leaks() {
  constexpr int kMostNamed = 4;
  int leaks = 0;
  for (const auto& [begin, allocation] : DeviceMemory::instance().allocations()) {
    if (allocation.kind == MemoryKind::host || allocation.kind == MemoryKind::heap) continue;
    if (++leaks <= kMostNamed) report_note(allocation.name + " was not freed");
  }
  if (const int others = leaks - kMostNamed; others > 0)
    report_note(others == 1 ? "nor was 1 other" : fmt::format("nor were {} others", others));
}

void at_end(int code, void*) {
  if (faults == 0 && code == 0) report_leaks();
  finish_program();
  fflush(nullptr);
  if (faults > 0 && code == 0) _exit(1);
}

}  // namespace

std::string text_of(std::source_location where) {
  return fmt::format("{}:{}", where.file_name(), where.line());
}

std::string user_line(const void* code) {
  for (const SourceLine& line : source_lines(code)) {
    const bool is_ours = line.file.find("kernels/common/emulator/") != line.file.npos;
    if (!is_ours && line.file.rfind("/usr/", 0) != 0) return fmt::format("{}:{}", line.file, line.line);
  }
  return {};
}

void report_fault(const std::string& message) {
  ++faults;
  text_of_last_fault = message;
  print(message);
}

int fault_count() {
  return faults;
}

const std::string& last_fault() {
  return text_of_last_fault;
}

void report_note(const std::string& message) {
  print("note: " + message);
}

void report_kernel_note(const KernelFault& harmless) {
  report_note(text_of(harmless));
}

void report_kernel_fault(const KernelFault& fault) {
  report_fault(text_of(fault));
}

cudaError_t returned(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void make_sticky(cudaError_t error) {
  lasting_error = error;
}

cudaError_t sticky_error() {
  return lasting_error;
}

void set_launch_place(const char* kernel, std::source_location where) {
  in_launch = true;
  kernel_text = kernel;
  launch_line = text_of(where);
}

void clear_launch_place() {
  in_launch = false;
}

bool is_in_launch() {
  return in_launch;
}

bool is_kernel_code() {
  return in_launch && own_stack.bytes != StackRange().bytes;
}

void refuse_kernel_code(const char* function, std::source_location where) {
  refuse_call(function, [=] { return text_of(where); });
}

void refuse_kernel_code(const char* function, const void* called_from) {
  refuse_call(function, [=] { return user_line(called_from); });
}

void watch_process() {
  on_exit(at_end, nullptr);
  constexpr std::size_t kBytes = 256 << 10;
  static char* const stack = static_cast<char*>(malloc(kBytes));
  stack_t other{};
  other.ss_sp = stack;
  other.ss_size = kBytes;
  sigaltstack(&other, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE}) sigaction(number, &action, nullptr);
}

}  // namespace tern::emulator::program

using namespace tern::emulator::program;

cudaError_t cudaPeekAtLastError() {
  return sticky_error() != cudaSuccess ? sticky_error() : last_error;
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return error;
}

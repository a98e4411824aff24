// What goes wrong in a translated program: printed with its place in the source, remembered for the exit code and, as CUDA's
// runtime does, for the calls that follow.
#pragma once

#include <source_location>
#include <string>

#include "kernels/common/emulator/kernel_fault.h"
#include "kernels/common/emulator/program/runtime_types.h"

namespace tern::emulator::program {

/// "add.cu:12".
std::string text_of(std::source_location where);
/// The line of the user's that a return address belongs to, as "add.cu:12"; "" if there is none.
std::string user_line(const void* code);

/// Prints "tern: <text>"; the process ends with code 1 at best.
void report_fault(const std::string& text);
/// So far, and the last one's text.
int fault_count();
const std::string& last_fault();
/// Without consequence: "tern: note: <text>".
void report_note(const std::string& text);
/// The same, of the kernel that runs.
void report_kernel_note(const KernelFault& harmless);
/// A fault after which the kernel goes on.
void report_kernel_fault(const KernelFault& fault);

/// The error that a call returns, kept for cudaGetLastError.
cudaError_t returned(cudaError_t error);
/// After this every call fails, as after a kernel's fault on a GPU.
void make_sticky(cudaError_t error);
/// cudaSuccess, or the error that stays.
cudaError_t sticky_error();

/// While a kernel runs: where it was launched.
void set_launch_place(const char* kernel, std::source_location where);
void clear_launch_place();
bool is_in_launch();
/// Whether a kernel's own code runs, not the emulator's on its thread.
bool is_kernel_code();
/// Ends the launch if a kernel calls a function of the host's.
void refuse_kernel_code(const char* function, std::source_location where);
void refuse_kernel_code(const char* function, const void* called_from);

/// Once, before main: signals that tell of wrong addresses, and what is done at the program's end.
void watch_process();

}  // namespace tern::emulator::program

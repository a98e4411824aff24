#include "kernels/common/emulator/stack.h"

#include <sys/mman.h>

#include "engine/core/check.h"

// What a function must keep, by the System V ABI, goes to the stack that is left and comes from the other one.
asm(R"(
  .text
  .globl tern_switch_stack
  .type tern_switch_stack, @function
tern_switch_stack:
  .cfi_startproc
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .cfi_endproc
  .size tern_switch_stack, .-tern_switch_stack
)");

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace tern::emulator {
namespace {

constexpr std::size_t kPageBytes = 4096, kSavedRegisters = 6;

}  // namespace

Stack::Stack(std::size_t bytes, void (*entry)()) : bytes_(bytes) {
  void* const pages = mmap(nullptr, kPageBytes + bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages, kPageBytes, PROT_NONE) != 0)
    throw Error("emulator", "memory for the stack of a thread", "none");
  bottom_ = static_cast<char*>(pages) + kPageBytes;
#if defined(__SANITIZE_ADDRESS__)
  __lsan_register_root_region(bottom_, bytes);  // what a stack that is left for good owns is no leak
#endif
  // As if `entry` had been called from nowhere, and had left at once: registers of no meaning, where to go on, and a return
  // address of 0, at which debuggers stop.
  auto* const top = reinterpret_cast<std::uintptr_t*>(static_cast<char*>(pages) + kPageBytes + bytes);
  top[-2] = reinterpret_cast<std::uintptr_t>(entry);
  at_ = top - 2 - kSavedRegisters;
}

}  // namespace tern::emulator

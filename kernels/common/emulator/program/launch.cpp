#include "kernels/common/emulator/program/launch.h"

#include <fmt/format.h>

#include <map>
#include <sstream>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/kernel_fault.h"
#include "kernels/common/emulator/profile/occupancy.h"
#include "kernels/common/emulator/program/copies.h"
#include "kernels/common/emulator/program/faults.h"
#include "kernels/common/emulator/program/program.h"
#include "kernels/common/emulator/program/runtime_api.h"
#include "kernels/common/emulator/program/variables.h"

namespace tern::emulator::program {
namespace {

constexpr std::size_t kSharedWithoutOptIn = 48 << 10;
constexpr int kDefaultRegisters = 32;

std::map<const void*, std::size_t>& allowed_shared() {
  static auto* const allowed = new std::map<const void*, std::size_t>;
  return *allowed;
}

/// What CUDA refuses to start; empty if nothing.
std::string wrong_configuration(const LaunchPlace& place) {
  const dim3 grid = place.grid, block = place.block;
  const auto extents = [](dim3 d) { return fmt::format("{} x {} x {}", d.x, d.y, d.z); };
  if (grid.x == 0 || grid.y == 0 || grid.z == 0)
    return "wanted a grid of at least 1 block, got " + extents(grid);
  if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535)
    return "wanted a grid of at most 2^31 - 1 x 65535 x 65535 blocks, got " + extents(grid);
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > 1024 || block.z > 64)
    return fmt::format("wanted blocks of 1 to 1024 threads, got {} = {}", extents(block), threads);
  const auto allowed = allowed_shared().find(place.function);
  const std::size_t most = allowed == allowed_shared().end() ? kSharedWithoutOptIn : allowed->second;
  if (place.shared_bytes > most) {
    return fmt::format(
        "wanted at most {} bytes of dynamic shared memory (cudaFuncSetAttribute allows {}), got {}", most,
        kMaxSharedBytes, place.shared_bytes);
  }
  return {};
}

/// The pointers among a launch's arguments, by the names of the kernel's parameters, and the program's variables.
std::vector<ArrayName> array_names(const char* parameters, std::vector<ArrayName> arguments) {
  std::vector<std::string> names;
  std::istringstream text(parameters);
  for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  std::vector<ArrayName> arrays = variable_names();
  if (names.size() != arguments.size()) return arrays;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (arguments[i].is_single || names[i].empty()) continue;
    arrays.push_back(std::move(arguments[i]));
    arrays.back().name = names[i];
  }
  return arrays;
}

void report_end_of_launch(const LaunchPlace& place, const KernelFault& fault) {
  std::string text = fault.text(), launched = text_of(place.where);
  const bool is_slow = text.find(" has run for ") != text.npos;
  const bool may_be_sampled = text.find("the launch has run") != text.npos && options().sample_blocks == 0;
  if (is_slow)
    text += may_be_sampled ? " (--patience SECONDS gives it more, --sample N counts N of its blocks)"
                           : " (--patience SECONDS gives it more)";
  if (is_slow && options().sample_blocks > 0)
    text += ": with --sample, which leaves most blocks out, one that waits for another does so for ever";
  const bool has_line = !fault.line().empty();
  report_fault(fmt::format("{}: kernel {}, {}{}", has_line ? fault.line() : launched, place.kernel.text, text,
                           has_line ? "; launched at " + launched : ""));
}

}  // namespace

void note_copy(const void* to, const void* from, std::size_t bytes, TernPlace where) {
  if (!is_in_launch() || bytes == 0) return;
  if (from != nullptr) note_access(from, bytes, Access::read, Strength::plain, where);
  note_access(to, bytes, Access::write, Strength::plain, where);
}

void refuse_in_launch(const LaunchPlace& place) {
  if (!is_in_launch()) return;
  const Unnoted unnoted;
  Block::current().fail(
      fmt::format(
          "launches kernel {}: dynamic parallelism is not emulated. Let the host launch it after this one",
          place.kernel.text),
      text_of(place.where));
}

void launch(const LaunchPlace& place, const std::function<void()>& kernel, LaunchArguments arguments) {
  prepare_program();
  const std::string launched = fmt::format("{}: kernel {}", text_of(place.where), place.kernel.text);
  if (sticky_error() != cudaSuccess) return;
  if (const std::string wrong = wrong_configuration(place); !wrong.empty()) {
    report_fault(launched + ": " + wrong);
    returned(cudaErrorInvalidConfiguration);
    return;
  }
  set_launch_place(place.kernel.text, place.where);
  name_arrays(array_names(place.kernel.parameters, std::move(arguments.values)));
  begin_profile(place);
  note_constants(arguments.begin, arguments.bytes);
  try {
    run({place.function, place.function == nullptr ? place.kernel.text : nullptr}, place.grid, place.block,
        place.shared_bytes, kernel);
  } catch (const KernelFault& fault) {
    report_end_of_launch(place, fault);
    make_sticky(cudaErrorLaunchFailure);
  } catch (const std::exception& error) {
    report_fault(launched + ": " + error.what());
    make_sticky(cudaErrorLaunchFailure);
  }
  clear_launch_place();
  forget_constants(arguments.begin);
  name_arrays({});  // host code has its own names
  end_profile();
}

cudaError_t allow_shared(const void* function, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return returned(sticky_error());
  if (value < 0 || static_cast<std::size_t>(value) > kMaxSharedBytes) return returned(cudaErrorInvalidValue);
  allowed_shared()[function] = static_cast<std::size_t>(value);
  return returned(sticky_error());
}

cudaError_t occupancy_of(int* blocks, int threads, std::size_t shared_bytes) {
  if (threads < 1 || threads > 1024) return returned(cudaErrorInvalidValue);
  *blocks = occupancy(architecture("sm_90"), {threads, kDefaultRegisters, shared_bytes}).blocks;
  return returned(sticky_error());
}

cudaError_t best_block(int* grid, int* threads, std::size_t shared_bytes, int most) {
  cudaDeviceProp device;
  cudaGetDeviceProperties(&device, 0);
  int best = 0;
  for (int candidate = most > 0 && most < 1024 ? most : 1024; candidate >= 32; candidate -= 32) {
    int blocks = 0;
    occupancy_of(&blocks, candidate, shared_bytes);
    if (blocks * candidate <= best) continue;
    best = blocks * candidate;
    *threads = candidate;
    *grid = blocks * device.multiProcessorCount;
  }
  return returned(best > 0 ? sticky_error() : cudaErrorInvalidValue);
}

cudaError_t refuse(const char* function, const char* instead, TernPlace where) {
  report_fault(fmt::format("{}: {} is not emulated. {}", text_of(where), function, instead));
  return returned(cudaErrorNotSupported);
}

void refuse_in_kernel(const char* what, const char* instead, TernPlace where) {
  const Unnoted unnoted;
  Block::current().fail(fmt::format("{} is not emulated. {}", what, instead), text_of(where));
}

}  // namespace tern::emulator::program

void __trap(TernPlace where) {
  const tern::emulator::Unnoted unnoted;
  tern::emulator::Block::current().fail("__trap", tern::emulator::program::text_of(where));
}

// In place of the C library's: in a kernel, assert ends the launch.
extern "C" void __assert_fail(const char* assertion, const char* file, unsigned line,
                              const char* function) noexcept {
  const tern::emulator::Unnoted unnoted;
  const std::string place = fmt::format("{}:{}", file, line),
                    text = fmt::format("assert({}) failed", assertion);
  if (tern::emulator::program::is_in_launch()) tern::emulator::Block::current().fail(text, place);
  tern::emulator::program::report_fault(fmt::format("{}: {}: {}", place, function, text));
  std::abort();
}

// In place of the C library's (--wrap=exit), which would end the program on the kernel's stack.
extern "C" [[noreturn]] void __real_exit(int code);
extern "C" [[noreturn]] void __wrap_exit(int code) {
  tern::emulator::program::refuse_kernel_code("exit", __builtin_return_address(0));
  __real_exit(code);
}

// What a launch in a translated program becomes (translate.h):
//
//   kernel<<<grid, block>>>(x, n);   ->   program::kernel("kernel", kernel).on(grid, block)(x, n);
#pragma once

#include <type_traits>
#include <utility>

#include "kernels/common/emulator/emulator.h"

namespace tern::emulator::program {

/// What stands between <<< and >>>, and where.
struct LaunchPlace {
  const char* text;  ///< the kernel as the source has it
  const void* function;
  dim3 grid, block;
  std::size_t shared_bytes;
  std::source_location where;
};

/// Runs it. A fault of the kernel is printed and kept as the runtime's error, as a GPU's would be.
void launch(const LaunchPlace& place, const std::function<void()>& kernel);

template <typename... Parameters>
struct TypedLaunch {
  LaunchPlace place;
  void (*kernel)(Parameters...);

  void operator()(Parameters... arguments) const {
    launch(place, [kernel = kernel, ... owned = std::forward<Parameters>(arguments)]() TERN_UNTOLD { kernel(owned...); });
  }
};

template <typename Call>
struct DeducedLaunch {
  LaunchPlace place;
  Call call;

  template <typename... Arguments>
  void operator()(Arguments... arguments) const {
    launch(place, [call = call, ... owned = std::move(arguments)]() TERN_UNTOLD { call(owned...); });
  }
};

template <typename... Parameters>
struct TypedKernel {
  const char* text;
  void (*function)(Parameters...);

  TypedLaunch<Parameters...> on(dim3 grid, dim3 block, std::size_t shared_bytes = 0, const void* /*stream*/ = nullptr,
                                std::source_location where = std::source_location::current()) const {
    return {{text, reinterpret_cast<const void*>(function), grid, block, shared_bytes, where}, function};
  }
};

template <typename Call>
struct DeducedKernel {
  const char* text;
  Call call;

  DeducedLaunch<Call> on(dim3 grid, dim3 block, std::size_t shared_bytes = 0, const void* /*stream*/ = nullptr,
                         std::source_location where = std::source_location::current()) const {
    return {{text, nullptr, grid, block, shared_bytes, where}, call};
  }
};

template <typename... Parameters>
TypedKernel<Parameters...> kernel(const char* text, void (*function)(Parameters...)) {
  return {text, function};
}

/// Of a template whose arguments follow from the kernel's.
template <typename Call>
DeducedKernel<Call> deduced_kernel(const char* text, Call call) {
  return {text, call};
}

}  // namespace tern::emulator::program

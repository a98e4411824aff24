// What a launch in a translated program becomes (translate.h):
//
//   kernel<<<grid, block>>>(x, n);   ->   program::typed_kernel("kernel", kernel).on(grid, block)(x, n);
#pragma once

#include <tuple>
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

/// Runs it. A fault of the kernel is printed and kept as the runtime's error, as a GPU's would be. `arguments`: where the
/// kernel's lie, which it may read.
void launch(const LaunchPlace& place, const std::function<void()>& kernel, const void* arguments,
            std::size_t bytes);

template <typename Call, typename Tuple, std::size_t... I>
TERN_UNTOLD void call_with(const Call& call, const Tuple& arguments, std::index_sequence<I...>) {
  call(std::get<I>(arguments)...);
}

template <typename Call, typename... Arguments>
void launch_with(const LaunchPlace& place, const Call& call, const std::tuple<Arguments...>& arguments) {
  launch(
      place,
      [&call, &arguments]()
          TERN_UNTOLD { call_with(call, arguments, std::index_sequence_for<Arguments...>()); },
      &arguments, sizeof arguments);
}

template <typename... Parameters>
struct TypedLaunch {
  LaunchPlace place;
  void (*kernel)(Parameters...);

  void operator()(Parameters... arguments) const {
    launch_with(place, kernel, std::tuple<Parameters...>(std::forward<Parameters>(arguments)...));
  }
};

template <typename Call>
struct DeducedLaunch {
  LaunchPlace place;
  Call call;

  template <typename... Arguments>
  void operator()(Arguments... arguments) const {
    launch_with(place, call, std::tuple<Arguments...>(std::move(arguments)...));
  }
};

template <typename... Parameters>
struct TypedKernel {
  const char* text;
  void (*function)(Parameters...);

  TypedLaunch<Parameters...> on(dim3 grid, dim3 block, std::size_t shared_bytes = 0,
                                const void* /*stream*/ = nullptr,
                                std::source_location where = std::source_location::current()) const {
    return {{text, reinterpret_cast<const void*>(function), grid, block, shared_bytes, where}, function};
  }
};

template <typename Call>
struct DeducedKernel {
  const char* text;
  Call call;

  DeducedLaunch<Call> on(dim3 grid, dim3 block, std::size_t shared_bytes = 0,
                         const void* /*stream*/ = nullptr,
                         std::source_location where = std::source_location::current()) const {
    return {{text, nullptr, grid, block, shared_bytes, where}, call};
  }
};

template <typename... Parameters>
TypedKernel<Parameters...> typed_kernel(const char* text, void (*function)(Parameters...)) {
  return {text, function};
}

/// Of a template whose arguments follow from the kernel's.
template <typename Call>
DeducedKernel<Call> deduced_kernel(const char* text, Call call) {
  return {text, call};
}

}  // namespace tern::emulator::program

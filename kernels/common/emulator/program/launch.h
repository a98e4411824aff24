// What a launch in a translated program becomes (translate.h):
//
//   kernel<<<grid, block>>>(x, n);   ->   program::typed_kernel({"kernel", "data,count"}, kernel).on(grid, block)(x, n);
#pragma once

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/global_memory.h"

namespace tern::emulator::program {

/// A kernel as the source has it.
struct KernelText {
  const char* text;        ///< before <<<
  const char* parameters;  ///< their names with commas between; empty where they are not known
};

/// What stands between <<< and >>>, and where.
struct LaunchPlace {
  KernelText kernel;
  const void* function;
  dim3 grid, block;
  std::size_t shared_bytes;
  std::source_location where;
};

/// Where a kernel's arguments lie, which it may read, and of each its value, if it is a pointer; they have no names yet.
struct LaunchArguments {
  const void* begin;
  std::size_t bytes;
  std::vector<ArrayName> values;
};

/// Ends the launch that runs, if one does: a kernel launches another.
void refuse_in_launch(const LaunchPlace& place);
/// Runs it. A fault of the kernel is printed and kept as the runtime's error, as a GPU's would be.
void launch(const LaunchPlace& place, const std::function<void()>& kernel, LaunchArguments arguments);

template <typename T>
ArrayName array_of(const T& argument) {
  using Pointee = std::remove_pointer_t<T>;
  if constexpr (!std::is_pointer_v<T> || std::is_function_v<Pointee>)
    return {.is_single = true};
  else if constexpr (std::is_void_v<Pointee>)
    return {.begin = const_cast<const void*>(argument)};
  else
    return {.begin = const_cast<const std::remove_cv_t<Pointee>*>(argument),
            .element_bytes = sizeof(Pointee),
            .is_read_only = std::is_const_v<Pointee>};
}

/// Whether a value of the type is copied and forgotten as its bytes are, and so passed to functions as it is: by the Itanium ABI others
/// are passed by the place of a copy.
template <typename T>
inline constexpr bool kIsPlain = std::is_trivially_copy_constructible_v<T>&&
    std::is_trivially_move_constructible_v<T>&& std::is_trivially_destructible_v<T>;

/// A kernel's argument, as nvcc hands it to the device: its bytes. An object's copies and its end are the host's.
template <typename T>
struct Bytes {
  alignas(T) unsigned char bytes[sizeof(T)];
};
template <typename T>
using Kept = std::conditional_t<kIsPlain<T>, T, Bytes<T>>;
template <typename T>
Kept<T> keep(T& argument) {
  if constexpr (kIsPlain<T>) {
    return argument;
  } else {
    Bytes<T> kept;
    __builtin_memcpy(kept.bytes, &reinterpret_cast<unsigned char&>(argument), sizeof(T));
    return kept;
  }
}
template <typename T>
using Passed = std::conditional_t<kIsPlain<T>, T, T&>;
template <typename T>
TERN_UNTOLD Passed<T> passed(Kept<T>& kept) {
  return reinterpret_cast<T&>(kept);
}

/// What a thread does: the kernel, with a copy of each argument of its own.
template <typename... Parameters>
struct TypedCall {
  void (*kernel)(Parameters...);

  TERN_UNTOLD void operator()(Kept<Parameters>... kept) const {
    reinterpret_cast<void (*)(Passed<Parameters>...)>(kernel)(passed<Parameters>(kept)...);
  }
};

template <typename Call, typename Tuple, std::size_t... I>
TERN_UNTOLD void call_with(const Call& call, const Tuple& arguments, std::index_sequence<I...>) {
  call(std::get<I>(arguments)...);
}

template <typename Call, typename... Arguments>
void launch_with(const LaunchPlace& place, const Call& call, const std::tuple<Arguments...>& arguments) {
  refuse_in_launch(place);
  const auto values = [](const Arguments&... each) { return std::vector<ArrayName>{array_of(each)...}; };
  launch(place,
         [&call, &arguments]()
             TERN_UNTOLD { call_with(call, arguments, std::index_sequence_for<Arguments...>()); },
         {&arguments, sizeof arguments, std::apply(values, arguments)});
}

template <typename... Parameters>
struct TypedLaunch {
  LaunchPlace place;
  void (*kernel)(Parameters...);

  void operator()(Parameters... arguments) const {
    launch_with(place, TypedCall<Parameters...>{kernel},
                std::tuple<Kept<Parameters>...>(keep<Parameters>(arguments)...));
  }
  /// As cudaLaunchKernel takes them: where each lies.
  void with(void** arguments) const { with(arguments, std::index_sequence_for<Parameters...>()); }

 private:
  template <std::size_t... I>
  void with([[maybe_unused]] void** arguments, std::index_sequence<I...>) const {
    (*this)(*static_cast<std::remove_reference_t<Parameters>*>(arguments[I])...);
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
  KernelText text;
  void (*function)(Parameters...);

  TypedLaunch<Parameters...> on(dim3 grid, dim3 block, std::size_t shared_bytes = 0,
                                const void* /*stream*/ = nullptr,
                                std::source_location where = std::source_location::current()) const {
    return {{text, reinterpret_cast<const void*>(function), grid, block, shared_bytes, where}, function};
  }
};

template <typename Call>
struct DeducedKernel {
  KernelText text;
  Call call;

  DeducedLaunch<Call> on(dim3 grid, dim3 block, std::size_t shared_bytes = 0,
                         const void* /*stream*/ = nullptr,
                         std::source_location where = std::source_location::current()) const {
    return {{text, nullptr, grid, block, shared_bytes, where}, call};
  }
};

template <typename... Parameters>
TypedKernel<Parameters...> typed_kernel(KernelText text, void (*function)(Parameters...)) {
  return {text, function};
}

/// Of a template whose arguments follow from the kernel's.
template <typename Call>
DeducedKernel<Call> deduced_kernel(KernelText text, Call call) {
  return {text, call};
}

}  // namespace tern::emulator::program

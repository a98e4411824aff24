// What __shared__, __device__ and __constant__ variables of a translated program become (translate.h).
#pragma once

#include <array>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/global_memory.h"

namespace tern::emulator::program {

/// Shared memory is watched by element: numbers as they are (__half is one), and of structs, whose members threads may share, words.
template <typename Array>
struct SharedElement {
  using Element = std::remove_all_extents_t<Array>;
  static constexpr std::size_t kWord = sizeof(Element) % 4 == 0 ? 4 : sizeof(Element) == 2 ? 2 : 1;
  static constexpr std::size_t kBytes =
      std::is_class_v<Element> || std::is_union_v<Element> ? kWord : sizeof(Element);
};

/// The extents of an array but the first; none where its elements are watched by words.
template <typename T>
constexpr auto kInnerExtents = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array<std::size_t, sizeof...(I)>{std::extent_v<T, I + 1>...};
}
(std::make_index_sequence<SharedElement<T>::kBytes == sizeof(typename SharedElement<T>::Element) &&
                                  std::rank_v<T> != 0
                              ? std::rank_v<T> - 1
                              : 0>());

template <typename T>
TERN_UNTOLD T& shared(const char* name, const char* file, int line) {
  constexpr std::size_t kBytes = SharedElement<T>::kBytes;
  return *static_cast<T*>(shared_array(name, file, line, kBytes, sizeof(T) / kBytes, kInnerExtents<T>));
}

/// `Array`: T[1], where the source has T[].
template <typename Array>
TERN_UNTOLD std::remove_extent_t<Array>* dynamic_shared(const char* name) {
  return static_cast<std::remove_extent_t<Array>*>(dynamic_shared_array(name, SharedElement<Array>::kBytes));
}

/// Declared outside of functions.
template <typename Array>
class DynamicShared {
 public:
  explicit DynamicShared(const char* name) : name_(name) {}
  TERN_UNTOLD operator std::remove_extent_t<Array>*() const { return dynamic_shared<Array>(name_); }

 private:
  const char* name_;
};

/// `variable`: its name and where it lies.
void note_variable(const ArrayName& variable, std::size_t bytes, bool is_constant, const char* file,
                   int line);
/// Of all that were noted.
std::vector<ArrayName> variable_names();
/// Whether the address is in one, as those of cudaGetSymbolAddress are.
bool is_variable(const volatile void* address);

/// Tells the emulator of a __device__, __managed__ or __constant__ variable.
struct Variable {
  template <typename T>
  Variable(const char* name, const T& variable, bool is_constant, const char* file, int line) {
    const void* const begin = const_cast<const char*>(&reinterpret_cast<const volatile char&>(variable));
    note_variable({name, begin, sizeof(std::remove_extent_t<T>), is_constant, !std::is_array_v<T>}, sizeof(T),
                  is_constant, file, line);
  }
};

}  // namespace tern::emulator::program

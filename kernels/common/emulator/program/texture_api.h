// CUDA's arrays and texture objects, of one to three dimensions. An array lies row by row in the device's memory, and a texture's
// reads are counted as loads of that; a GPU lays arrays out in tiles.
#pragma once

#include <array>
#include <type_traits>

#include "kernels/common/emulator/program/runtime_api.h"
#include "kernels/common/emulator/program/texture_types.h"
#include "kernels/common/emulator/program/vector_types.h"
#include "kernels/common/emulator/program/volume_api.h"

namespace tern::emulator::program {

/// T is a number or a vector of them.
template <typename T, typename = void>
struct ElementOf {
  using Number = T;
  static constexpr int kCount = 1;
};
template <typename T>
struct ElementOf<T, std::void_t<decltype(T::x)>> {
  using Number = decltype(T::x);
  static constexpr int kCount = sizeof(T) / sizeof(Number);
};

template <typename Number>
constexpr cudaChannelFormatKind kind_of() {
  if (std::is_floating_point_v<Number>) return cudaChannelFormatKindFloat;
  return std::is_signed_v<Number> ? cudaChannelFormatKindSigned : cudaChannelFormatKindUnsigned;
}

/// What a kernel wants of a texture.
struct TextureRead {
  const char* function;
  int dimensions;
  bool by_index;              ///< as tex1Dfetch, not by coordinates
  std::array<float, 3> at{};  ///< coordinates
  int index = 0;
  cudaChannelFormatKind wanted = cudaChannelFormatKindFloat;
  int bytes = 4;  ///< of a number that is wanted
};
/// The numbers of an element, or between elements. The launch ends if the texture is another than what the kernel reads.
std::array<double, 4> read_texture(cudaTextureObject_t texture, const TextureRead& read, TernPlace where);

template <typename T>
T read_texture_as(cudaTextureObject_t texture, TextureRead read, TernPlace where) {
  using Number = typename ElementOf<T>::Number;
  read.wanted = kind_of<Number>();
  read.bytes = sizeof(Number);
  const std::array<double, 4> got = read_texture(texture, read, where);
  T value{};
  Number numbers[ElementOf<T>::kCount];
  for (int i = 0; i < ElementOf<T>::kCount; ++i)
    numbers[i] = static_cast<Number>(got[static_cast<std::size_t>(i)]);
  __builtin_memcpy(&value, numbers, sizeof numbers);
  return value;
}

cudaError_t allocate_array(cudaArray_t* array, const cudaChannelFormatDesc* format, cudaExtent extent,
                           const char* function, TernPlace where);
cudaError_t free_array(cudaArray_t array, TernPlace where);
/// Bytes along x, rows along y, slices along z.
struct ArrayPart {
  cudaArray_t array;
  size_t x, y, z;
};
cudaError_t copy_to_array(ArrayPart to, const cudaPitchedPtr& from, cudaExtent extent, cudaMemcpyKind kind,
                          const char* function, TernPlace where);
cudaError_t copy_from_array(const cudaPitchedPtr& to, ArrayPart from, cudaExtent extent, cudaMemcpyKind kind,
                            const char* function, TernPlace where);
cudaError_t create_texture(cudaTextureObject_t* texture, const cudaResourceDesc* resource,
                           const cudaTextureDesc* how, TernPlace where);

}  // namespace tern::emulator::program

#define TERN_WHERE TernPlace where = TernPlace::current()

inline cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w, cudaChannelFormatKind kind) {
  return {x, y, z, w, kind};
}
template <typename T>
cudaChannelFormatDesc cudaCreateChannelDesc() {
  using Element = tern::emulator::program::ElementOf<T>;
  constexpr int kBits = 8 * sizeof(typename Element::Number);
  return {kBits, Element::kCount > 1 ? kBits : 0, Element::kCount > 2 ? kBits : 0,
          Element::kCount > 3 ? kBits : 0, tern::emulator::program::kind_of<typename Element::Number>()};
}

inline cudaError_t cudaMallocArray(cudaArray_t* array, const cudaChannelFormatDesc* format, size_t width,
                                   size_t height = 0, unsigned = 0, TERN_WHERE) {
  return tern::emulator::program::allocate_array(array, format, {width, height, 0}, "cudaMallocArray", where);
}
inline cudaError_t cudaMalloc3DArray(cudaArray_t* array, const cudaChannelFormatDesc* format,
                                     cudaExtent extent, unsigned = 0, TERN_WHERE) {
  return tern::emulator::program::allocate_array(array, format, extent, "cudaMalloc3DArray", where);
}
inline cudaError_t cudaFreeArray(cudaArray_t array, TERN_WHERE) {
  return tern::emulator::program::free_array(array, where);
}
inline cudaError_t cudaMemcpy2DToArray(cudaArray_t to, size_t x, size_t y, const void* from, size_t pitch,
                                       size_t width, size_t height, cudaMemcpyKind kind, TERN_WHERE) {
  return tern::emulator::program::copy_to_array(
      {to, x, y, 0}, make_cudaPitchedPtr(const_cast<void*>(from), pitch, width, height), {width, height, 1},
      kind, "cudaMemcpy2DToArray", where);
}
inline cudaError_t cudaMemcpyToArray(cudaArray_t to, size_t x, size_t y, const void* from, size_t bytes,
                                     cudaMemcpyKind kind, TERN_WHERE) {
  return tern::emulator::program::copy_to_array({to, x, y, 0},
                                                make_cudaPitchedPtr(const_cast<void*>(from), bytes, bytes, 1),
                                                {bytes, 1, 0}, kind, "cudaMemcpyToArray", where);
}
inline cudaError_t cudaMemcpy2DFromArray(void* to, size_t pitch, cudaArray_const_t from, size_t x, size_t y,
                                         size_t width, size_t height, cudaMemcpyKind kind, TERN_WHERE) {
  return tern::emulator::program::copy_from_array(make_cudaPitchedPtr(to, pitch, width, height),
                                                  {const_cast<cudaArray_t>(from), x, y, 0},
                                                  {width, height, 1}, kind, "cudaMemcpy2DFromArray", where);
}

inline cudaError_t cudaCreateTextureObject(cudaTextureObject_t* texture, const cudaResourceDesc* resource,
                                           const cudaTextureDesc* how, const cudaResourceViewDesc* = nullptr,
                                           TERN_WHERE) {
  return tern::emulator::program::create_texture(texture, resource, how, where);
}
cudaError_t cudaDestroyTextureObject(cudaTextureObject_t texture);

template <typename T>
T tex1Dfetch(cudaTextureObject_t texture, int index, TERN_WHERE) {
  return tern::emulator::program::read_texture_as<T>(
      texture, {.function = "tex1Dfetch", .dimensions = 1, .by_index = true, .index = index}, where);
}
template <typename T>
T tex1D(cudaTextureObject_t texture, float x, TERN_WHERE) {
  return tern::emulator::program::read_texture_as<T>(
      texture, {.function = "tex1D", .dimensions = 1, .by_index = false, .at = {x, 0, 0}}, where);
}
template <typename T>
T tex2D(cudaTextureObject_t texture, float x, float y, TERN_WHERE) {
  return tern::emulator::program::read_texture_as<T>(
      texture, {.function = "tex2D", .dimensions = 2, .by_index = false, .at = {x, y, 0}}, where);
}
template <typename T>
T tex3D(cudaTextureObject_t texture, float x, float y, float z, TERN_WHERE) {
  return tern::emulator::program::read_texture_as<T>(
      texture, {.function = "tex3D", .dimensions = 3, .by_index = false, .at = {x, y, z}}, where);
}
template <typename T>
void tex1Dfetch(T* value, cudaTextureObject_t texture, int index, TERN_WHERE) {
  *value = tex1Dfetch<T>(texture, index, where);
}
template <typename T>
void tex1D(T* value, cudaTextureObject_t texture, float x, TERN_WHERE) {
  *value = tex1D<T>(texture, x, where);
}
template <typename T>
void tex2D(T* value, cudaTextureObject_t texture, float x, float y, TERN_WHERE) {
  *value = tex2D<T>(texture, x, y, where);
}
template <typename T>
void tex3D(T* value, cudaTextureObject_t texture, float x, float y, float z, TERN_WHERE) {
  *value = tex3D<T>(texture, x, y, z, where);
}

#undef TERN_WHERE

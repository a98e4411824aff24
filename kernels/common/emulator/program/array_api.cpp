// CUDA's arrays, and memory of three dimensions.
#include <fmt/format.h>

#include <algorithm>

#include "kernels/common/emulator/program/cuda_array.h"
#include "kernels/common/emulator/program/faults.h"

namespace tern::emulator::program {

int count_of(const cudaChannelFormatDesc& format) {
  return format.y == 0 ? 1 : format.z == 0 ? 2 : format.w == 0 ? 3 : 4;
}

std::size_t bytes_of(const cudaChannelFormatDesc& format) {
  return static_cast<std::size_t>(count_of(format) * format.x) / 8;
}

std::string wrong_format(const cudaChannelFormatDesc& format) {
  const bool is_equal = (format.y == 0 || format.y == format.x) && (format.z == 0 || format.z == format.x) &&
                        (format.w == 0 || format.w == format.x);
  const bool is_known =
      format.f == cudaChannelFormatKindFloat
          ? format.x == 32
          : format.f != cudaChannelFormatKindNone && (format.x == 8 || format.x == 16 || format.x == 32);
  if (is_equal && is_known && count_of(format) != 3) return {};
  return fmt::format("wanted elements of 1, 2 or 4 numbers of 8, 16 or 32 bits, got {} {} {} {} bits",
                     format.x, format.y, format.z, format.w);
}

cudaError_t refuse_array(const char* function, TernPlace where, const std::string& text) {
  report_fault(fmt::format("{}: {}: {}", text_of(where), function, text));
  return returned(cudaErrorInvalidValue);
}

cudaError_t allocate_array(cudaArray_t* array, const cudaChannelFormatDesc* format, cudaExtent extent,
                           const char* function, TernPlace where) {
  if (array == nullptr || format == nullptr)
    return refuse_array(function, where, "wanted a place for the array and a format, got null");
  if (const std::string wrong = wrong_format(*format); !wrong.empty())
    return refuse_array(function, where, wrong);
  if (extent.width == 0) return refuse_array(function, where, "wanted a width of at least 1, got 0");
  *array = nullptr;
  const int dimensions = extent.height == 0 ? 1 : extent.depth == 0 ? 2 : 3;
  const cudaExtent all{extent.width, std::max<size_t>(extent.height, 1), std::max<size_t>(extent.depth, 1)};
  void* memory = nullptr;
  const cudaError_t error = allocate(&memory, all.width * all.height * all.depth * bytes_of(*format),
                                     MemoryKind::device, function, where);
  if (error == cudaSuccess) *array = new cudaArray{memory, *format, all, dimensions};
  return error;
}

cudaError_t free_array(cudaArray_t array, TernPlace where) {
  if (array == nullptr) return cudaSuccess;
  const cudaError_t error = deallocate(array->memory, "cudaFreeArray", where);
  delete array;
  return error;
}

namespace {

/// What is wrong with a part; empty if it lies in the array.
std::string wrong_part(const ArrayPart& part, const cudaExtent& extent) {
  if (part.array == nullptr) return "wanted an array, got null";
  const cudaExtent& all = part.array->extent;
  const size_t row = all.width * bytes_of(part.array->format);
  if (part.x + extent.width <= row && part.y + extent.height <= all.height &&
      part.z + std::max<size_t>(extent.depth, 1) <= all.depth)
    return {};
  return fmt::format(
      "wanted a part of the array's {} x {} x {} bytes, rows and slices, got {} x {} x {} from {}, {}, {} on",
      row, all.height, all.depth, extent.width, extent.height, std::max<size_t>(extent.depth, 1), part.x,
      part.y, part.z);
}

char* begin_of(const ArrayPart& part, size_t slice) {
  const cudaExtent& all = part.array->extent;
  const size_t row = all.width * bytes_of(part.array->format);
  return static_cast<char*>(part.array->memory) + ((part.z + slice) * all.height + part.y) * row + part.x;
}

char* begin_of(const cudaPitchedPtr& memory, size_t slice) {
  return static_cast<char*>(memory.ptr) + slice * memory.ysize * memory.pitch;
}

/// The memory's part that begins there.
cudaPitchedPtr part_of(cudaPitchedPtr memory, const cudaPos& at) {
  memory.ptr = begin_of(memory, at.z) + at.y * memory.pitch + at.x;
  return memory;
}

}  // namespace

cudaError_t copy_to_array(ArrayPart to, const cudaPitchedPtr& from, cudaExtent extent, cudaMemcpyKind kind,
                          const char* function, TernPlace where) {
  // cudaMemcpyToArray fills rows one after another.
  const bool is_run = extent.depth == 0 && to.array != nullptr;
  if (is_run && to.x == 0) {
    const size_t row = to.array->extent.width * bytes_of(to.array->format);
    if (extent.width > row && extent.width % row == 0)
      return copy_to_array(to, {from.ptr, row, row, extent.width / row}, {row, extent.width / row, 1}, kind,
                           function, where);
  }
  if (const std::string wrong = wrong_part(to, extent); !wrong.empty())
    return refuse_array(function, where, wrong);
  const size_t row = to.array->extent.width * bytes_of(to.array->format);
  for (size_t slice = 0; slice < std::max<size_t>(extent.depth, 1); ++slice) {
    const cudaError_t error = copy(begin_of(to, slice), begin_of(from, slice),
                                   {extent.width, extent.height, row, from.pitch}, kind, function, where);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

cudaError_t copy_from_array(const cudaPitchedPtr& to, ArrayPart from, cudaExtent extent, cudaMemcpyKind kind,
                            const char* function, TernPlace where) {
  if (const std::string wrong = wrong_part(from, extent); !wrong.empty())
    return refuse_array(function, where, wrong);
  const size_t row = from.array->extent.width * bytes_of(from.array->format);
  for (size_t slice = 0; slice < std::max<size_t>(extent.depth, 1); ++slice) {
    const cudaError_t error = copy(begin_of(to, slice), begin_of(from, slice),
                                   {extent.width, extent.height, to.pitch, row}, kind, function, where);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

cudaError_t copy_volume(const cudaMemcpy3DParms& of, TernPlace where) {
  constexpr const char* kFunction = "cudaMemcpy3D";
  if (of.srcArray != nullptr && of.dstArray != nullptr)
    return refuse(kFunction, "Between two arrays, copy through memory of cudaMalloc3D", where);
  const cudaArray* const array = of.srcArray != nullptr ? of.srcArray : of.dstArray;
  const size_t unit =
      array == nullptr ? 1 : bytes_of(array->format);  // of widths, which are elements of an array
  const cudaExtent extent{of.extent.width * unit, of.extent.height, std::max<size_t>(of.extent.depth, 1)};
  const auto part = [&](cudaArray_t one, const cudaPos& at) {
    return ArrayPart{one, at.x * unit, at.y, at.z};
  };
  const cudaPitchedPtr from = part_of(of.srcPtr, of.srcPos), to = part_of(of.dstPtr, of.dstPos);
  if (of.dstArray != nullptr)
    return copy_to_array(part(of.dstArray, of.dstPos), from, extent, of.kind, kFunction, where);
  if (of.srcArray != nullptr)
    return copy_from_array(to, part(of.srcArray, of.srcPos), extent, of.kind, kFunction, where);
  for (size_t slice = 0; slice < extent.depth; ++slice) {
    const Rows rows{extent.width, extent.height, to.pitch, from.pitch};
    const cudaError_t error =
        copy(begin_of(to, slice), begin_of(from, slice), rows, of.kind, kFunction, where);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

}  // namespace tern::emulator::program

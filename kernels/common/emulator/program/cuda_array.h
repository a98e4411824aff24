// What a cudaArray is. For array_api.cpp and texture_api.cpp alone.
#pragma once

#include <string>

#include "kernels/common/emulator/program/texture_api.h"

/// Rows of elements, without room between them.
struct cudaArray {
  void* memory = nullptr;
  cudaChannelFormatDesc format{};
  cudaExtent extent{};  ///< in elements, none of them 0
  int dimensions = 1;
};

namespace tern::emulator::program {

/// Numbers of an element, and its bytes.
int count_of(const cudaChannelFormatDesc& format);
std::size_t bytes_of(const cudaChannelFormatDesc& format);
/// What is wrong with a format; empty if nothing is.
std::string wrong_format(const cudaChannelFormatDesc& format);
/// Prints what was wrong with a call.
cudaError_t refuse_array(const char* function, TernPlace where, const std::string& text);

}  // namespace tern::emulator::program

// Allocations and copies of the runtime API, with their checks.
#include <fmt/format.h>

#include <cstring>

#include "kernels/common/emulator/allocations.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/program/device_memory.h"
#include "kernels/common/emulator/program/faults.h"
#include "kernels/common/emulator/program/program.h"
#include "kernels/common/emulator/program/runtime_api.h"
#include "kernels/common/emulator/program/variables.h"

namespace tern::emulator::program {
namespace {

cudaError_t misuse(cudaError_t error, const char* function, TernPlace where, const std::string& text) {
  report_fault(fmt::format("{}: {}: {}", text_of(where), function, text));
  return returned(error);
}

const char* name_of(cudaMemcpyKind kind) {
  static constexpr const char* kNames[] = {"cudaMemcpyHostToHost", "cudaMemcpyHostToDevice",
                                           "cudaMemcpyDeviceToHost", "cudaMemcpyDeviceToDevice",
                                           "cudaMemcpyDefault"};
  return kind >= 0 && kind <= 4 ? kNames[kind] : nullptr;
}

std::size_t extent_of(const Rows& rows, std::size_t pitch) {
  return rows.height == 0 || rows.width == 0 ? 0 : (rows.height - 1) * pitch + rows.width;
}

/// What is wrong with one side of a copy; empty if nothing. `side`: "destination" or "source".
std::string wrong_side(const char* side, const void* memory, std::size_t bytes, bool wants_device,
                       bool is_any) {
  const DeviceMemory& all = DeviceMemory::instance();
  const auto* const found = all.find(memory);
  if (found == nullptr) {
    if (const std::string freed = all.find_freed(memory); !freed.empty())
      return fmt::format("the {} was freed: {}", side, freed);
    if (all.is_closed_to_host(memory))
      return fmt::format("the {} is no memory that cudaMalloc has given", side);
    return wants_device && !is_any ? fmt::format("wanted device memory as {}, got a host pointer", side)
                                   : std::string();
  }
  const auto& [begin, allocation] = *found;
  if (allocation.kind == MemoryKind::heap)
    return fmt::format("the {} is {}, which the host cannot copy: let a kernel do it", side, allocation.name);
  if (!wants_device && !is_any && allocation.kind == MemoryKind::device)
    return fmt::format("wanted host memory as {}, got {}", side, allocation.name);
  const std::size_t room =
      static_cast<std::size_t>(begin + allocation.bytes - static_cast<const std::byte*>(memory));
  if (bytes <= room) return {};
  return fmt::format("wanted at most {}, the rest of the {}'s {}, got {}", counted(room, "byte"), side,
                     allocation.name, bytes);
}

/// To the host: what no kernel has written is seldom what is wanted there.
void note_unwritten(const void* from, const Rows& rows, const char* function, TernPlace where) {
  for (std::size_t row = 0; row < rows.height; ++row) {
    const auto at = reinterpret_cast<std::uintptr_t>(from) + row * rows.from_pitch;
    const std::string fault = Allocations::instance().unwritten_fault(at, rows.width, Access::read);
    if (fault.empty()) continue;
    Allocations::instance().forget_unwritten(at);  // once is enough
    return report_note(fmt::format("{}: {}: {}", text_of(where), function, fault));
  }
}

}  // namespace

cudaError_t allocate(void** memory, std::size_t bytes, MemoryKind kind, const char* function,
                     TernPlace where) {
  refuse_kernel_code(function, where);
  prepare_program();
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (memory == nullptr)
    return misuse(cudaErrorInvalidValue, function, where, "wanted a place for the pointer, got null");
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  DeviceMemory& all = DeviceMemory::instance();
  *memory = all.allocate(bytes, kind,
                         fmt::format("{} of {} ({})", function, counted(bytes, "byte"), text_of(where)));
  if (*memory == nullptr) {
    return misuse(cudaErrorMemoryAllocation, function, where,
                  fmt::format("wanted {}, got a device with {} of {} free", counted(bytes, "byte"),
                              all.total_bytes() - all.used_bytes(), all.total_bytes()));
  }
  if (kind != MemoryKind::device) mark_written(*memory, bytes);  // who knows what the host does to it
  return cudaSuccess;
}

cudaError_t deallocate(void* memory, const char* function, TernPlace where) {
  refuse_kernel_code(function, where);
  prepare_program();
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (memory == nullptr || DeviceMemory::instance().release(memory)) return cudaSuccess;
  const std::string freed = DeviceMemory::instance().find_freed(memory);
  return misuse(
      cudaErrorInvalidValue, function, where,
      freed.empty() ? "wanted a pointer that cudaMalloc has given, got another" : "freed before: " + freed);
}

cudaError_t register_host(void* memory, std::size_t bytes, TernPlace where) {
  prepare_program();
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (memory == nullptr || bytes == 0 || DeviceMemory::instance().find(memory) != nullptr)
    return misuse(cudaErrorInvalidValue, "cudaHostRegister", where, "wanted memory of the host, got none");
  add_allocation(memory, bytes,
                 fmt::format("cudaHostRegister of {} ({})", counted(bytes, "byte"), text_of(where)));
  mark_written(memory, bytes);
  return cudaSuccess;
}

cudaError_t unregister_host(void* memory, TernPlace where) {
  if (sticky_error() != cudaSuccess) return sticky_error();
  if (memory == nullptr)
    return misuse(cudaErrorInvalidValue, "cudaHostUnregister", where, "wanted registered memory, got null");
  remove_allocation(memory);
  return cudaSuccess;
}

cudaError_t attributes_of(cudaPointerAttributes* attributes, const void* memory) {
  const auto* const found = DeviceMemory::instance().find(memory);
  void* const plain_memory = const_cast<void*>(memory);
  *attributes = {cudaMemoryTypeUnregistered, 0, nullptr, plain_memory};
  const bool is_heap = found != nullptr && found->second.kind == MemoryKind::heap;
  if (is_heap || (found != nullptr && found->second.kind == MemoryKind::device))
    *attributes = {cudaMemoryTypeDevice, 0, plain_memory, nullptr};
  else if (found != nullptr)
    *attributes = {found->second.kind == MemoryKind::managed ? cudaMemoryTypeManaged : cudaMemoryTypeHost, 0,
                   plain_memory, plain_memory};
  return returned(sticky_error());
}

cudaError_t copy(void* to, const void* from, Rows rows, cudaMemcpyKind kind, const char* function,
                 TernPlace where) {
  refuse_kernel_code(function, where);
  prepare_program();
  if (sticky_error() != cudaSuccess) return sticky_error();
  const char* const name = name_of(kind);
  if (name == nullptr)
    return misuse(cudaErrorInvalidMemcpyDirection, function, where, "wanted a direction, got none");
  if (rows.height > 1 && (rows.to_pitch < rows.width || rows.from_pitch < rows.width))
    return misuse(cudaErrorInvalidPitchValue, function, where,
                  "wanted rows of at most a pitch, got longer ones");
  const std::size_t to_bytes = extent_of(rows, rows.to_pitch), from_bytes = extent_of(rows, rows.from_pitch);
  if (to_bytes == 0) return cudaSuccess;
  if (to == nullptr || from == nullptr)
    return misuse(cudaErrorInvalidValue, function, where,
                  to == nullptr ? "the destination is null" : "the source is null");
  const bool is_default = kind == cudaMemcpyDefault;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  std::string wrong = is_variable(to) ? "" : wrong_side("destination", to, to_bytes, to_device, is_default);
  if (wrong.empty() && !is_variable(from))
    wrong = wrong_side("source", from, from_bytes, from_device, is_default);
  if (!wrong.empty())
    return misuse(cudaErrorInvalidValue, function, where, fmt::format("{}: {}", name, wrong));
  const OpenDevice open;
  if (!to_device) note_unwritten(from, rows, function, where);
  for (std::size_t row = 0; row < rows.height; ++row) {
    std::byte* const to_row = static_cast<std::byte*>(to) + row * rows.to_pitch;
    std::memmove(to_row, static_cast<const std::byte*>(from) + row * rows.from_pitch, rows.width);
    mark_written(to_row, rows.width);
  }
  return cudaSuccess;
}

cudaError_t fill(void* memory, int value, Rows rows, const char* function, TernPlace where) {
  refuse_kernel_code(function, where);
  prepare_program();
  if (sticky_error() != cudaSuccess) return sticky_error();
  const std::size_t bytes = extent_of(rows, rows.to_pitch);
  if (bytes == 0) return cudaSuccess;
  const std::string wrong = is_variable(memory) ? "" : wrong_side("destination", memory, bytes, true, false);
  if (!wrong.empty()) return misuse(cudaErrorInvalidValue, function, where, wrong);
  const OpenDevice open;
  for (std::size_t row = 0; row < rows.height; ++row) {
    std::byte* const begin = static_cast<std::byte*>(memory) + row * rows.to_pitch;
    std::memset(begin, value, rows.width);
    mark_written(begin, rows.width);
  }
  return cudaSuccess;
}

cudaError_t copy_symbol(void* to, const void* from, std::size_t bytes, std::size_t offset, std::size_t size,
                        bool is_to_symbol, TernPlace where) {
  prepare_program();
  if (sticky_error() != cudaSuccess) return sticky_error();
  const char* const function = is_to_symbol ? "cudaMemcpyToSymbol" : "cudaMemcpyFromSymbol";
  if (offset > size || bytes > size - offset) {
    return misuse(cudaErrorInvalidValue, function, where,
                  fmt::format("wanted at most {} after {}, of a variable of {}, got {}",
                              counted(offset > size ? 0 : size - offset, "byte"), offset, size, bytes));
  }
  std::byte* const begin = static_cast<std::byte*>(to) + (is_to_symbol ? offset : 0);
  const OpenDevice open;
  std::memmove(begin, static_cast<const std::byte*>(from) + (is_to_symbol ? 0 : offset), bytes);
  return cudaSuccess;
}

}  // namespace tern::emulator::program

// What is watched in global memory, if asked: accesses outside of what was allocated, reads of what nobody has written, and
// races. Also in which order a launch's blocks and threads take turns, and how long they may take. For the whole program; all
// of it is off at the start.
//
// A fault ends the launch with an Error that says block, thread and line of the source. Lines want debug information (-g).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tern::emulator {

class KernelFault;

/// Memory of the device. `name` is for messages: "cudaMalloc of 4096 bytes (vector_add.cu:12)". Device memory should lie
/// apart from the host's, or a host's pointer is told as one beyond the allocation next to it.
void add_allocation(void* begin, std::size_t bytes, std::string name);
/// Later accesses there are told as such to freed memory. Does nothing if no allocation begins there.
void remove_allocation(void* begin);
/// Addresses that allocations alone are made of, with room between them: none there is the host's, and one between two is told
/// by the nearer.
void note_device_addresses(const void* begin, std::size_t bytes);

/// What a kernel calls memory, for messages: "x[3]".
struct ArrayName {
  std::string name;
  const void* begin = nullptr;    ///< what the pointer holds, wherever that is
  std::size_t element_bytes = 0;  ///< 0: not known
  bool is_read_only = false;      ///< a pointer to const
  bool is_single = false;         ///< a variable that is no array: "count", not "count[0]"
};
/// In place of those before: the names of a launch's pointers, of variables.
void name_arrays(std::vector<ArrayName> names);
/// By the host: cudaMemcpy, cudaMemset.
void mark_written(const void* begin, std::size_t bytes);

struct GlobalChecks {
  /// Kernels touch allocations, their own stack, shared memory and the program's static data (`__device__` variables,
  /// tables of constants), and nothing else.
  bool bounds = false;
  bool races = false;
  /// Told, once for each pair of lines, of races that a GPU runs as they are meant: a plain read beside atomics,
  /// several threads that write the same value. Null: these are faults as others are.
  void (*note)(const KernelFault& harmless) = nullptr;
  /// No byte of an allocation is read before a kernel or mark_written has written it. Allocations made while this is off
  /// count as written.
  bool unwritten = false;
  /// Told of such a read, once for each allocation, and the launch goes on. Null: it is a fault as others are.
  void (*unwritten_read)(const KernelFault& read) = nullptr;
};
void set_global_checks(GlobalChecks checks);

/// Blocks of a launch, and threads of a block after each meeting, take turns in an order drawn from the seed: the n-th launch
/// since this call has the same one each time. 0: in order.
void set_order_seed(std::uint64_t seed);

/// A launch of which one thread runs longer than this without giving way (at a barrier, shuffle or vote), or that takes
/// longer in all, ends with an error that says where it is; 0: never. Processor time of the host's thread that launches.
void set_patience(std::chrono::milliseconds of_thread, std::chrono::milliseconds of_launch);

}  // namespace tern::emulator

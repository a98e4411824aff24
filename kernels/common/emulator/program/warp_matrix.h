// What include/mma.h (CUDA's warp matrix functions, nvcuda::wmma) calls: matrices that the 32 lanes of a warp hold together, read
// from memory, multiplied and written.
//
// CUDA leaves open which lane holds what. Here it is as PTX has it for mma.m16n8k16 and its kin: a matrix is cut into tiles of 8 rows
// (columns, of b) by 4 words, each word 4 bytes of elements along k (or 2 elements along n, of an accumulator); lane l has word l % 4
// of line l / 4 of each tile, tiles counted along m (n, of b) first. So ptxas has it for sm_80 and sm_90, too.
//
// Memory is asked for a word of a tile by each lane: one request a tile. Where a word's elements do not lie side by side in memory
// 16-bit elements are read by words that do, and turned over in registers (ldmatrix, movmatrix); others one by one.
#pragma once

#include <source_location>

namespace tern::emulator::program {

enum class Number { fp16, bf16, tf32, s8, u8, fp32, s32 };

constexpr int bytes_of(Number number) {
  if (number == Number::s8 || number == Number::u8) return 1;
  return number == Number::fp16 || number == Number::bf16 ? 2 : 4;
}

/// One of the matrices of d = a b + c: a is m x k, b is k x n, c and d are m x n.
struct FragmentType {
  enum class Role { a, b, accumulator };
  Role role;
  Number number;
  int m, n, k;

  constexpr int distinct() const { return (role == Role::a ? m * k : role == Role::b ? k * n : m * n) / 32; }
  /// That a lane has. CUDA's count: of a and b in fp16 always 16, where a smaller matrix is repeated.
  constexpr int elements() const {
    return role != Role::accumulator && number == Number::fp16 ? 16 : distinct();
  }
};

struct FragmentMemory {
  const void* begin;
  unsigned stride;  ///< elements from one row (column) to the next
  bool row_major;
};

// By every lane of the warp; `x`: the lane's elements. The launch ends with an error if a lane does not come or gives another matrix,
// or if memory is not aligned as CUDA wants it (32 bytes, the stride 16).
void load_fragment(const FragmentType& type, void* x, const FragmentMemory& memory,
                   std::source_location where);
void store_fragment(const FragmentType& type, const void* x, const FragmentMemory& memory,
                    std::source_location where);

/// d = a b + c. Numbers with a fraction are multiplied in float, exactly, and added to c in float one after another along k; an fp16
/// result is rounded once, at the end. Integers wrap around, or saturate. tf32: an element that is none ends the launch.
struct FragmentProduct {
  FragmentType a, b, c, d;
  bool saturates = false;
};
void multiply_fragments(const FragmentProduct& product, const void* a, const void* b, const void* c, void* d,
                        std::source_location where);

}  // namespace tern::emulator::program

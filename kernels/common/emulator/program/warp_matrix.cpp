#include "kernels/common/emulator/program/warp_matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/profile/request_counter.h"
#include "kernels/common/emulator/program/faults.h"
#include "kernels/common/emulator/program/small_floats.h"

namespace tern::emulator::program {
namespace {

using Role = FragmentType::Role;

constexpr int kLines = 8, kWords = 4;  ///< of a tile
constexpr std::size_t kAlignment = 32, kStrideAlignment = 16;
constexpr int kMostElements = 32 * 16;  ///< of a matrix

/// Of an element: along m (n, of b), and along k (n, of an accumulator).
struct Place {
  int outer, inner;
};

int outer_extent(const FragmentType& type) {
  return type.role == Role::b ? type.n : type.m;
}

/// Elements that a lane has side by side along `inner`.
int word_of(const FragmentType& type) {
  return type.role == Role::accumulator ? 2 : 4 / bytes_of(type.number);
}

Place place_of(const FragmentType& type, int element, int lane) {
  const int word = word_of(type), tile = element / word, tiles = outer_extent(type) / kLines;
  return {tile % tiles * kLines + lane / kWords,
          (tile / tiles * kWords + lane % kWords) * word + element % word};
}

/// Whether elements that follow one another along `inner` do so in memory.
bool is_along_inner(const FragmentType& type, bool row_major) {
  return type.role == Role::b ? !row_major : row_major;
}

std::uintptr_t address_of(const FragmentType& type, const FragmentMemory& memory, Place place) {
  const bool along_inner = is_along_inner(type, memory.row_major);
  const auto line = static_cast<std::size_t>(along_inner ? place.outer : place.inner);
  const auto column = static_cast<std::size_t>(along_inner ? place.inner : place.outer);
  return reinterpret_cast<std::uintptr_t>(memory.begin) +
         (line * memory.stride + column) * static_cast<std::size_t>(bytes_of(type.number));
}

/// What the running lane's part of the request for the elements from `element` on, a word of a tile, touches.
void note_word(const FragmentType& type, const FragmentMemory& memory, int element, int lane, Access access,
               std::source_location where) {
  const int word = word_of(type), bytes = bytes_of(type.number);
  const auto note = [&](Place place, int elements) {
    note_access(reinterpret_cast<const void*>(address_of(type, memory, place)),
                static_cast<std::size_t>(elements * bytes), access, Strength::plain, where);
  };
  const Place first = place_of(type, element, lane);
  if (is_along_inner(type, memory.row_major)) return note(first, word);
  if (bytes == 2) {  // the tile has as many lines as columns: the lane's word of the other triangle
    const Place corner = place_of(type, element, 0);
    return note({corner.outer + lane % kWords * word, corner.inner + lane / kWords}, word);
  }
  for (int i = 0; i < word; ++i) note(place_of(type, element + i, lane), 1);
}

/// The lanes of the warp wait for one another, each with its own `call`, and the last to come does `check(call of lane, lane)`
/// for all of them before any goes on.
template <typename Call, typename Check>
void meet_with(const char* operation, const Call& call, WaitsFor waits, std::source_location where,
               Check check) {
  Block& block = Block::current();
  if (block.warp_lanes() != ~0u) {
    block.fail(fmt::format("{} wants the 32 lanes of a whole warp, and this warp of the block has {}",
                           operation, std::popcount(block.warp_lanes())),
               text_of(where));
  }
  const bool is_last = block.is_last_of_warp();
  const Block::Brought& calls =
      block.meet_warp(operation, ~0u, reinterpret_cast<std::uintptr_t>(&call), where, waits);
  if (is_last) check(calls);
}

template <typename Call>
const Call& call_of(const Block::Brought& calls, int lane) {
  return *reinterpret_cast<const Call*>(calls[static_cast<std::size_t>(lane)]);
}

struct MemoryCall {
  const FragmentType& type;
  const FragmentMemory& memory;
};

[[noreturn]] void fail_unequal(const char* operation, const char* what, int lane,
                               std::source_location where) {
  Block::current().fail(
      fmt::format("{}: every lane of the warp must give the same {}, but lane {}'s is not lane 0's",
                  operation, what, lane),
      text_of(where));
}

bool is_same(const FragmentType& a, const FragmentType& b) {
  return a.role == b.role && a.number == b.number && a.m == b.m && a.n == b.n && a.k == b.k;
}

void check_alignment(const char* operation, const FragmentType& type, const FragmentMemory& memory,
                     std::source_location where) {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(memory.begin) % kAlignment;
  if (past != 0) {
    Block::current().fail(
        fmt::format("{} wants memory aligned to {} bytes (256 bits), and got an address {} past "
                    "a multiple of them",
                    operation, kAlignment, counted(past, "byte")),
        text_of(where));
  }
  const std::size_t bytes = std::size_t{memory.stride} * static_cast<std::size_t>(bytes_of(type.number));
  if (bytes % kStrideAlignment == 0) return;
  Block::current().fail(
      fmt::format("{} wants rows (columns) a multiple of {} bytes apart, and got ldm {}, {}", operation,
                  kStrideAlignment, memory.stride, counted(bytes, "byte")),
      text_of(where));
}

/// All lanes come with the same matrix in memory; then each touches its words there.
void touch_memory(const char* operation, const FragmentType& type, const FragmentMemory& memory,
                  Access access, std::source_location where) {
  check_alignment(operation, type, memory, where);
  const WaitsFor waits = access == Access::read ? WaitsFor::lanes : WaitsFor::values;
  meet_with(operation, MemoryCall{type, memory}, waits, where, [&](const Block::Brought& calls) {
    const auto& first = call_of<MemoryCall>(calls, 0);
    for (int i = 1; i < 32; ++i) {
      const auto& other = call_of<MemoryCall>(calls, i);
      if (!is_same(other.type, first.type)) fail_unequal(operation, "kind of fragment", i, where);
      if (other.memory.begin != first.memory.begin) fail_unequal(operation, "pointer", i, where);
      if (other.memory.stride != first.memory.stride) fail_unequal(operation, "ldm", i, where);
      if (other.memory.row_major != first.memory.row_major) fail_unequal(operation, "layout", i, where);
    }
  });
  for (int element = 0; element < type.distinct(); element += word_of(type))
    note_word(type, memory, element, static_cast<int>(lane()), access, where);
}

template <typename T>
T element_at(const void* x, int element) {
  T value;
  std::memcpy(&value, static_cast<const char*>(x) + static_cast<std::size_t>(element) * sizeof(T), sizeof(T));
  return value;
}

/// As what products are added up in: float, or an integer.
template <typename Sum>
Sum number_at(Number number, const void* x, int element) {
  switch (number) {
    case Number::fp16:
      return static_cast<Sum>(float_of_half(element_at<unsigned short>(x, element)));
    case Number::bf16:
      return static_cast<Sum>(float_of_bfloat16(element_at<unsigned short>(x, element)));
    case Number::s8:
      return static_cast<Sum>(element_at<signed char>(x, element));
    case Number::u8:
      return static_cast<Sum>(element_at<unsigned char>(x, element));
    case Number::s32:
      return static_cast<Sum>(element_at<std::int32_t>(x, element));
    default:
      return static_cast<Sum>(element_at<float>(x, element));
  }
}

template <typename Sum>
void put_number(Number number, void* x, int element, Sum value, bool saturates) {
  const auto put = [&](auto bits) {
    std::memcpy(static_cast<char*>(x) + static_cast<std::size_t>(element) * sizeof(bits), &bits,
                sizeof(bits));
  };
  if (number == Number::fp16) return put(half_of_float(static_cast<float>(value)));
  if (number == Number::fp32) return put(static_cast<float>(value));
  using Limits = std::numeric_limits<std::int32_t>;
  const auto whole = static_cast<std::int64_t>(value);
  put(static_cast<std::int32_t>(saturates ? std::clamp<std::int64_t>(whole, Limits::min(), Limits::max())
                                          : whole));
}

struct ProductCall {
  const FragmentProduct& product;
  const void *a, *b, *c;
  void* d;
};

/// The warp's matrix: of a and an accumulator by rows, of b by rows along k.
template <typename Sum>
using Matrix = std::array<Sum, kMostElements>;

std::size_t index_of(const FragmentType& type, int element, int lane) {
  const Place place = place_of(type, element, lane);
  const int index = type.role == Role::a   ? place.outer * type.k + place.inner
                    : type.role == Role::b ? place.inner * type.n + place.outer
                                           : place.outer * type.n + place.inner;
  return static_cast<std::size_t>(index);
}

template <typename Sum>
void gather(const FragmentType& type, const Block::Brought& calls, const void* ProductCall::*x,
            Matrix<Sum>& matrix) {
  for (int lane = 0; lane < 32; ++lane) {
    const void* const own = call_of<ProductCall>(calls, lane).*x;
    for (int element = 0; element < type.distinct(); ++element)
      matrix[index_of(type, element, lane)] = number_at<Sum>(type.number, own, element);
  }
}

template <typename Sum>
void multiply(const FragmentProduct& product, const Block::Brought& calls) {
  const int m = product.d.m, n = product.d.n, depth = product.d.k;
  Matrix<Sum> a, b, sums;
  gather(product.a, calls, &ProductCall::a, a);
  gather(product.b, calls, &ProductCall::b, b);
  gather(product.c, calls, &ProductCall::c, sums);
  for (int i = 0; i < m; ++i) {
    for (int k = 0; k < depth; ++k) {
      const Sum left = a[static_cast<std::size_t>(i * depth + k)];
      for (int j = 0; j < n; ++j)
        sums[static_cast<std::size_t>(i * n + j)] += left * b[static_cast<std::size_t>(k * n + j)];
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    void* const own = call_of<ProductCall>(calls, lane).d;
    for (int element = 0; element < product.d.distinct(); ++element)
      put_number(product.d.number, own, element, sums[index_of(product.d, element, lane)], product.saturates);
  }
}

/// A float has 13 bits of fraction more than a tf32.
void check_tf32(const FragmentType& type, const Block::Brought& calls, const void* ProductCall::*x,
                std::source_location where) {
  if (type.number != Number::tf32) return;
  for (int lane = 0; lane < 32; ++lane) {
    for (int element = 0; element < type.distinct(); ++element) {
      const float value = element_at<float>(call_of<ProductCall>(calls, lane).*x, element);
      if (value != value || (std::bit_cast<std::uint32_t>(value) & 0x1fffu) == 0) continue;
      Block::current().fail(fmt::format("mma_sync wants tf32 numbers, each element of a and b converted by "
                                        "__float_to_tf32, and got {} in lane {}",
                                        value, lane),
                            text_of(where));
    }
  }
}

TensorPath path_of(const FragmentProduct& product) {
  switch (product.a.number) {
    case Number::fp16:
      return product.d.number == Number::fp16 ? TensorPath::fp16_fp16 : TensorPath::fp16_fp32;
    case Number::bf16:
      return TensorPath::bf16_fp32;
    case Number::tf32:
      return TensorPath::tf32_fp32;
    default:
      return TensorPath::int8;
  }
}

}  // namespace

void load_fragment(const FragmentType& type, void* x, const FragmentMemory& memory,
                   std::source_location where) {
  touch_memory("load_matrix_sync", type, memory, Access::read, where);
  const auto bytes = static_cast<std::size_t>(bytes_of(type.number));
  for (int element = 0; element < type.elements(); ++element) {
    const Place place = place_of(type, element % type.distinct(), static_cast<int>(lane()));
    std::memcpy(static_cast<char*>(x) + static_cast<std::size_t>(element) * bytes,
                reinterpret_cast<const void*>(address_of(type, memory, place)), bytes);
  }
}

void store_fragment(const FragmentType& type, const void* x, const FragmentMemory& memory,
                    std::source_location where) {
  touch_memory("store_matrix_sync", type, memory, Access::write, where);
  const auto bytes = static_cast<std::size_t>(bytes_of(type.number));
  for (int element = 0; element < type.distinct(); ++element) {
    const Place place = place_of(type, element, static_cast<int>(lane()));
    std::memcpy(reinterpret_cast<void*>(address_of(type, memory, place)),
                static_cast<const char*>(x) + static_cast<std::size_t>(element) * bytes, bytes);
  }
}

void multiply_fragments(const FragmentProduct& product, const void* a, const void* b, const void* c, void* d,
                        std::source_location where) {
  const ProductCall call{product, a, b, c, d};
  meet_with("mma_sync", call, WaitsFor::values, where, [&](const Block::Brought& calls) {
    for (int i = 1; i < 32; ++i) {
      const FragmentProduct& first = call_of<ProductCall>(calls, 0).product;
      const FragmentProduct& other = call_of<ProductCall>(calls, i).product;
      if (!is_same(other.a, first.a) || !is_same(other.d, first.d) || !is_same(other.c, first.c) ||
          other.saturates != first.saturates)
        fail_unequal("mma_sync", "shape and types", i, where);
    }
    check_tf32(product.a, calls, &ProductCall::a, where);
    check_tf32(product.b, calls, &ProductCall::b, where);
    if (product.d.number == Number::s32)
      multiply<std::int64_t>(product, calls);
    else
      multiply<float>(product, calls);
    if (RequestCounter* const counter = RequestCounter::active())
      counter->note_tensor_operations(path_of(product),
                                      std::int64_t{2} * product.d.m * product.d.n * product.d.k);
  });
}

}  // namespace tern::emulator::program

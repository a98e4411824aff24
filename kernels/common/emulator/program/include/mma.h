// CUDA's warp matrix functions (warp_matrix.h): products of small matrices by the lanes of a warp together, on a GPU by its tensor
// cores. The shapes and types of CUDA 13's mma.h but double, and 4 bits and 1 bit.
#ifndef TERN_MMA_H
#define TERN_MMA_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/common/emulator/program/warp_matrix.h"

namespace nvcuda {
namespace wmma {

struct row_major;
struct col_major;
struct matrix_a;
struct matrix_b;
struct accumulator;
namespace precision {
struct tf32;
}
enum layout_t { mem_row_major, mem_col_major };

/// Rounded to 10 bits of fraction, ties away from zero.
inline float __float_to_tf32(float x) {
  const unsigned bits = std::bit_cast<unsigned>(x);
  return (bits & 0x7f800000u) == 0x7f800000u ? x : std::bit_cast<float>((bits + 0x1000u) & ~0x1fffu);
}

namespace tern_detail {

using tern::emulator::program::FragmentType;
using tern::emulator::program::Number;

template <typename T>
struct Element {};
#define TERN_ELEMENT(T, Stored, kind)               \
  template <>                                       \
  struct Element<T> {                               \
    using Storage = Stored;                         \
    static constexpr Number kNumber = Number::kind; \
  };
TERN_ELEMENT(__half, __half, fp16)
TERN_ELEMENT(__nv_bfloat16, __nv_bfloat16, bf16)
TERN_ELEMENT(precision::tf32, float, tf32)
TERN_ELEMENT(signed char, signed char, s8)
TERN_ELEMENT(unsigned char, unsigned char, u8)
TERN_ELEMENT(float, float, fp32)
TERN_ELEMENT(int, int, s32)
#undef TERN_ELEMENT

template <typename Use, int m, int n, int k, typename T>
constexpr FragmentType type_of() {
  using Role = FragmentType::Role;
  const Role role = std::is_same_v<Use, matrix_a>   ? Role::a
                    : std::is_same_v<Use, matrix_b> ? Role::b
                                                    : Role::accumulator;
  return {role, Element<T>::kNumber, m, n, k};
}

template <typename Use, typename Layout>
constexpr bool kHasLayout =
    std::is_same_v<Use, accumulator> ? std::is_void_v<Layout>
                                     : std::is_same_v<Layout, row_major> || std::is_same_v<Layout, col_major>;

constexpr bool exists(const FragmentType& type) {
  const bool is_short = type.m == 16 && type.n == 16 && type.k == 8;
  const bool is_long = type.k == 16 && ((type.m == 16 && type.n == 16) || (type.m == 32 && type.n == 8) ||
                                        (type.m == 8 && type.n == 32));
  const bool is_sum = type.number == Number::fp32 || type.number == Number::s32;
  if (type.role == FragmentType::Role::accumulator)
    return is_short ? type.number == Number::fp32 : is_long && (is_sum || type.number == Number::fp16);
  return type.number == Number::tf32 ? is_short : is_long && !is_sum;
}

/// What a product of such inputs may be added to and come out as.
constexpr bool adds_up(Number input, Number sum) {
  if (input == Number::s8 || input == Number::u8) return sum == Number::s32;
  return sum == Number::fp32 || (input == Number::fp16 && sum == Number::fp16);
}

}  // namespace tern_detail

template <typename Use, int m, int n, int k, typename T, typename Layout = void>
class fragment {
 public:
  static constexpr tern::emulator::program::FragmentType kType = tern_detail::type_of<Use, m, n, k, T>();
  static_assert(tern_detail::exists(kType) && tern_detail::kHasLayout<Use, Layout>,
                "wmma has no fragment of this use, shape, type and layout");
  using element_type = T;
  using storage_element_type = typename tern_detail::Element<T>::Storage;
  enum { num_elements = kType.elements(), num_storage_elements = num_elements };
  storage_element_type x[num_elements];
};

template <typename Use, int m, int n, int k, typename T, typename Layout>
void fill_fragment(fragment<Use, m, n, k, T, Layout>& f,
                   const typename fragment<Use, m, n, k, T, Layout>::storage_element_type& value) {
  for (auto& element : f.x) element = value;
}

template <typename Use, int m, int n, int k, typename T, typename Layout>
void load_matrix_sync(fragment<Use, m, n, k, T, Layout>& f,
                      const typename fragment<Use, m, n, k, T, Layout>::storage_element_type* memory,
                      unsigned ldm, TernPlace where = TernPlace::current()) {
  static_assert(!std::is_same_v<Use, accumulator>, "the layout of an accumulator must be given");
  tern::emulator::program::load_fragment(f.kType, f.x, {memory, ldm, std::is_same_v<Layout, row_major>},
                                         where);
}
template <int m, int n, int k, typename T>
void load_matrix_sync(fragment<accumulator, m, n, k, T>& f, const std::type_identity_t<T>* memory,
                      unsigned ldm, layout_t layout, TernPlace where = TernPlace::current()) {
  tern::emulator::program::load_fragment(f.kType, f.x, {memory, ldm, layout == mem_row_major}, where);
}

template <int m, int n, int k, typename T>
void store_matrix_sync(std::type_identity_t<T>* memory, const fragment<accumulator, m, n, k, T>& f,
                       unsigned ldm, layout_t layout, TernPlace where = TernPlace::current()) {
  tern::emulator::program::store_fragment(f.kType, f.x, {memory, ldm, layout == mem_row_major}, where);
}

/// satf: of integers alone, as in CUDA 13's header.
template <int m, int n, int k, typename T, typename LayoutA, typename LayoutB, typename C, typename D>
void mma_sync(fragment<accumulator, m, n, k, D>& d, const fragment<matrix_a, m, n, k, T, LayoutA>& a,
              const fragment<matrix_b, m, n, k, T, LayoutB>& b, const fragment<accumulator, m, n, k, C>& c,
              TernPlace where = TernPlace::current()) {
  constexpr auto of = [](const auto& type) { return type.number; };
  static_assert(tern_detail::adds_up(of(fragment<matrix_a, m, n, k, T, LayoutA>::kType),
                                     of(fragment<accumulator, m, n, k, C>::kType)) &&
                    tern_detail::adds_up(of(fragment<matrix_a, m, n, k, T, LayoutA>::kType),
                                         of(fragment<accumulator, m, n, k, D>::kType)),
                "wmma has no product of these types");
  tern::emulator::program::multiply_fragments({a.kType, b.kType, c.kType, d.kType}, a.x, b.x, c.x, d.x,
                                              where);
}
template <int m, int n, int k, typename T, typename LayoutA, typename LayoutB>
requires std::is_integral_v<T>
void mma_sync(fragment<accumulator, m, n, k, int>& d, const fragment<matrix_a, m, n, k, T, LayoutA>& a,
              const fragment<matrix_b, m, n, k, T, LayoutB>& b, const fragment<accumulator, m, n, k, int>& c,
              bool satf, TernPlace where = TernPlace::current()) {
  tern::emulator::program::multiply_fragments({a.kType, b.kType, c.kType, d.kType, satf}, a.x, b.x, c.x, d.x,
                                              where);
}

}  // namespace wmma
}  // namespace nvcuda

#endif

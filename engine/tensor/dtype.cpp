#include "engine/tensor/dtype.h"

#include <array>

namespace tern {
namespace {

struct Facts {
  DType dtype;
  const char* name;
  int bits;
  bool floating, computed;
};

constexpr std::array<Facts, kDTypeCount> kFacts = {{
    {DType::f32, "f32", 32, true, true},
    {DType::f16, "f16", 16, true, true},
    {DType::bf16, "bf16", 16, true, true},
    {DType::f64, "f64", 64, true, true},
    {DType::u8, "u8", 8, false, true},
    {DType::i32, "i32", 32, false, true},
    {DType::i64, "i64", 64, false, true},
    {DType::boolean, "bool", 8, false, false},
    {DType::i8, "i8", 8, false, false},
    {DType::i16, "i16", 16, false, false},
    {DType::u16, "u16", 16, false, false},
    {DType::u32, "u32", 32, false, false},
    {DType::u64, "u64", 64, false, false},
    {DType::f8_e4m3, "f8_e4m3", 8, true, false},
    {DType::f8_e5m2, "f8_e5m2", 8, true, false},
    {DType::f8_e8m0, "f8_e8m0", 8, true, false},
    {DType::f8_e4m3fnuz, "f8_e4m3fnuz", 8, true, false},
    {DType::f8_e5m2fnuz, "f8_e5m2fnuz", 8, true, false},
    {DType::f6_e2m3, "f6_e2m3", 6, true, false},
    {DType::f6_e3m2, "f6_e3m2", 6, true, false},
    {DType::f4, "f4", 4, true, false},
    {DType::c32, "c32", 32, false, false},
    {DType::c64, "c64", 64, false, false},
    {DType::c128, "c128", 128, false, false},
}};

constexpr bool in_order() {
  for (int i = 0; i < kDTypeCount; ++i) {
    if (static_cast<int>(kFacts[static_cast<std::size_t>(i)].dtype) != i) return false;
  }
  return true;
}
static_assert(in_order(), "the table is looked up by place");

const Facts& facts_of(DType dtype) {
  return kFacts[static_cast<std::size_t>(dtype)];
}

}  // namespace

int bits_of(DType dtype) {
  return facts_of(dtype).bits;
}

std::size_t size_of(DType dtype) {
  return static_cast<std::size_t>(bits_of(dtype) + 7) / 8;
}

const char* name_of(DType dtype) {
  return facts_of(dtype).name;
}

bool is_floating(DType dtype) {
  return facts_of(dtype).floating;
}

bool is_complex(DType dtype) {
  return dtype == DType::c32 || dtype == DType::c64 || dtype == DType::c128;
}

bool is_computed(DType dtype) {
  return facts_of(dtype).computed;
}

std::uint64_t bytes_of(DType dtype, std::int64_t elements) {
  const auto count = static_cast<std::uint64_t>(elements), bits = static_cast<std::uint64_t>(bits_of(dtype));
  return count / 8 * bits + (count % 8 * bits + 7) / 8;  // count * bits could overflow
}

}  // namespace tern

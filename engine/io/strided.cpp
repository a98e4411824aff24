#include "engine/io/strided.h"

#include <vector>

namespace tern {
namespace {

struct Word16 {  // as large as c128
  std::uint64_t low, high;
};

// `body` with a value of an unsigned type of that many bytes.
template <typename Body>
void with_word(std::size_t bytes, Body&& body) {
  switch (bytes) {
    case 1:
      return body(std::uint8_t{});
    case 2:
      return body(std::uint16_t{});
    case 4:
      return body(std::uint32_t{});
    default:
      return body(std::uint64_t{});
  }
}

template <typename Word>
void gather(const Word* from, Word* to, std::span<const std::int64_t> sizes,
            std::span<const std::int64_t> strides) {
  if (sizes.empty()) {
    *to = *from;
    return;
  }
  const std::int64_t inner_size = sizes.back(), inner_stride = strides.back();
  std::vector<std::int64_t> index(sizes.size() - 1, 0);
  std::int64_t outer = 1;
  for (std::size_t axis = 0; axis < index.size(); ++axis) outer *= sizes[axis];
  for (; outer > 0; --outer) {
    const Word* row = from;
    for (std::size_t axis = 0; axis < index.size(); ++axis) row += index[axis] * strides[axis];
    for (std::int64_t i = 0; i < inner_size; ++i) *to++ = row[i * inner_stride];
    for (std::size_t axis = index.size(); axis > 0; --axis) {
      if (++index[axis - 1] < sizes[axis - 1]) break;
      index[axis - 1] = 0;
    }
  }
}

// Turns the sign bit of every word from the `first` on, `step` words apart.
void turn_signs(Tensor& tensor, std::size_t bytes_a_word, std::size_t first, std::size_t step) {
  with_word(bytes_a_word, [&]<typename Word>(Word) {
    auto* words = static_cast<Word*>(tensor.raw());
    const std::size_t count = tensor.bytes() / bytes_a_word;
    constexpr auto kSign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
    for (std::size_t i = first; i < count; i += step) words[i] = static_cast<Word>(words[i] ^ kSign);
  });
}

}  // namespace

bool is_contiguous(std::span<const std::int64_t> sizes, std::span<const std::int64_t> strides) {
  std::int64_t wanted = 1;
  for (std::size_t axis = sizes.size(); axis > 0; --axis) {
    if (sizes[axis - 1] != 1 && strides[axis - 1] != wanted) return false;
    wanted *= sizes[axis - 1];
  }
  return true;
}

void gather_strided(const void* storage, std::int64_t offset, std::span<const std::int64_t> sizes,
                    std::span<const std::int64_t> strides, Tensor& to) {
  const auto run = [&]<typename Word>(Word) {
    gather(static_cast<const Word*>(storage) + offset, static_cast<Word*>(to.raw()), sizes, strides);
  };
  if (size_of(to.dtype()) == sizeof(Word16)) return run(Word16{});
  with_word(size_of(to.dtype()), run);
}

bool can_negate(DType dtype) {
  if (is_complex(dtype)) return true;
  return is_floating(dtype) ? is_computed(dtype) : dtype != DType::boolean;
}

void negate(Tensor& tensor) {
  const std::size_t size = size_of(tensor.dtype());
  if (is_complex(tensor.dtype())) return turn_signs(tensor, size / 2, 0, 1);
  if (is_floating(tensor.dtype())) return turn_signs(tensor, size, 0, 1);
  with_word(size, [&]<typename Word>(Word) {
    auto* words = static_cast<Word*>(tensor.raw());
    for (std::int64_t i = 0; i < tensor.numel(); ++i) words[i] = static_cast<Word>(Word{0} - words[i]);
  });
}

void conjugate(Tensor& tensor) {
  turn_signs(tensor, size_of(tensor.dtype()) / 2, 1, 2);
}

}  // namespace tern

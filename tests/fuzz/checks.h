// What must hold between the readers of one file, whatever is in it.
#pragma once

#include <cstring>

#include "engine/io/state_dict.h"
#include "tests/fuzz/fuzzer.h"

namespace tern::fuzz {

/// The same tensors, to the bit.
inline bool equal(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Tensor &x = a[i].tensor, &y = b[i].tensor;
    if (a[i].name != b[i].name || x.dtype() != y.dtype() || !(x.shape() == y.shape())) return false;
    if (x.bytes() != 0 && std::memcmp(x.raw(), y.raw(), x.bytes()) != 0) return false;
  }
  return true;
}

/// Reads a file of weights as commands do. That it is described as it is read, and neither without the other.
inline void read_weights(const std::filesystem::path& path, const std::string& key = {}) {
  WeightFile file;
  WeightFileDescription described;
  const bool is_read = accepted([&] { file = read_weight_file(path, key); });
  const bool is_described = accepted([&] { described = describe_weight_file(path, key); });
  expect(is_read == is_described, "a file that is read where it is described");
  if (!is_read) return;
  expect(file.tensors.size() == described.tensors.size(), "as many tensors as are described");
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const Tensor& tensor = file.tensors[i].tensor;
    expect(tensor.dtype() == described.tensors[i].dtype && tensor.shape() == described.tensors[i].shape,
           "tensors of the types and shapes that are described");
  }
  text_of(file.place);
  for (const NamedTensor& one : for_use(std::move(file.tensors))) {
    if (one.tensor.dtype() == DType::f32) count_non_finite(one.tensor);
  }
}

}  // namespace tern::fuzz

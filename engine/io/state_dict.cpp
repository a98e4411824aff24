#include "engine/io/state_dict.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstring>
#include <fstream>
#include <system_error>

#include "engine/core/check.h"
#include "engine/io/safetensors.h"
#include "engine/io/torch_checkpoint.h"
#include "engine/ops/transpose.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

template <typename Dict>
auto find_in(Dict& tensors, std::string_view name) -> decltype(&tensors[0].tensor) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& one) { return one.name == name; });
  return found == tensors.end() ? nullptr : &found->tensor;
}

// Swaps the axes of each [rows, columns] block of `tensor`, which comes back with shape `shape`.
Tensor transposed(const Tensor& tensor, std::int64_t rows, std::int64_t columns, const Shape& shape) {
  Tensor result = Tensor::empty(shape, tensor.dtype(), tensor.device());
  const std::int64_t count = tensor.size(0);
  Tensor swapped = result.reshape({count, columns, rows});
  transpose(tensor.reshape({count, rows, columns}), swapped);
  return result;
}

float float_of_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1F, fraction = half & 0x3FF;
  if (exponent == 0) {  // zero and subnormal: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t float_exponent = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | float_exponent << 23 | fraction << 13);
}

float float_of_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::string lower_case(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

void require_no_key(const fs::path& path, const std::string& key) {
  if (key.empty()) return;
  throw Error(path.string(), "a file by torch.save where --key names a state dict",
              "a safetensors file, which has but one");
}

// What a file that holds no weights seems to be, for the message.
std::string describe(std::string_view start) {
  constexpr std::string_view kOldMagic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  if (start.starts_with("\x80") && start.substr(0, 32).find(kOldMagic) != std::string_view::npos) {
    return "PyTorch's format of before version 1.6; load it there and torch.save it again";
  }
  if (start.size() > 262 && start.substr(257, 5) == "ustar") {
    return "a tar archive, perhaps PyTorch's oldest format; load it there and torch.save it again";
  }
  if (start.starts_with("\x80")) return "a bare pickle; load it in PyTorch and torch.save its state dict";
  if (start.starts_with("\x1f\x8b")) return "a gzip file; unpack it first";
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  const std::string head =
      lower_case(std::string(start.substr(first == std::string_view::npos ? 0 : first, 16)));
  if (head.starts_with("<!doctype") || head.starts_with("<html") || head.starts_with("<?xml")) {
    return "a web page, perhaps of a failed download";
  }
  const bool text = std::all_of(start.begin(), start.end(), [](char letter) {
    return static_cast<unsigned char>(letter) >= ' ' || letter == '\n' || letter == '\r' || letter == '\t';
  });
  if (!text) return "something else";
  return start.starts_with("version https://git-lfs") ? "a Git LFS pointer; fetch the file itself"
                                                      : "a text file";
}

}  // namespace

const Tensor* find(const StateDict& tensors, std::string_view name) {
  return find_in(tensors, name);
}

Tensor* find(StateDict& tensors, std::string_view name) {
  return find_in(tensors, name);
}

Tensor to_file_layout(const Tensor& tensor) {
  if (tensor.rank() != 4) return tensor;
  const std::int64_t out = tensor.size(0), height = tensor.size(1), width = tensor.size(2),
                     in = tensor.size(3);
  return transposed(tensor, height * width, in, {out, in, height, width});
}

Tensor to_memory_layout(const Tensor& tensor) {
  if (tensor.rank() != 4) return tensor;
  const std::int64_t out = tensor.size(0), in = tensor.size(1), height = tensor.size(2),
                     width = tensor.size(3);
  return transposed(tensor, in, height * width, {out, height, width, in});
}

Tensor to_f32(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  if (dtype != DType::f16 && dtype != DType::bf16 && dtype != DType::f64) return tensor;
  Tensor result = Tensor::empty(tensor.shape());
  float* to = result.data<float>();
  const auto* halves = static_cast<const std::uint16_t*>(tensor.raw());
  if (dtype == DType::f16) {
    std::transform(halves, halves + tensor.numel(), to, float_of_half);
  } else if (dtype == DType::bf16) {
    std::transform(halves, halves + tensor.numel(), to, float_of_bfloat16);
  } else {
    const double* doubles = tensor.data<double>();
    std::transform(doubles, doubles + tensor.numel(), to,
                   [](double value) { return static_cast<float>(value); });
  }
  return result;
}

std::int64_t count_non_finite(const Tensor& tensor) {
  const auto count = [&]<typename Real>(Real) {
    const Real* values = tensor.data<Real>();
    return std::count_if(values, values + tensor.numel(), [](Real value) { return !std::isfinite(value); });
  };
  if (tensor.dtype() == DType::f32) return count(float{});
  if (tensor.dtype() == DType::f64) return count(double{});
  return 0;
}

const char* name_of(WeightFormat format) {
  return format == WeightFormat::torch_zip ? "PyTorch (zip)" : "safetensors";
}

WeightFormat detect_weight_format(const fs::path& path) {
  constexpr const char* kWanted = "weights by torch.save (PyTorch 1.6 or later) or safetensors";
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw Error(path.string(), kWanted, "nothing there");
  if (!fs::is_regular_file(status)) throw Error(path.string(), kWanted, "a folder or device");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Error(path.string(), std::string("cannot read it: ") + std::strerror(errno));
  std::array<char, 512> buffer{};
  stream.read(buffer.data(), buffer.size());
  const std::string_view start(buffer.data(), static_cast<std::size_t>(stream.gcount()));

  if (start.empty()) throw Error(path.string(), kWanted, "an empty file");
  if (start.starts_with("PK\x03\x04") || start.starts_with("PK\x05\x06")) return WeightFormat::torch_zip;
  // A header's length of under 2^32 leaves zeros in its upper bytes, as no text has. White space may lead the
  // header.
  constexpr std::string_view kNoLength("\0\0\0\0", 4);
  if (start.size() > 8 && start.substr(4, 4) == kNoLength) {
    const std::size_t first = start.find_first_not_of(" \t\r\n", 8);
    if (first == std::string_view::npos || start[first] == '{') return WeightFormat::safetensors;
  }
  throw Error(path.string(), kWanted, describe(start));
}

std::string printable(std::string text) {
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = '?';
  }
  return text;
}

std::string text_of(const StateDictPlace& place) {
  constexpr std::size_t kMaxNamed = 4;
  const auto listed = [&](std::size_t count, const auto& text_at) {
    std::string text;
    for (std::size_t i = 0; i < std::min(count, kMaxNamed); ++i) text += (i == 0 ? "" : ", ") + text_at(i);
    return count > kMaxNamed ? text + " and " + std::to_string(count - kMaxNamed) + " more" : text;
  };
  const auto quoted = [](const std::string& key) { return '"' + printable(key) + '"'; };
  std::string text;
  if (!place.key.empty()) text = "state dict " + quoted(place.key);
  if (!place.passed_over.empty()) {
    text += (text.empty() ? "state dict \".\"" : "") + std::string(", passing over ") +
            listed(place.passed_over.size(), [&](std::size_t i) { return quoted(place.passed_over[i]); }) +
            " (--key takes another)";
  }
  if (!place.left_out.empty()) {
    text += (text.empty() ? "" : ", ") + std::string("without ") +
            listed(place.left_out.size(), [&](std::size_t i) {
              return quoted(place.left_out[i].name) + ", which is " + printable(place.left_out[i].what);
            });
  }
  return text;
}

WeightFile read_weight_file(const fs::path& path, const std::string& key) {
  const WeightFormat format = detect_weight_format(path);
  if (format == WeightFormat::torch_zip) {
    TorchCheckpoint checkpoint = read_torch_checkpoint(path, key);
    return {format, std::move(checkpoint.tensors), {}, std::move(checkpoint.place)};
  }
  require_no_key(path, key);
  SafetensorsFile file = read_safetensors(path);
  return {format, std::move(file.tensors), std::move(file.metadata), {}};
}

WeightFileDescription describe_weight_file(const fs::path& path, const std::string& key) {
  const WeightFormat format = detect_weight_format(path);
  if (format == WeightFormat::torch_zip) {
    TorchCheckpointDescription checkpoint = describe_torch_checkpoint(path, key);
    return {format, std::move(checkpoint.tensors), {}, std::move(checkpoint.place)};
  }
  require_no_key(path, key);
  SafetensorsHeader header = read_safetensors_header(path);
  return {format, std::move(header.tensors), std::move(header.metadata), {}};
}

StateDict for_use(StateDict tensors) {
  for (NamedTensor& one : tensors) {
    if (is_computed(one.tensor.dtype())) one.tensor = to_memory_layout(to_f32(one.tensor));
  }
  return tensors;
}

StateDict load_weights(const fs::path& path) {
  return for_use(read_weight_file(path).tensors);
}

StateDict for_file(const StateDict& tensors) {
  StateDict in_file_layout;
  for (const NamedTensor& one : tensors) {
    // An undefined tensor is left for write_safetensors to name.
    in_file_layout.push_back(
        {one.name, one.tensor.defined() ? to_file_layout(one.tensor).to(Device::cpu()) : one.tensor});
  }
  return in_file_layout;
}

void save_weights(const fs::path& path, const StateDict& tensors, const Metadata& metadata) {
  write_safetensors(path, for_file(tensors), metadata);
}

}  // namespace tern

// Named tensors, and the one place where tern's layout of convolution weights meets torchvision's.
// In a file a rank-4 tensor is OIHW (out, in, height, width), as torchvision names and lays it out; in memory
// it is KRSC (out, height, width, in). Everything above engine/io sees memory layout only.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor/tensor.h"

namespace tern {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// In the order in which a model registers its tensors, which is the order in a file.
using StateDict = std::vector<NamedTensor>;

/// Free text that a safetensors file carries beside its tensors.
using Metadata = std::map<std::string, std::string>;

/// The tensor of that name, or nullptr. Valid while `tensors` is unchanged. Linear: for one-off look-ups.
const Tensor* find(const StateDict& tensors, std::string_view name);
Tensor* find(StateDict& tensors, std::string_view name);

/// [out, height, width, in] -> [out, in, height, width] for rank 4, where the tensor is; a copy. Other ranks
/// come back as they are, sharing their elements. Of f32 or bf16, on the CPU of any type.
Tensor to_file_layout(const Tensor& tensor);

/// [out, in, height, width] -> [out, height, width, in], the inverse of to_file_layout.
Tensor to_memory_layout(const Tensor& tensor);

/// How many elements are NaN or infinite; 0 for integers. For f32 and f64 on the CPU.
std::int64_t count_non_finite(const Tensor& tensor);

/// f16, bf16 and f64 to f32 (f64 rounds); f32 and integers come back as they are, sharing their elements.
Tensor to_f32(const Tensor& tensor);

enum class WeightFormat { torch_zip, safetensors };

const char* name_of(WeightFormat format);  ///< "PyTorch (zip)", "safetensors"

/// What the file is, by its content and not by its name. Throws Error{path, ...}, saying what it seems to be,
/// for anything else: an old PyTorch format, a TorchScript archive, a web page, text, an empty file.
WeightFormat detect_weight_format(const std::filesystem::path& path);

/// Which of a checkpoint's state dicts was taken, and what was not.
struct StateDictPlace {
  struct Entry {
    std::string name, what;  ///< "args", "an object of class argparse.Namespace"
  };
  std::string key;                       ///< dotted; empty for the top level
  std::vector<std::string> passed_over;  ///< keys of other dicts with weights, "." for the top level
  std::vector<Entry> left_out;  ///< what is in the state dict taken and is not plain data, nor a tensor
};

/// "state dict \"model\", passing over \"ema\" (--key takes another)"; empty for a file that holds one state
/// dict and nothing else.
std::string text_of(const StateDictPlace& place);

/// With '?' for control characters: names come from files that anyone may have made.
std::string printable(std::string text);

/// A file of weights just as it is: names, order, types and layout (OIHW) of the file.
struct WeightFile {
  WeightFormat format = WeightFormat::safetensors;
  StateDict tensors;
  Metadata metadata;     ///< empty for PyTorch's files
  StateDictPlace place;  ///< in one of PyTorch's files
};

/// `key` names a state dict in one of PyTorch's files, as find_state_dict() of checkpoint_keys.h takes it;
/// empty: the one that is usually meant. Throws Error{path, ...} for whatever is wrong with the file, and for
/// a key in a safetensors file, which has but one state dict.
WeightFile read_weight_file(const std::filesystem::path& path, const std::string& key = {});

/// What a file says of a tensor of its, in the file's layout.
struct TensorDescription {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

/// The same without the elements: needs little memory, however large the file. What is checked is the same.
struct WeightFileDescription {
  WeightFormat format = WeightFormat::safetensors;
  std::vector<TensorDescription> tensors;
  Metadata metadata;
  StateDictPlace place;
};
WeightFileDescription describe_weight_file(const std::filesystem::path& path, const std::string& key = {});

/// A file's tensors for use: on the CPU, memory layout, f16, bf16 and f64 as f32, integers as they are. A
/// tensor of a type that tern does not compute with stays as the file has it.
StateDict for_use(StateDict tensors);

/// The tensors of a .pth or .safetensors file for use. Throws Error{path, ...} for whatever is wrong with the
/// file.
StateDict load_weights(const std::filesystem::path& path);

/// `tensors` (memory layout, any device) as a file holds them: on the host, in file layout.
StateDict for_file(const StateDict& tensors);

/// Writes `tensors` (memory layout, any device) as safetensors in file layout, whole or not at all. The same
/// tensors and metadata give the same bytes. Throws Error{path, ...}, also for a name that appears twice.
void save_weights(const std::filesystem::path& path, const StateDict& tensors, const Metadata& metadata = {});

}  // namespace tern

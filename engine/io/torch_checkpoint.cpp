#include "engine/io/torch_checkpoint.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "engine/core/check.h"
#include "engine/io/pickle.h"
#include "engine/io/zip_archive.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMostPickleBytes = std::uint64_t{32} << 20;

// PyTorch's storage types that tern has.
std::optional<DType> dtype_of_storage(const std::string& type) {
  if (type == "Float") return DType::f32;
  if (type == "Half") return DType::f16;
  if (type == "BFloat16") return DType::bf16;
  if (type == "Double") return DType::f64;
  if (type == "Byte") return DType::u8;
  if (type == "Int") return DType::i32;
  if (type == "Long") return DType::i64;
  return std::nullopt;
}

// The folder that everything in the archive is in, with its slash.
std::string prefix_of(const ZipArchive& archive) {
  constexpr std::string_view kPickle = "/data.pkl";
  std::string prefix;
  for (const std::string& name : archive.names()) {
    if (name.ends_with(kPickle) && name.find('/') == name.size() - kPickle.size()) {
      if (!prefix.empty()) throw Error(archive.path().string(), "one data.pkl in the archive", "several");
      prefix = name.substr(0, name.size() - kPickle.size() + 1);
    }
  }
  if (prefix.empty())
    throw Error(archive.path().string(), "a file by torch.save", "a zip archive without data.pkl");
  return prefix;
}

void require_no_torchscript(const ZipArchive& archive, const std::string& prefix) {
  for (const std::string& name : archive.names()) {
    if (name == prefix + "constants.pkl" || name.starts_with(prefix + "code/")) {
      throw Error(archive.path().string(), "a state dict; torch.save(model.state_dict(), ...) writes one",
                  "a TorchScript program");
    }
  }
}

void require_little_endian(const ZipArchive& archive, const std::string& prefix) {
  const std::string name = prefix + "byteorder";
  if (!archive.contains(name)) return;  // written by PyTorch from 2.1 on
  const std::vector<std::byte> bytes = archive.read(name, 16);
  const std::string order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (order != "little") throw Error(archive.path().string(), "byte order little", order);
}

const PickleNode* value_of(const PickleNode& dict, std::string_view key) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (dict.items[i]->kind == PickleKind::text && dict.items[i]->text == key) return dict.items[i + 1];
  }
  return nullptr;
}

const PickleNode& find_state_dict(const fs::path& path, const PickleNode& root) {
  if (root.kind != PickleKind::dict)
    throw Error(path.string(), "a state dict", std::string("a ") + name_of(root.kind));
  for (const char* key : {"state_dict", "model"}) {
    const PickleNode* inner = value_of(root, key);
    if (inner != nullptr && inner->kind == PickleKind::dict) return *inner;
  }
  return root;
}

struct NamedNode {
  const std::string* name;
  const PickleNode* tensor;
};

// Copies elements so that the last axis is contiguous, the one before it next, and so on.
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

void gather_bytes(const void* from, std::int64_t offset, Tensor& to, const PickleNode& node) {
  const auto run = [&]<typename Word>(Word) {
    gather(static_cast<const Word*>(from) + offset, static_cast<Word*>(to.raw()), node.sizes, node.strides);
  };
  switch (size_of(to.dtype())) {
    case 1:
      return run(std::uint8_t{});
    case 2:
      return run(std::uint16_t{});
    case 4:
      return run(std::uint32_t{});
    default:
      return run(std::uint64_t{});
  }
}

// Turns the pickle's descriptions into tensors. Storages are read when first needed and let go after their
// last tensor.
class Reader {
 public:
  explicit Reader(const fs::path& path) : archive_(path), path_(path), prefix_(prefix_of(archive_)) {
    require_no_torchscript(archive_, prefix_);
    require_little_endian(archive_, prefix_);
    // Views of one storage could otherwise multiply a small file without end.
    elements_budget_bytes_ = (std::uint64_t{1} << 30) + 16 * fs::file_size(path);
  }

  StateDict run() {
    const Pickle pickle = structure();
    const std::vector<NamedNode> nodes = named_tensors(find_state_dict(path_, *pickle.root));
    for (const NamedNode& node : nodes) ++uses_[node.tensor->items[0]->text];
    StateDict tensors;
    for (const NamedNode& node : nodes) tensors.push_back({*node.name, tensor(*node.name, *node.tensor)});
    return tensors;
  }

  std::vector<TensorDescription> describe() {
    const Pickle pickle = structure();
    std::vector<TensorDescription> tensors;
    for (const auto& [name, node] : named_tensors(find_state_dict(path_, *pickle.root))) {
      const PickleNode& storage = *node->items[0];
      const DType dtype = dtype_of(*name, storage);
      check_bounds(*name, *node, dtype);
      const bool first_use = !known_.contains(storage.text);
      const std::string entry = check_storage(*name, storage, dtype);
      if (first_use) archive_.verify(entry);
      tensors.push_back({*name, dtype, Shape{std::span<const std::int64_t>(node->sizes)}});
    }
    return tensors;
  }

 private:
  Pickle structure() const {
    return read_pickle(path_.string(), archive_.read(prefix_ + "data.pkl", kMostPickleBytes));
  }

  [[noreturn]] void fail(const std::string& name, const std::string& wanted, const std::string& got) const {
    throw Error(path_.string() + ": tensor " + name, wanted, got);
  }

  std::vector<NamedNode> named_tensors(const PickleNode& dict) const {
    std::vector<NamedNode> nodes;
    std::unordered_set<std::string_view> names;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleNode &key = *dict.items[i], &value = *dict.items[i + 1];
      if (value.kind < PickleKind::tuple) continue;  // a number or a text, such as an epoch
      if (key.kind != PickleKind::text) {
        throw Error(path_.string(), "a state dict with names for keys",
                    std::string("the key of a ") + name_of(key.kind));
      }
      if (value.kind != PickleKind::tensor) {
        throw Error(path_.string() + ": key " + key.text,
                    "a tensor (or a state dict under \"state_dict\" or \"model\")",
                    std::string("a ") + name_of(value.kind));
      }
      if (!names.insert(key.text).second)
        throw Error(path_.string(), "names that differ", "two tensors " + key.text);
      nodes.push_back({&key.text, &value});
    }
    if (nodes.empty()) throw Error(path_.string(), "a state dict", "a dict without tensors");
    return nodes;
  }

  DType dtype_of(const std::string& name, const PickleNode& storage) const {
    const std::optional<DType> dtype = dtype_of_storage(storage.type);
    if (!dtype) fail(name, "type f32, f16, bf16, f64, u8, i32 or i64", "torch." + storage.type + "Storage");
    return *dtype;
  }

  Tensor tensor(const std::string& name, const PickleNode& node) {
    const PickleNode& storage = *node.items[0];
    const DType dtype = dtype_of(name, storage);
    const std::int64_t elements = check_bounds(name, node, dtype);

    const std::string& key = storage.text;
    const Tensor stored = read_storage(name, storage, dtype);
    const bool last_use = --uses_[key] == 0;
    const bool only_use = last_use && !shared_.contains(key);
    if (last_use) {
      storages_.erase(key);
    } else {
      shared_.insert(key);
    }
    const Shape shape{std::span<const std::int64_t>(node.sizes)};
    if (only_use && elements == stored.numel() && is_contiguous(node)) return stored.reshape(shape);
    Tensor gathered = Tensor::empty(shape, dtype);
    if (elements > 0) gather_bytes(stored.raw(), node.integer, gathered, node);
    return gathered;
  }

  // The number of elements, after checking that all lie in the storage.
  std::int64_t check_bounds(const std::string& name, const PickleNode& node, DType dtype) {
    const std::int64_t available = node.items[0]->integer;
    std::int64_t elements = 1, last = node.integer;
    bool ok = last >= 0 && available >= 0, empty = false;
    for (std::size_t axis = 0; axis < node.sizes.size(); ++axis) {
      const std::int64_t size = node.sizes[axis], stride = node.strides[axis];
      const std::int64_t steps = std::max<std::int64_t>(size - 1, 0);
      std::int64_t reach = 0;
      empty = empty || size == 0;
      ok = ok && size >= 0 && stride >= 0 && !__builtin_mul_overflow(steps, stride, &reach) &&
           !__builtin_add_overflow(last, reach, &last) &&
           // as Shape bounds them: a size of 0 does not hide the others
           !__builtin_mul_overflow(elements, std::max<std::int64_t>(size, 1), &elements) &&
           elements <= std::int64_t{1} << 62;
    }
    if (empty) elements = 0;
    if (!ok || (elements > 0 && last >= available)) {
      fail(name, "elements within its storage of " + std::to_string(available),
           "sizes and strides that leave it");
    }
    const std::uint64_t most_elements = elements_budget_bytes_ / size_of(dtype);
    if (static_cast<std::uint64_t>(elements) > most_elements)
      fail(name, "no more elements than a file of this size can hold", std::to_string(elements));
    elements_budget_bytes_ -= static_cast<std::uint64_t>(elements) * size_of(dtype);
    return elements;
  }

  static bool is_contiguous(const PickleNode& node) {
    std::int64_t wanted = 1;
    for (std::size_t axis = node.sizes.size(); axis > 0; --axis) {
      const std::int64_t size = node.sizes[axis - 1];
      if (size != 1 && node.strides[axis - 1] != wanted) return false;
      wanted *= size;
    }
    return node.integer == 0;
  }

  // The archive's entry with the storage's elements, which has their size.
  std::string check_storage(const std::string& name, const PickleNode& storage, DType dtype) {
    const auto [known, is_new] = known_.emplace(storage.text, std::pair(dtype, storage.integer));
    if (known->second != std::pair(dtype, storage.integer)) {
      fail(name, "one type and size for its storage " + storage.text, "two");
    }
    const std::string entry = prefix_ + "data/" + storage.text;
    if (!is_new) return entry;
    if (!archive_.contains(entry)) fail(name, "its elements in " + entry, "an archive without it");
    const std::uint64_t bytes = archive_.size(entry);
    if (bytes % size_of(dtype) != 0 ||
        bytes / size_of(dtype) != static_cast<std::uint64_t>(storage.integer)) {
      fail(name, std::to_string(storage.integer) + " elements of " + name_of(dtype) + " in " + entry,
           std::to_string(bytes) + " bytes");
    }
    return entry;
  }

  // All of a storage as a rank-1 tensor.
  Tensor read_storage(const std::string& name, const PickleNode& storage, DType dtype) {
    const std::string entry = check_storage(name, storage, dtype);
    const auto found = storages_.find(storage.text);
    if (found != storages_.end()) return found->second;
    Tensor elements = Tensor::empty({storage.integer}, dtype);
    archive_.read(entry, {static_cast<std::byte*>(elements.raw()), elements.bytes()});
    storages_[storage.text] = elements;
    return elements;
  }

  ZipArchive archive_;
  fs::path path_;
  std::string prefix_;
  std::uint64_t elements_budget_bytes_ = 0;
  std::unordered_map<std::string, std::pair<DType, std::int64_t>> known_;  // storages: type, elements
  std::unordered_map<std::string, int> uses_;  // tensors still to come from a storage
  std::unordered_map<std::string, Tensor> storages_;
  std::unordered_set<std::string> shared_;
};

}  // namespace

StateDict read_torch_checkpoint(const fs::path& path) {
  return Reader(path).run();
}

std::vector<TensorDescription> describe_torch_checkpoint(const fs::path& path) {
  return Reader(path).describe();
}

}  // namespace tern

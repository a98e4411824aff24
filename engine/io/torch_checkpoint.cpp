#include "engine/io/torch_checkpoint.h"

#include <algorithm>
#include <unordered_map>

#include "engine/core/check.h"
#include "engine/io/checkpoint_keys.h"
#include "engine/io/pickle.h"
#include "engine/io/strided.h"
#include "engine/io/torch_objects.h"
#include "engine/io/zip_archive.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

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

// Turns the pickle's descriptions into tensors. Storages are read when first needed and let go after their
// last tensor.
class Reader {
 public:
  explicit Reader(const fs::path& path) : archive_(path), path_(path), prefix_(prefix_of(archive_)) {
    require_no_torchscript(archive_, prefix_);
    require_little_endian(archive_, prefix_);
    // Views of one storage could otherwise multiply a small file without end.
    budget_bytes_ = (std::uint64_t{128} << 20) + 16 * fs::file_size(path);
  }

  TorchCheckpoint run(const std::string& key) {
    const Pickle pickle = structure();
    FoundStateDict found = find_state_dict(path_.string(), *pickle.root, key);
    const std::vector<TorchTensor> described = describe_all(found.tensors);
    for (const TorchTensor& one : described) ++uses_[one.storage];
    TorchCheckpoint checkpoint{{}, std::move(found.place)};
    for (std::size_t i = 0; i < described.size(); ++i) {
      const std::string& name = *found.tensors[i].name;
      checkpoint.tensors.push_back({name, tensor(name, described[i])});
    }
    return checkpoint;
  }

  TorchCheckpointDescription describe_file(const std::string& key) {
    const Pickle pickle = structure();
    FoundStateDict found = find_state_dict(path_.string(), *pickle.root, key);
    const std::vector<TorchTensor> described = describe_all(found.tensors);
    TorchCheckpointDescription checkpoint{{}, std::move(found.place)};
    for (std::size_t i = 0; i < described.size(); ++i) {
      const std::string& name = *found.tensors[i].name;
      check_bounds(name, described[i]);
      const bool first_use = !storage_bytes_.contains(described[i].storage);
      const std::string entry = check_storage(name, described[i]);
      if (first_use) archive_.verify(entry);
      checkpoint.tensors.push_back({name, described[i].dtype, described[i].shape()});
    }
    return checkpoint;
  }

 private:
  Pickle structure() const {
    const std::string entry = prefix_ + "data.pkl";
    if (archive_.size(entry) > kMaxPickleBytes) {
      throw Error(
          path_.string(),
          "at most 256 MiB of data that are no tensors; torch.save(model.state_dict(), ...) writes none",
          std::to_string(archive_.size(entry) >> 20) + " MiB in " + entry);
    }
    return read_pickle(path_.string(), archive_.read(entry, kMaxPickleBytes));
  }

  std::vector<TorchTensor> describe_all(const std::vector<NamedNode>& nodes) const {
    std::vector<TorchTensor> described;
    for (const NamedNode& node : nodes) {
      described.push_back(torch_tensor(subject_of(*node.name), *node.tensor));
    }
    return described;
  }

  std::string subject_of(const std::string& name) const { return path_.string() + ": tensor " + name; }

  [[noreturn]] void fail(const std::string& name, const std::string& wanted, const std::string& got) const {
    throw Error(subject_of(name), wanted, got);
  }

  Tensor tensor(const std::string& name, const TorchTensor& described) {
    const std::int64_t elements = check_bounds(name, described);
    const std::string entry = check_storage(name, described), &key = described.storage;
    const bool is_last = --uses_[key] == 0, is_only = is_last && !storages_.contains(key);
    const bool is_whole =
        described.offset == 0 && bytes_of_stored(described, elements) == archive_.size(entry);
    Tensor result = Tensor::empty(described.shape(), described.dtype);
    if (is_only && is_whole && is_contiguous(described.sizes, described.strides)) {
      archive_.read(entry, bytes_in(result));
    } else {
      const Tensor stored = read_storage(entry, described);
      if (elements > 0)
        gather_strided(stored.raw(), described.offset, described.sizes, described.strides, result);
    }
    if (is_last) storages_.erase(key);
    if (described.conjugate) conjugate(result);
    if (described.negative) negate(result);
    return result;
  }

  static std::span<std::byte> bytes_in(Tensor& tensor) {
    return {static_cast<std::byte*>(tensor.raw()), tensor.bytes()};
  }

  // Of elements that are counted as the file counts them: those of f4 in pairs, a byte each.
  static std::uint64_t bytes_of_stored(const TorchTensor& described, std::int64_t elements) {
    return static_cast<std::uint64_t>(elements) * size_of(described.dtype);
  }

  // The number of elements, after checking that all lie in the storage.
  std::int64_t check_bounds(const std::string& name, const TorchTensor& described) {
    const std::uint64_t size_each = size_of(described.dtype);
    const std::int64_t available = described.storage_bytes / static_cast<std::int64_t>(size_each);
    std::int64_t elements = 1, last = described.offset;
    bool ok = last >= 0, empty = false;
    for (std::size_t axis = 0; axis < described.sizes.size(); ++axis) {
      const std::int64_t size = described.sizes[axis], stride = described.strides[axis];
      const std::int64_t steps = std::max<std::int64_t>(size - 1, 0);
      std::int64_t reach = 0;
      empty = empty || size == 0;
      ok = ok && size >= 0 && stride >= 0 && !__builtin_mul_overflow(steps, stride, &reach) &&
           !__builtin_add_overflow(last, reach, &last) &&
           // as Shape bounds them, pairs too: a size of 0 does not hide the others
           !__builtin_mul_overflow(elements, std::max<std::int64_t>(size, 1), &elements) &&
           elements <= std::int64_t{1} << 61;
    }
    if (empty) elements = 0;
    if (!ok || (elements > 0 && last >= available)) {
      fail(name, "elements within its storage of " + std::to_string(available),
           "sizes and strides that leave it");
    }
    if (static_cast<std::uint64_t>(elements) > budget_bytes_ / size_each)
      fail(name, "no more elements than a file of this size can hold", std::to_string(elements));
    budget_bytes_ -= bytes_of_stored(described, elements);
    return elements;
  }

  // The archive's entry with the storage's elements, which has their size.
  std::string check_storage(const std::string& name, const TorchTensor& described) {
    const auto [known, is_new] = storage_bytes_.emplace(described.storage, described.storage_bytes);
    if (known->second != described.storage_bytes) {
      fail(name, "one size for its storage " + described.storage, "two");
    }
    const std::string entry = prefix_ + "data/" + described.storage;
    if (!is_new) return entry;
    if (!archive_.contains(entry)) fail(name, "its elements in " + entry, "an archive without it");
    const std::uint64_t bytes = archive_.size(entry);
    if (bytes != static_cast<std::uint64_t>(described.storage_bytes)) {
      fail(name, std::to_string(described.storage_bytes) + " bytes in " + entry, std::to_string(bytes));
    }
    return entry;
  }

  // All bytes of a storage.
  Tensor read_storage(const std::string& entry, const TorchTensor& described) {
    const auto found = storages_.find(described.storage);
    if (found != storages_.end()) return found->second;
    Tensor bytes = Tensor::empty({described.storage_bytes}, DType::u8);
    archive_.read(entry, bytes_in(bytes));
    storages_[described.storage] = bytes;
    return bytes;
  }

  ZipArchive archive_;
  fs::path path_;
  std::string prefix_;
  std::uint64_t budget_bytes_ = 0;                               // that tensors may still take
  std::unordered_map<std::string, std::int64_t> storage_bytes_;  // of those seen
  std::unordered_map<std::string, int> uses_;                    // tensors still to come from a storage
  std::unordered_map<std::string, Tensor> storages_;             // bytes
};

}  // namespace

TorchCheckpoint read_torch_checkpoint(const fs::path& path, const std::string& key) {
  return Reader(path).run(key);
}

TorchCheckpointDescription describe_torch_checkpoint(const fs::path& path, const std::string& key) {
  return Reader(path).describe_file(key);
}

}  // namespace tern

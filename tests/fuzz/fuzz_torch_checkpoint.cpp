// A .pth whose pickle is the input. The archive around it is whole, and has the storages that the pickle's tensors want.
// Dictionary: pickle
// Link: tern_data
// Parser: engine/io/torch_checkpoint.cpp engine/io/torch_objects.cpp engine/io/strided.cpp
#include "engine/io/torch_checkpoint.h"

#include <map>

#include "engine/io/pickle.h"
#include "engine/io/torch_objects.h"
#include "tests/fuzz/checks.h"
#include "tests/fuzz/stored_zip.h"

using namespace tern;

namespace {

constexpr std::int64_t kMaxStorageBytes = 1 << 12;

std::map<std::string, std::int64_t> storages_of(std::string_view pickle_bytes) {
  std::map<std::string, std::int64_t> bytes_of_storage;
  fuzz::accepted([&] {
    const Pickle pickle = read_pickle("fuzz.pkl", fuzz::bytes_of(pickle_bytes));
    for (const PickleNode& node : pickle.nodes) {
      fuzz::accepted([&] {
        const TorchTensor tensor = torch_tensor("fuzz.pkl", node);
        if (tensor.storage_bytes <= kMaxStorageBytes && tensor.storage.size() < 100)
          bytes_of_storage[tensor.storage] = tensor.storage_bytes;
      });
    }
  });
  return bytes_of_storage;
}

}  // namespace

TERN_FUZZER(torch_checkpoint) {
  static const std::string elements = [] {
    std::string bytes;
    for (int i = 0; i < kMaxStorageBytes; ++i) bytes += static_cast<char>(i * 37 + i / 256);
    return bytes;
  }();
  const std::string_view all = elements;
  // The last letter, behind the pickle's end, asks for an archive that torch.save does not write.
  const char kind = input.empty() ? '\0' : input.back();
  std::vector<fuzz::ZipEntry> entries{{"a/data.pkl", input}, {"a/byteorder", kind == 'B' ? "big" : "little"}};
  for (const auto& [key, bytes] : storages_of(input)) {
    entries.push_back(
        {"a/data/" + key, all.substr(0, static_cast<std::size_t>(bytes) - (kind == 'S' && bytes > 0))});
  }
  if (kind == 'C') entries.push_back({"a/constants.pkl", "c"});
  if (kind == 'T') entries.push_back({"b/data.pkl", input});
  if (kind == 'N') entries.front().name = "a/other.pkl";
  const fuzz::MemoryFile file(fuzz::stored_zip(entries));
  for (const char* key : {"", "model"}) fuzz::read_weights(file.path(), key);
}

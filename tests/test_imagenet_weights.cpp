// torchvision's real files, every byte of them: the checksums are PyTorch's,
//   for name, t in torch.load(file).items():
//       crc = zlib.crc32(t.detach().contiguous().numpy().tobytes(), zlib.crc32(name.encode(), crc))
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "engine/io/state_dict.h"
#include "engine/io/torch_checkpoint.h"
#include "support/files.h"
#include "tests/support/skip.h"

using namespace tern;

namespace {

// The CRC-32 of zip and zlib, continued from `crc`.
std::uint32_t crc32_of(std::span<const std::byte> bytes, std::uint32_t crc) {
  static const auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value % 2 == 1 ? 0xEDB88320u : 0u);
      table[i] = value;
    }
    return table;
  }();
  crc = ~crc;
  for (const std::byte byte : bytes)
    crc = kTable[(crc ^ std::to_integer<std::uint32_t>(byte)) % 256] ^ crc >> 8;
  return ~crc;
}

struct Known {
  const char* name;
  std::size_t tensors;
  std::uint32_t crc;
  std::array<float, 2> values;  // conv1.weight[1, 2, 3, 4], fc.bias[999]
};

}  // namespace

TEST_CASE("torchvision's ImageNet weights are read bit for bit") {
  const std::filesystem::path folder = std::filesystem::path(TERN_SOURCE_DIR) / "../shared/weights";
  if (!std::filesystem::exists(folder)) {
    test::skip("no ../shared");
    return;
  }
  for (const Known& known :
       {Known{"resnet18-imagenet.pth", 122, 0xc0f23ce3, {-0.11734624952077866f, 0.1492977887392044f}},
        Known{"resnet50-imagenet.pth", 320, 0xd22f2475, {-0.24802705645561218f, -0.03219408914446831f}}}) {
    CAPTURE(known.name);
    const StateDict tensors = read_torch_checkpoint(folder / known.name).tensors;
    CHECK(tensors.size() == known.tensors);
    std::uint32_t crc = 0;
    for (const auto& [name, tensor] : tensors) {
      crc = crc32_of(std::as_bytes(std::span(name)), crc);
      crc = crc32_of({static_cast<const std::byte*>(tensor.raw()), tensor.bytes()}, crc);
    }
    CHECK(crc == known.crc);
    const Tensor conv1 = to_memory_layout(*find(tensors, "conv1.weight"));
    CHECK(conv1.shape() == Shape{64, 7, 7, 3});
    CHECK(conv1.data<float>()[((1 * 7 + 3) * 7 + 4) * 3 + 2] == known.values[0]);
    CHECK(find(tensors, "fc.bias")->data<float>()[999] == known.values[1]);
  }
}

// Pictures for tests: one drawn by formula (the golden scripts draw the same), comparisons, and the reader of
// the files of named byte blocks that those scripts write.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "data/image_io.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "tests/support/source_folder.h"

namespace tern::test {

/// Smooth shapes with some noise on them; `pattern` in the golden scripts.
inline Image pattern(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int noise = (x * 31 + y * 17 + c * 7) % 23 * 9;
        image.rgb.push_back(
            static_cast<std::uint8_t>((x * x * 7 + y * 13 + x * y * 3 + c * 85 + noise) & 255));
      }
    }
  }
  return image;
}

/// A picture that JPEG keeps well; `smooth` in the golden scripts.
inline Image smooth(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.rgb.push_back(static_cast<std::uint8_t>(40 + 160 * x / width));
      image.rgb.push_back(static_cast<std::uint8_t>(220 - 150 * y / height));
      image.rgb.push_back(static_cast<std::uint8_t>(60 + 60 * x / width + 60 * y / height));
    }
  }
  return image;
}

struct Difference {
  int largest = 0;        ///< grey levels; 256 if the sizes differ
  double mean = 0;        ///< grey levels
  std::size_t count = 0;  ///< bytes that differ
};

inline Difference difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return {256, 256, a.size()};
  Difference result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int apart = std::abs(a[i] - b[i]);
    result.largest = std::max(result.largest, apart);
    result.mean += apart;
    result.count += apart != 0;
  }
  result.mean /= a.empty() ? 1.0 : static_cast<double>(a.size());
  return result;
}

/// A block of a golden file: "<name> <width> <height> <bytes>\n", then the bytes.
struct Block {
  int width = 0, height = 0;
  std::vector<std::byte> bytes;

  std::span<const std::uint8_t> pixels() const {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  }
};

inline std::map<std::string, Block> read_blocks(const std::string& file) {
  const std::string path = golden(file).string();
  const std::string text = read_text_file(path);
  std::map<std::string, Block> blocks;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t line = text.find('\n', at);
    char name[128];
    Block block;
    std::size_t size = 0;
    if (line == text.npos ||
        std::sscanf(text.c_str() + at, "%127s %d %d %zu", name, &block.width, &block.height, &size) != 4 ||
        size > text.size() - line - 1) {
      throw Error(path, "blocks of <name> <width> <height> <bytes>", "something else");
    }
    const auto* begin = reinterpret_cast<const std::byte*>(text.data()) + line + 1;
    block.bytes.assign(begin, begin + size);
    blocks.emplace(name, std::move(block));
    at = line + 1 + size;
  }
  return blocks;
}

}  // namespace tern::test

// Decoded files held to the pixels that Pillow gave for them.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tests/support/images.h"

namespace tern::test {

/// Decodes each file of a golden that has its pixels beside it, as a block of its name and ".rgb", and checks
/// that none is more than `tolerance(name)` grey levels off. Returns how many there are.
template <typename Tolerance>
int check_decoded(const std::string& golden, Tolerance tolerance) {
  int compared = 0;
  const auto blocks = read_blocks(golden);
  for (const auto& named : blocks) {
    const auto& name = named.first;
    const auto& block = named.second;
    const auto wanted = blocks.find(name + ".rgb");
    if (wanted == blocks.end()) continue;
    const Image image = decode_image(block.bytes, name);
    const Difference apart = difference(image.rgb, wanted->second.pixels());
    INFO(name, ": largest ", apart.largest, ", mean ", apart.mean, ", bytes that differ ", apart.count);
    CHECK(image.width == block.width);
    CHECK(image.height == block.height);
    CHECK(apart.largest <= tolerance(name));
    ++compared;
  }
  return compared;
}

}  // namespace tern::test

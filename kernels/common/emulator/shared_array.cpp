#include "kernels/common/emulator/shared_array.h"

#include <fmt/format.h>

#include "engine/core/check.h"
#include "kernels/common/emulator/block.h"

namespace tern::emulator {
namespace {

Touch now(bool atomic) {
  const Block& block = Block::current();
  const auto thread = static_cast<std::int32_t>(block.thread());
  return {thread, thread / 32, block.block_era(), block.warp_era(), atomic};
}

/// True if nothing orders `before` and `after`.
bool unordered(const Touch& before, const Touch& after) {
  if (before.thread == Touch::kNobody || before.thread == after.thread) return false;
  if (before.block_era != after.block_era) return false;
  const bool one_warp = before.warp == after.warp;
  return !(one_warp && before.warp_era != after.warp_era);
}

}  // namespace

void SharedArrayBase::fail(std::int64_t index, const std::string& what) const {
  throw Error(Block::current().place(),
              fmt::format("shared array '{}': element {} of {} {}", name_, index, count_, what));
}

void SharedArrayBase::check_index(std::int64_t index) const {
  if (index < 0 || index >= count_) fail(index, "is outside");
}

void SharedArrayBase::note_read(History& history, std::int64_t index, bool atomic) const {
  if (history.write.thread == Touch::kNobody) fail(index, "is read, but nobody has written it");
  const Touch touch = now(atomic);
  if (unordered(history.write, touch) && !(atomic && history.write.atomic)) {
    fail(index, fmt::format("is read with no barrier after thread {} wrote it", history.write.thread));
  }
  Touch& read = history.read;
  if (atomic) return;  // the write that follows stands for both
  if (read.thread != Touch::kNobody && read.block_era == touch.block_era && read.thread != touch.thread) {
    const bool one_warp = read.warp == touch.warp;
    read = {Touch::kSeveral, one_warp ? touch.warp : Touch::kSeveral, touch.block_era, touch.warp_era, false};
  } else {
    read = touch;
  }
}

void SharedArrayBase::note_write(History& history, std::int64_t index, bool atomic) const {
  const Touch touch = now(atomic);
  if (unordered(history.write, touch) && !(atomic && history.write.atomic)) {
    fail(index, fmt::format("is written with no barrier after thread {} wrote it", history.write.thread));
  }
  if (unordered(history.read, touch)) fail(index, "is written with no barrier after another thread read it");
  history.write = touch;
}

SharedArrayBase* find_array(const char* file, int line, std::type_index type) {
  for (const auto& array : Block::current().arrays()) {
    if (array->is(file, line, type)) return array.get();
  }
  return nullptr;
}

SharedArrayBase& keep_array(std::unique_ptr<SharedArrayBase> array) {
  auto& arrays = Block::current().arrays();
  arrays.push_back(std::move(array));
  return *arrays.back();
}

std::size_t dynamic_bytes() {
  return Block::current().shared_bytes();
}

}  // namespace tern::emulator

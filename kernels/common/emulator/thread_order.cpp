#include "kernels/common/emulator/thread_order.h"

#include <algorithm>

#include "kernels/common/emulator/block.h"

namespace tern::emulator {
namespace {

constexpr std::size_t kMostAtomics = 256;  ///< addresses that a block remembers, for messages
constexpr std::size_t kMostCompared = 64;  ///< releases of a block, to find one that says the same

}  // namespace

ThreadOrder::ThreadOrder(unsigned threads)
    : threads_(threads), warp_known_((threads + 31) / 32), thread_known_(threads) {
  begin_block();
}

void ThreadOrder::begin_block() {
  block_known_.clear();
  for (Known& known : warp_known_) known.clear();
  for (Known& known : thread_known_) known.clear();
  for (Fences& fences : fences_) fences.assign(threads_, {});
  before_barrier_ = nullptr;
  fenced_ = false;
  atomics_.clear();
}

void ThreadOrder::merge(Known& into, const Known& from) {
  for (const auto& [place, length] : from) {
    std::uint32_t& known = into[place];
    known = std::max(known, length);
  }
}

void ThreadOrder::note_barrier() {
  for (std::vector<Known>* all : {&warp_known_, &thread_known_}) {
    for (Known& known : *all) {
      if (known.empty()) continue;
      merge(block_known_, known);
      known.clear();
    }
  }
  if (!fenced_) return;
  fenced_ = false;
  std::vector<std::uint32_t> times;
  for (const Fence& fence : fences_[0]) times.push_back(fence.time);
  before_barrier_ = std::make_shared<const std::vector<std::uint32_t>>(std::move(times));
}

void ThreadOrder::note_sync(unsigned warp) {
  for (unsigned i = warp * 32; i < std::min(threads_, warp * 32 + 32); ++i) {
    merge(warp_known_[warp], thread_known_[i]);
    thread_known_[i].clear();
  }
}

void ThreadOrder::note_fence(bool of_block) {
  Block& block = Block::current();
  const Fence fence{block.tick(), block.barrier_time(), block.sync_time(block.thread() / 32)};
  fences_[1][block.thread()] = fence;
  if (of_block) return;
  fences_[0][block.thread()] = fence;
  fenced_ = true;
}

void ThreadOrder::acquire(std::uintptr_t at) {
  const auto found = numbers_.find(at);
  if (found == numbers_.end()) return;
  const std::vector<Release>& releases = places_[found->second];
  Known& known = thread_known_[Block::current().thread()];
  known[found->second] = static_cast<std::uint32_t>(releases.size());
  if (releases.back().known != nullptr) merge(known, *releases.back().known);
}

void ThreadOrder::release(std::uintptr_t at, const Touch& touch) {
  last_atomic_[touch.block] = {at, touch};
  if (atomics_.size() < kMostAtomics) atomics_.insert(at);
  const Fence& of_device = fences_[0][static_cast<unsigned>(touch.thread)];
  const Fence& of_block = fences_[1][static_cast<unsigned>(touch.thread)];
  const bool releases_device = of_device.time != 0 || before_barrier_ != nullptr;
  if (!releases_device && of_block.time == 0) return;
  const auto [found, added] = numbers_.try_emplace(at, static_cast<std::uint32_t>(places_.size()));
  if (added) places_.emplace_back();
  if (releases_device) add_release(found->second, of_device, false);
  if (of_block.time > of_device.time) add_release(found->second, of_block, true);
}

/// Whether the thread has done so before: then whoever acquires this one has acquired that one.
bool ThreadOrder::has_released(std::uint32_t place, const Release& release) const {
  const auto found = of_block_.find(release.block);
  if (found == of_block_.end()) return false;
  const std::vector<ReleaseId>& all = found->second;
  for (std::size_t i = 0; i < std::min(all.size(), kMostCompared); ++i) {
    const ReleaseId& id = all[all.size() - 1 - i];
    const Release& other = places_[id.place][id.index];
    if (id.place == place && other.thread == release.thread && other.of_block == release.of_block &&
        other.fence.time == release.fence.time && other.before_barrier == release.before_barrier)
      return true;
  }
  return false;
}

void ThreadOrder::add_release(std::uint32_t place, const Fence& fence, bool of_block) {
  const Block& block = Block::current();
  std::vector<Release>& releases = places_[place];
  Release release{block.number(), static_cast<std::int16_t>(block.thread()), of_block, fence, before_barrier_,
                  nullptr};
  if (has_released(place, release)) return;
  // A thread that acquired something after its fence releases it a little early here: no false alarm comes of it.
  Known known = block_known_;
  merge(known, warp_known_[block.thread() / 32]);
  merge(known, thread_known_[block.thread()]);
  known.erase(place);  // who acquires this one acquires those before it
  if (!releases.empty() && releases.back().known != nullptr) {
    const bool adds = std::any_of(known.begin(), known.end(), [&](const auto& one) {
      const auto before = releases.back().known->find(one.first);
      return before == releases.back().known->end() || before->second < one.second;
    });
    release.known = releases.back().known;
    if (adds) {
      merge(known, *releases.back().known);
      release.known = std::make_shared<const Known>(std::move(known));
    }
  } else if (!known.empty()) {
    release.known = std::make_shared<const Known>(std::move(known));
  }
  of_block_[release.block].push_back({place, static_cast<std::uint32_t>(releases.size())});
  releases.push_back(std::move(release));
  ++releases_;
}

/// Whether the touch, by the same block, came before what the release released.
bool ThreadOrder::covers(const Release& release, const Touch& before) {
  if (before.time < release.fence.barrier) return true;
  if (before.thread == release.thread && before.time < release.fence.time) return true;
  if (before.warp == release.thread / 32 && before.time < release.fence.sync) return true;
  return release.before_barrier != nullptr && before.thread >= 0 &&
         before.time < (*release.before_barrier)[static_cast<unsigned>(before.thread)];
}

/// Releases at the address that the running thread has acquired.
std::uint32_t ThreadOrder::length_known(std::uint32_t place) const {
  const unsigned thread = Block::current().thread();
  std::uint32_t length = 0;
  for (const Known* known : {&block_known_, &warp_known_[thread / 32], &thread_known_[thread]}) {
    const auto found = known->find(place);
    if (found != known->end()) length = std::max(length, found->second);
  }
  return length;
}

bool ThreadOrder::orders(const Touch& before) const {
  const auto found = of_block_.find(before.block);
  if (found == of_block_.end()) return false;
  const bool same_block = before.block == Block::current().number();
  return std::any_of(found->second.rbegin(), found->second.rend(), [&](const ReleaseId& id) {
    const Release& release = places_[id.place][id.index];
    return (same_block || !release.of_block) && covers(release, before) && id.index < length_known(id.place);
  });
}

std::optional<Touch> ThreadOrder::unfenced_atomic(const Touch& before) const {
  const auto found = last_atomic_.find(before.block);
  if (found == last_atomic_.end() || before.block == Block::current().number()) return std::nullopt;
  const LastAtomic& last = found->second;
  if (last.touch.time < before.time || !atomics_.contains(last.at)) return std::nullopt;
  return last.touch;
}

}  // namespace tern::emulator

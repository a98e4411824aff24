#include "kernels/common/emulator/shared_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/core/check.h"
#include "kernels/common/emulator/block.h"

namespace tern::emulator {
namespace {

constexpr const char* kDynamic = "dynamic shared memory";
constexpr std::size_t kMaxStaticBytes = 48 << 10;  ///< what nvcc takes
constexpr std::size_t kGap = 1024;  ///< between arrays, so that the next element is no other array's
constexpr std::size_t kRoom = std::size_t{64} << 20;  ///< for all arrays and gaps of a launch

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

SharedMemory::SharedMemory() {
  void* const reserve =
      mmap(nullptr, kReserveBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserve == MAP_FAILED) throw Error("emulator", "64 GiB of address space", "less");
  reserve_ = reinterpret_cast<std::uintptr_t>(reserve);
  void* const middle = static_cast<char*>(reserve) + kReserveBytes / 2;
  if (mprotect(middle, kRoom, PROT_READ | PROT_WRITE) != 0)
    throw Error("emulator", "64 MiB of memory", "less");
}

void SharedMemory::begin_launch(std::size_t dynamic_bytes) {
  arrays_.clear();
  last_ = nullptr;
  next_ = reserve_ + kReserveBytes / 2;
  dynamic_bytes_ = used_bytes_ = dynamic_bytes;
}

void* SharedMemory::array(const char* name, const char* file, int line, std::size_t element_bytes,
                          std::size_t count, std::span<const std::size_t> inner) {
  return reinterpret_cast<void*>(find_or_add(name, file, line, element_bytes, count, inner).begin);
}

void* SharedMemory::dynamic_array(const char* name, std::size_t element_bytes) {
  return array(name, kDynamic, 0, element_bytes, dynamic_bytes_ / element_bytes);
}

std::vector<ArrayRange> SharedMemory::arrays() const {
  std::vector<ArrayRange> ranges;
  for (const Array& array : arrays_)
    ranges.push_back({array.name, array.begin, array.element_bytes * array.count, array.element_bytes});
  return ranges;
}

SharedMemory::Array& SharedMemory::find_or_add(const char* name, const char* file, int line,
                                               std::size_t element_bytes, std::size_t count,
                                               std::span<const std::size_t> inner) {
  for (Array& array : arrays_) {
    if (file == kDynamic && array.file == kDynamic) return array;  // the same bytes, whatever their type
    if (array.file == file && array.line == line && array.element_bytes == element_bytes &&
        array.count == count && array.name == name)
      return array;
  }
  const std::size_t bytes = element_bytes * count;
  if (file != kDynamic) used_bytes_ += bytes;
  if (const std::size_t static_bytes = used_bytes_ - dynamic_bytes_; static_bytes > kMaxStaticBytes) {
    throw Error(fmt::format("shared array '{}'", name),
                fmt::format("at most {} bytes of __shared__ arrays in a kernel (more can be had as extern "
                            "__shared__)",
                            kMaxStaticBytes),
                std::to_string(static_bytes));
  }
  if (used_bytes_ > kMaxSharedBytes) {
    throw Error(fmt::format("shared array '{}'", name),
                fmt::format("at most {} bytes of shared memory in a block", kMaxSharedBytes),
                std::to_string(used_bytes_));
  }
  Array& added =
      arrays_.emplace_back(Array{name, file, line, next_, element_bytes, count, element_bytes, {}, inner});
  added.histories.resize(count);
  next_ += rounded_up(bytes, kGap) + kGap;
  last_ = nullptr;  // the vector may have moved
  return added;
}

std::string SharedMemory::Array::text_of(std::int64_t element) const {
  std::string text = fmt::format("element {} of {}", element, count), index;
  if (inner.empty() || element < 0) return text;
  auto rest = static_cast<std::size_t>(element);
  for (std::size_t i = inner.size(); i-- > 0; rest /= inner[i])
    index = fmt::format("[{}]{}", rest % inner[i], index);
  return fmt::format("{} ([{}]{})", text, rest, index);
}

void SharedMemory::Array::divide(std::size_t bytes) {
  const std::size_t smaller = std::gcd(unit_bytes, bytes), parts = unit_bytes / smaller;
  std::vector<History> divided;
  divided.reserve(histories.size() * parts);
  for (const History& history : histories) divided.insert(divided.end(), parts, history);
  histories = std::move(divided);
  unit_bytes = smaller;
}

/// The array that holds the address, or of those before it the last, or the first of all.
SharedMemory::Array* SharedMemory::nearest(std::uintptr_t address) {
  if (last_ != nullptr && address - last_->begin < last_->element_bytes * last_->count) return last_;
  Array* found = arrays_.empty() ? nullptr : &arrays_.front();
  for (Array& array : arrays_) {
    if (array.begin <= address) found = &array;
  }
  return last_ = found;
}

std::string SharedMemory::note(const void* address, std::size_t bytes, Access access) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  Array* const array = nearest(at);
  if (array == nullptr) return "shared memory is touched, but the kernel has declared none";
  const auto offset = static_cast<std::int64_t>(at - array->begin);
  const auto element = static_cast<std::int64_t>(array->element_bytes);
  const std::int64_t first = offset >= 0 ? offset / element : (offset - element + 1) / element;
  const std::int64_t last = (offset + static_cast<std::int64_t>(bytes) - 1) / element;
  if (first < 0 || std::cmp_greater_equal(last, array->count)) {
    return fmt::format("shared array '{}': {} is outside", array->name,
                       array->text_of(first < 0 ? first : last));
  }
  const auto begin = static_cast<std::size_t>(offset), end = begin + bytes;
  if (begin % array->unit_bytes != 0 || end % array->unit_bytes != 0) array->divide(std::gcd(begin, end));
  for (std::size_t unit = begin / array->unit_bytes; unit < end / array->unit_bytes; ++unit) {
    std::string fault = note_unit(*array, unit, access);
    if (!fault.empty()) return fault;
  }
  return {};
}

std::string SharedMemory::note_unit(Array& array, std::size_t unit, Access access) const {
  History& element = array.histories[unit];
  const std::size_t index = unit * array.unit_bytes / array.element_bytes;
  const auto fault = [&](const std::string& what) {
    return fmt::format("shared array '{}': {} {}", array.name,
                       array.text_of(static_cast<std::int64_t>(index)), what);
  };
  const Block& block = Block::current();
  const Touch touch = block.touch(access == Access::atomic ? Strength::strong : Strength::plain);
  const bool is_written = element.write.thread != Touch::kNobody && element.write.time >= block.begin_time();
  if (access != Access::write && !is_written) return fault("is read, but nobody has written it");
  const auto ordered = [&](const Touch& before) { return block.orders(before, touch); };
  switch (race_of(element, touch, access, ordered)) {
    case Race::none:
      break;
    case Race::read_after_write:
      return fault(fmt::format("is read with no barrier after thread {} wrote it", element.write.thread));
    case Race::write_after_write:
      return fault(fmt::format("is {} with no barrier after thread {} wrote it",
                               access == Access::atomic ? "updated" : "written", element.write.thread));
    case Race::write_after_read:
      return fault("is written with no barrier after another thread read it");
  }
  keep(element, touch, access, block.barrier_time(), ordered);
  return {};
}

}  // namespace tern::emulator

// Shared memory that watches how it is used: each element knows who wrote and read it last, and since which
// barriers.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <typeindex>
#include <vector>

namespace tern::emulator {

/// Who touched an element last. Accesses are ordered if a __syncthreads lies between them, or a __syncwarp
/// and both are by one warp, or both are by one thread.
struct Touch {
  static constexpr std::int32_t kNobody = -1, kSeveral = -2;
  std::int32_t thread = kNobody, warp = kNobody;
  std::uint32_t block_era = 0, warp_era = 0;
  bool atomic = false;
};

/// What every shared array is to the block that owns it.
class SharedArrayBase {
 public:
  SharedArrayBase(std::string name, const char* file, int line, std::type_index type, std::int64_t count)
      : name_(std::move(name)), file_(file), line_(line), type_(type), count_(count) {}
  virtual ~SharedArrayBase() = default;
  virtual void forget() = 0;  ///< a new block begins: nothing is written

  bool is(const char* file, int line, std::type_index type) const {
    return file_ == file && line_ == line && type_ == type;
  }
  std::int64_t count() const { return count_; }

 protected:
  struct History {
    Touch read, write;
  };
  /// Each throws Error for what must not be; `index` may be anything.
  void check_index(std::int64_t index) const;
  void note_read(History& history, std::int64_t index, bool atomic) const;
  void note_write(History& history, std::int64_t index, bool atomic) const;

 private:
  [[noreturn]] void fail(std::int64_t index, const std::string& what) const;

  std::string name_;
  const char* file_;
  int line_;
  std::type_index type_;
  std::int64_t count_;
};

template <typename T>
class SharedPointer;

template <typename T>
class SharedArray final : public SharedArrayBase {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SharedArray(std::string name, const char* file, int line, std::int64_t count)
      : SharedArrayBase(std::move(name), file, line, typeid(T), count),
        cells_(static_cast<std::size_t>(count)) {}

  void forget() override {
    for (Cell& cell : cells_) cell.history = {};
  }
  T read(std::int64_t index, bool atomic = false) {
    Cell& cell = at(index);
    note_read(cell.history, index, atomic);
    return cell.value;
  }
  void write(std::int64_t index, const T& value, bool atomic = false) {
    Cell& cell = at(index);
    note_write(cell.history, index, atomic);
    cell.value = value;
  }

  /// An element: reads and writes go through the array.
  class Element {
   public:
    Element(SharedArray& array, std::int64_t index) : array_(array), index_(index) {}
    operator T() const { return array_.read(index_); }  // NOLINT: reads as the element does
    Element& operator=(const T& value) {
      array_.write(index_, value);
      return *this;
    }
    Element& operator=(const Element& other) { return *this = static_cast<T>(other); }
    Element& operator+=(const T& value) { return *this = static_cast<T>(*this) + value; }
    Element& operator*=(const T& value) { return *this = static_cast<T>(*this) * value; }
    SharedPointer<T> operator&() const { return {array_, index_}; }

   private:
    SharedArray& array_;
    std::int64_t index_;
  };

  Element operator[](std::integral auto index) { return {*this, static_cast<std::int64_t>(index)}; }

 private:
  struct Cell {
    T value{};
    History history;
  };
  Cell& at(std::int64_t index) {
    check_index(index);
    return cells_[static_cast<std::size_t>(index)];
  }
  std::vector<Cell> cells_;
};

/// &array[i], for atomics.
template <typename T>
class SharedPointer {
 public:
  SharedPointer(SharedArray<T>& array, std::int64_t index) : array_(array), index_(index) {}
  T update(auto change) const {
    const T before = array_.read(index_, /*atomic=*/true);
    array_.write(index_, change(before), /*atomic=*/true);
    return before;
  }

 private:
  SharedArray<T>& array_;
  std::int64_t index_;
};

/// The running block's arrays: found by where they are declared, or by type for the dynamic one.
SharedArrayBase* find_array(const char* file, int line, std::type_index type);
SharedArrayBase& keep_array(std::unique_ptr<SharedArrayBase> array);
std::size_t dynamic_bytes();

template <typename T>
SharedArray<T>& block_array(const char* name, const char* file, int line, std::int64_t count) {
  SharedArrayBase* array = find_array(file, line, typeid(T));
  if (array == nullptr) array = &keep_array(std::make_unique<SharedArray<T>>(name, file, line, count));
  return static_cast<SharedArray<T>&>(*array);
}

template <typename T>
SharedArray<T>& dynamic_array(const char* name) {
  static constexpr char kPlace[] = "dynamic shared memory";
  return block_array<T>(name, kPlace, 0, static_cast<std::int64_t>(dynamic_bytes() / sizeof(T)));
}

}  // namespace tern::emulator

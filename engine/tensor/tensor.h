// A tensor: a shape and a type over shared, contiguous storage. It does no maths;
// engine/ops does. Images are NHWC, convolution weights KRSC (out, height, width, in).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/device/allocator.h"
#include "engine/device/device.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/shape.h"

namespace tern {

/// Copying a Tensor copies the handle: both see the same elements. clone() copies the elements.
class Tensor {
 public:
  Tensor() = default;  ///< undefined: no storage, defined() is false

  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu());
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu());
  static Tensor full(const Shape& shape, float value);  ///< f32 on the CPU
  static Tensor empty_like(const Tensor& other) {
    return empty(other.shape(), other.dtype(), other.device());
  }
  static Tensor zeros_like(const Tensor& other) {
    return zeros(other.shape(), other.dtype(), other.device());
  }

  /// A tensor on the CPU with a copy of `values`, row-major. Throws Error if their number is not the shape's.
  template <typename T>
  static Tensor from(const Shape& shape, std::span<const T> values) {
    Tensor tensor = from_bytes(shape, dtype_of<T>, std::as_bytes(values));
    return tensor;
  }
  template <typename T>
  static Tensor from(const Shape& shape, const std::vector<T>& values) {
    return from(shape, std::span<const T>(values));
  }
  static Tensor from_bytes(const Shape& shape, DType dtype, std::span<const std::byte> bytes);

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t size(int axis) const { return shape_[axis]; }
  int rank() const { return shape_.rank(); }
  std::int64_t numel() const { return numel_; }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }
  std::size_t bytes() const { return bytes_of(dtype_, numel_); }

  /// The elements; on the host for a CPU tensor. Throws Error if T is not the tensor's type.
  template <typename T>
  T* data() {
    require_dtype(dtype_of<T>);
    return static_cast<T*>(raw());
  }
  template <typename T>
  const T* data() const {
    require_dtype(dtype_of<T>);
    return static_cast<const T*>(raw());
  }
  void* raw() { return raw_; }
  const void* raw() const { return raw_; }

  /// The same elements under another shape of the same size.
  Tensor reshape(const Shape& shape) const;
  /// Rows [begin, end) of the first axis; shares the elements. Not for types whose elements share a byte.
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  Tensor clone() const;
  Tensor to(Device device) const;  ///< itself if it is there already, else a copy
  /// Copies the elements of `from`, which must have the same shape and type, into this tensor's storage.
  void assign(const Tensor& from);
  /// True if no other handle shares the storage, so that writing in place changes nobody's values.
  bool sole_owner() const { return storage_.use_count() == 1; }
  bool shares_storage(const Tensor& other) const { return defined() && storage_ == other.storage_; }

  /// A copy of the elements on the host. Throws Error if T is not the tensor's type.
  template <typename T>
  std::vector<T> to_vector() const {
    const Tensor host = to(Device::cpu());
    return std::vector<T>(host.data<T>(), host.data<T>() + numel_);
  }
  /// The only element of a one-element f32 tensor.
  float item() const;

 private:
  void require_dtype(DType wanted) const;

  std::shared_ptr<Buffer> storage_;
  void* raw_ = nullptr;
  Shape shape_;
  std::int64_t numel_ = 0;
  DType dtype_ = DType::f32;
  Device device_;
};

/// Checks shared by the ops; each throws Error{op, wanted, got}.
void check_rank(const char* op, const Tensor& x, int rank, const char* layout);
void check_dtype(const char* op, const char* argument, const Tensor& x, DType dtype);
void check_shape(const char* op, const char* argument, const Tensor& x, const Shape& wanted);
void check_same_shape(const char* op, const Tensor& a, const Tensor& b);

}  // namespace tern

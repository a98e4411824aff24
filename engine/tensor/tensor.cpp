#include "engine/tensor/tensor.h"

#include <algorithm>
#include <string>

#include "engine/core/check.h"

namespace tern {

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor tensor;
  tensor.shape_ = shape;
  tensor.numel_ = shape.numel();
  tensor.dtype_ = dtype;
  tensor.device_ = device;
  tensor.storage_ = std::make_shared<Buffer>(tensor.bytes(), device);
  tensor.raw_ = tensor.storage_->data();
  return tensor;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor tensor = empty(shape, dtype, device);
  zero_bytes(tensor.raw_, device, tensor.bytes());
  return tensor;
}

Tensor Tensor::full(const Shape& shape, float value) {
  Tensor tensor = empty(shape);
  std::fill_n(tensor.data<float>(), tensor.numel(), value);
  return tensor;
}

Tensor Tensor::from_bytes(const Shape& shape, DType dtype, std::span<const std::byte> bytes) {
  const std::size_t wanted = bytes_of(dtype, shape.numel());
  if (bytes.size() != wanted) {
    throw Error("tensor " + shape.text(), std::to_string(wanted) + " bytes of " + name_of(dtype),
                std::to_string(bytes.size()));
  }
  Tensor tensor = empty(shape, dtype);
  copy_bytes(tensor.raw_, tensor.device_, bytes.data(), Device::cpu(), bytes.size());
  return tensor;
}

Tensor Tensor::reshape(const Shape& shape) const {
  if (shape.numel() != numel_) throw Error("reshape", "as many elements as " + shape_.text(), shape.text());
  Tensor view = *this;
  view.shape_ = shape;
  return view;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  if (rank() < 1 || begin < 0 || end < begin || end > shape_[0]) {
    throw Error("rows", "a range within " + shape_.text(),
                std::to_string(begin) + ".." + std::to_string(end));
  }
  if (bits_of(dtype_) < 8) throw Error("rows", "elements of whole bytes", name_of(dtype_));
  std::vector<std::int64_t> extents(shape_.begin(), shape_.end());
  extents[0] = end - begin;
  Tensor view = *this;
  view.shape_ = Shape(std::span<const std::int64_t>(extents));
  view.numel_ = view.shape_.numel();
  const std::int64_t row_elements = shape_[0] == 0 ? 0 : numel_ / shape_[0];
  view.raw_ =
      static_cast<std::byte*>(raw_) + static_cast<std::size_t>(begin * row_elements) * size_of(dtype_);
  return view;
}

Tensor Tensor::clone() const {
  Tensor copy = empty(shape_, dtype_, device_);
  copy_bytes(copy.raw_, device_, raw_, device_, bytes());
  return copy;
}

Tensor Tensor::to(Device device) const {
  if (device == device_) return *this;
  Tensor copy = empty(shape_, dtype_, device);
  copy_bytes(copy.raw_, device, raw_, device_, bytes());
  return copy;
}

void Tensor::assign(const Tensor& from) {
  check_same_shape("assign", *this, from);
  if (from.dtype() != dtype_) throw Error("assign", name_of(dtype_), name_of(from.dtype()));
  copy_bytes(raw_, device_, from.raw_, from.device_, bytes());
}

float Tensor::item() const {
  if (numel_ != 1) throw Error("item", "a tensor of one element", shape_.text());
  const Tensor host = to(Device::cpu());
  return *host.data<float>();
}

void Tensor::require_dtype(DType wanted) const {
  if (wanted != dtype_) throw Error("tensor " + shape_.text(), name_of(wanted), name_of(dtype_));
}

void check_rank(const char* op, const Tensor& x, int rank, const char* layout) {
  if (x.rank() != rank) throw Error(op, layout, x.shape().text());
}

void check_dtype(const char* op, const char* argument, const Tensor& x, DType dtype) {
  if (x.dtype() != dtype)
    throw Error(op, std::string(argument) + " of type " + name_of(dtype), name_of(x.dtype()));
}

void check_shape(const char* op, const char* argument, const Tensor& x, const Shape& wanted) {
  if (!(x.shape() == wanted)) throw Error(op, std::string(argument) + " " + wanted.text(), x.shape().text());
}

void check_same_shape(const char* op, const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()))
    throw Error(op, "equal shapes", a.shape().text() + " and " + b.shape().text());
}

}  // namespace tern

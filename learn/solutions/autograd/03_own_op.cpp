// dy/dx = s + y (1 - s), with s = 1 / (1 + e^-x).
Variable silu(const Variable& x) {
  const Tensor s = sigmoid(x.data());
  Tensor y = Tensor::empty_like(s);
  mul(x.data(), s, y);
  return record("silu", {x}, y, [s, y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(dy);
    affine(s, -1, 1, dx);  // 1 - s
    mul(dx, y, dx);
    add(dx, s, dx);
    mul(dx, dy, dx);
    return {dx};
  });
}

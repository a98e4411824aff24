Variable matmul(const Variable& a, const Variable& b) {
  return record(product(a->value, b->value), {a, b}, [a, b](const Node& y) {
    add_to(a->gradient, product(y.gradient, transposed(b->value)));
    add_to(b->gradient, product(transposed(a->value), y.gradient));
  });
}

// y = x + row in every row; row is [1, columns].
Variable add_row(const Variable& x, const Variable& row) {
  Matrix y = x->value;
  for (int r = 0; r < y.rows; ++r)
    for (int c = 0; c < y.columns; ++c) y(r, c) += row->value(0, c);
  return record(std::move(y), {x, row}, [x, row](const Node& y) {
    add_to(x->gradient, y.gradient);
    for (int r = 0; r < y.value.rows; ++r)
      for (int c = 0; c < y.value.columns; ++c) row->gradient(0, c) += y.gradient(r, c);
  });
}

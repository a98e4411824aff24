// d(a b) = b da + a db.
Value operator*(const Value& a, const Value& b) {
  return record(a->value * b->value, {a, b}, [a, b](const Node& y) {
    a->gradient += b->value * y.gradient;
    b->gradient += a->value * y.gradient;
  });
}

// d tanh(x) = (1 - tanh(x)^2) dx; y.value is tanh(x) already.
Value tanh(const Value& x) {
  return record(std::tanh(x->value), {x},
                [x](const Node& y) { x->gradient += (1 - y.value * y.value) * y.gradient; });
}

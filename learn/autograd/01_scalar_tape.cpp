// Autograd 1, a tape of numbers. Everything that `backward` does in a deep-learning engine, in sixty lines.
//
// A Value remembers the values that it was made of and how to hand its gradient on to them. Going back from the result, each
// value is visited once, after everything that was made of it: its gradient is complete by then, since gradients of several ways
// add up. To do: the ways back of two operations.
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <vector>

struct Node {
  double value = 0, gradient = 0;
  std::vector<std::shared_ptr<Node>> inputs;
  std::function<void(const Node&)> backward = [](const Node&) {};  // adds to the gradients of the inputs
};
using Value = std::shared_ptr<Node>;

Value number(double value) {
  auto node = std::make_shared<Node>();
  node->value = value;
  return node;
}

Value record(double value, std::vector<Value> inputs, std::function<void(const Node&)> backward) {
  Value node = number(value);
  node->inputs = std::move(inputs);
  node->backward = std::move(backward);
  return node;
}

// d(a + b) = da + db: both inputs get the gradient as it is.
Value operator+(const Value& a, const Value& b) {
  return record(a->value + b->value, {a, b}, [a, b](const Node& y) {
    a->gradient += y.gradient;
    b->gradient += y.gradient;
  });
}

// ---- your code
// d(a b) = b da + a db.
Value operator*(const Value& a, const Value& b) {
  return record(a->value * b->value, {a, b}, [a, b](const Node& y) {
    // Your code: two lines.
  });
}

// d tanh(x) = (1 - tanh(x)^2) dx; y.value is tanh(x) already.
Value tanh(const Value& x) {
  return record(std::tanh(x->value), {x}, [x](const Node& y) {
    // Your code: one line.
  });
}
// ---- the test

void sort(const Value& value, std::set<const Node*>& seen, std::vector<Value>& order) {
  if (!seen.insert(value.get()).second) return;
  for (const Value& input : value->inputs) sort(input, seen, order);
  order.push_back(value);
}

void backward(const Value& result) {
  std::set<const Node*> seen;
  std::vector<Value> order;
  sort(result, seen, order);
  result->gradient = 1;
  for (auto node = order.rbegin(); node != order.rend(); ++node) (*node)->backward(**node);
}

// The gradient against the slope: f(x + h) - f(x - h), over 2 h.
bool is_right(const char* formula, const std::function<Value(const Value&)>& f, double at) {
  const Value x = number(at);
  backward(f(x));
  constexpr double h = 1e-6;
  const double slope = (f(number(at + h))->value - f(number(at - h))->value) / (2 * h);
  const bool right = std::fabs(x->gradient - slope) < 1e-6;
  std::printf("%-24s at %4.1f: gradient %9.6f, slope %9.6f%s\n", formula, at, x->gradient, slope,
              right ? "" : "   not yet");
  return right;
}

int main() {
  struct {
    const char* formula;
    Value (*f)(const Value& x);
    const char* hint;
  } const cases[] = {
      {"x + x", [](const Value& x) { return x + x; }, "operator+ is given, and was right: what has changed?"},
      {"3 x", [](const Value& x) { return number(3) * x; },
       "y = a b grows by b when a grows by 1: a's gradient is b's value times y.gradient, and the other way "
       "round"},
      {"x x x", [](const Value& x) { return x * x * x; },
       "x has come by several ways, whose gradients add up: +=, not =. And each is what came from behind, "
       "y.gradient, times something"},
      {"tanh(x)", [](const Value& x) { return tanh(x); },
       "1 - tanh(x)^2, times y.gradient; tanh(x) itself is y.value, and not to be computed again"},
      {"tanh(x x + x) x", [](const Value& x) { return tanh(x * x + x) * x; },
       "each way back adds (+=) to the gradients of its inputs, and each times y.gradient"},
  };
  for (const double at : {-1.5, 0.3, 2.0}) {
    const char* hint = nullptr;
    for (const auto& one : cases) {
      if (!is_right(one.formula, one.f, at) && hint == nullptr) hint = one.hint;
    }
    if (hint != nullptr) return std::printf("hint: %s\n", hint), 1;
  }
  std::puts("right: the gradient is the slope");
  return 0;
}

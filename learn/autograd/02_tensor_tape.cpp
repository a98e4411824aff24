// Autograd 2, a tape of matrices. Nothing new on the way back but the operations: a matrix product, a row added to every row, ReLU,
// a mean. That is enough for a network. To do: the ways back of two of them.
//
// The shapes say how: a gradient has the shape of its value. If y = a b with a [n, k] and b [k, m], then dy is [n, m], and the only
// products of dy, a and b that have the right shapes are dy b^T for a and a^T dy for b.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <set>
#include <source_location>
#include <vector>

struct Matrix {
  int rows = 0, columns = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(int r, int c) : rows(r), columns(c), values(static_cast<std::size_t>(r * c)) {}
  double& operator()(int r, int c) { return values[static_cast<std::size_t>(r * columns + c)]; }
  double operator()(int r, int c) const { return values[static_cast<std::size_t>(r * columns + c)]; }
};

Matrix transposed(const Matrix& a) {
  Matrix y(a.columns, a.rows);
  for (int r = 0; r < a.rows; ++r)
    for (int c = 0; c < a.columns; ++c) y(c, r) = a(r, c);
  return y;
}

using Place = std::source_location;

/// Ends the program where two matrices do not fit, with the line that has brought them.
void require_fit(bool fits, const char* wanted, const Matrix& a, const Matrix& b, Place where) {
  if (fits) return;
  std::printf("not yet: %s:%u: wanted %s, got [%d, %d] and [%d, %d]\n", where.file_name(), where.line(),
              wanted, a.rows, a.columns, b.rows, b.columns);
  std::puts("hint: dy is [n, m], a [n, k], b [k, m]: which products have the shape of a, and of b?");
  std::exit(1);
}

Matrix product(const Matrix& a, const Matrix& b, Place where = Place::current()) {
  require_fit(a.columns == b.rows, "a product of [n, k] and [k, m]", a, b, where);
  Matrix y(a.rows, b.columns);
  for (int r = 0; r < a.rows; ++r)
    for (int k = 0; k < a.columns; ++k)
      for (int c = 0; c < b.columns; ++c) y(r, c) += a(r, k) * b(k, c);
  return y;
}

void add_to(Matrix& sum, const Matrix& term, Place where = Place::current()) {
  require_fit(sum.rows == term.rows && sum.columns == term.columns, "a sum of equal shapes", sum, term,
              where);
  for (std::size_t i = 0; i < term.values.size(); ++i) sum.values[i] += term.values[i];
}

struct Node {
  Matrix value, gradient;
  std::vector<std::shared_ptr<Node>> inputs;
  std::function<void(const Node&)> backward = [](const Node&) {};
};
using Variable = std::shared_ptr<Node>;

Variable record(
    Matrix value, std::vector<Variable> inputs = {},
    std::function<void(const Node&)> backward = [](const Node&) {}) {
  auto node = std::make_shared<Node>();
  node->gradient = Matrix(value.rows, value.columns);
  node->value = std::move(value);
  node->inputs = std::move(inputs);
  node->backward = std::move(backward);
  return node;
}

Variable relu(const Variable& x) {
  Matrix y = x->value;
  for (double& value : y.values) value = std::fmax(value, 0);
  return record(std::move(y), {x}, [x](const Node& y) {
    for (std::size_t i = 0; i < y.value.values.size(); ++i)
      if (y.value.values[i] > 0) x->gradient.values[i] += y.gradient.values[i];
  });
}

// The mean of the squares of x - target, [1, 1].
Variable mean_square(const Variable& x, const Matrix& target) {
  Matrix y(1, 1);
  const auto count = static_cast<double>(target.values.size());
  for (std::size_t i = 0; i < target.values.size(); ++i)
    y(0, 0) += std::pow(x->value.values[i] - target.values[i], 2) / count;
  return record(std::move(y), {x}, [x, target, count](const Node& y) {
    for (std::size_t i = 0; i < target.values.size(); ++i)
      x->gradient.values[i] += 2 * (x->value.values[i] - target.values[i]) / count * y.gradient(0, 0);
  });
}

// ---- your code
Variable matmul(const Variable& a, const Variable& b) {
  return record(product(a->value, b->value), {a, b}, [a, b](const Node& y) {
    // Your code: two lines, with product, transposed and add_to.
  });
}

// y = x + row in every row; row is [1, columns].
Variable add_row(const Variable& x, const Variable& row) {
  Matrix y = x->value;
  for (int r = 0; r < y.rows; ++r)
    for (int c = 0; c < y.columns; ++c) y(r, c) += row->value(0, c);
  return record(std::move(y), {x, row}, [x, row](const Node& y) {
    // Your code: x has gone to one place each, `row` to every row.
  });
}
// ---- the test

void sort(const Variable& variable, std::set<const Node*>& seen, std::vector<Variable>& order) {
  if (!seen.insert(variable.get()).second) return;
  for (const Variable& input : variable->inputs) sort(input, seen, order);
  order.push_back(variable);
}

void backward(const Variable& result) {
  std::set<const Node*> seen;
  std::vector<Variable> order;
  sort(result, seen, order);
  result->gradient(0, 0) = 1;
  for (auto node = order.rbegin(); node != order.rend(); ++node) (*node)->backward(**node);
}

// Two layers that learn x y of two numbers.
struct Network {
  Variable w1, b1, w2, b2;

  Variable forward(const Variable& x) const {
    return add_row(matmul(relu(add_row(matmul(x, w1), b1)), w2), b2);
  }
  std::vector<Variable> parameters() const { return {w1, b1, w2, b2}; }
};

Matrix random(int rows, int columns, double scale, unsigned& seed) {
  Matrix y(rows, columns);
  for (double& value : y.values) {
    seed = seed * 1664525u + 1013904223u;
    value = scale * (seed / 2147483648.0 - 1);
  }
  return y;
}

bool gradients_are_slopes(const Network& network, const Variable& x, const Matrix& target) {
  backward(mean_square(network.forward(x), target));
  const char* const names[] = {"w1", "b1", "w2", "b2"};
  const char* const hints[] = {
      "matmul: a's gradient is dy b^T, b's is a^T dy, each added with add_to",
      "b1 is reached through matmul's a, whose gradient is dy b^T; and a row that was added to every row "
      "gets "
      "the sum over the rows",
      "w2 is matmul's b, whose gradient is a^T dy. In between add_row hands dy to x as it is",
      "a row that was added to every row gets the sum of dy over the rows"};
  const char* hint = nullptr;  // of the last that is wrong, which is the first on the way back
  for (std::size_t p = 0; p < 4; ++p) {
    Node& parameter = *network.parameters()[p];
    double& value = parameter.value.values[1 % parameter.value.values.size()];
    const double gradient = parameter.gradient.values[1 % parameter.value.values.size()], before = value,
                 h = 1e-5;
    value = before + h;
    const double above = mean_square(network.forward(x), target)->value(0, 0);
    value = before - h;
    const double below = mean_square(network.forward(x), target)->value(0, 0);
    value = before;
    const double slope = (above - below) / (2 * h);
    const bool same = std::fabs(gradient - slope) < 1e-6 * std::fmax(1, std::fabs(slope));
    std::printf("%s: gradient %9.6f, slope %9.6f%s\n", names[p], gradient, slope, same ? "" : "   not yet");
    if (!same) hint = hints[p];
  }
  if (hint != nullptr) std::printf("hint: %s\n", hint);
  return hint == nullptr;
}

int main() {
  unsigned seed = 7;
  const Network network{record(random(2, 16, 1, seed)), record(random(1, 16, 1, seed)),
                        record(random(16, 1, .5, seed)), record(random(1, 1, .5, seed))};
  const Variable x = record(random(64, 2, 1, seed));
  Matrix target(64, 1);
  for (int r = 0; r < 64; ++r) target(r, 0) = x->value(r, 0) * x->value(r, 1);
  if (!gradients_are_slopes(network, x, target)) return 1;
  for (int step = 0; step <= 400; ++step) {
    for (const Variable& parameter : network.parameters())
      parameter->gradient = Matrix(parameter->value.rows, parameter->value.columns);
    const Variable loss = mean_square(network.forward(x), target);
    backward(loss);
    if (step % 100 == 0) std::printf("step %3d  loss %.5f\n", step, loss->value(0, 0));
    for (const Variable& parameter : network.parameters())
      for (std::size_t i = 0; i < parameter->value.values.size(); ++i)
        parameter->value.values[i] -= 0.1 * parameter->gradient.values[i];
  }
  std::puts(
      "right: it learns. What tern's tape does more (engine/autograd/tape.cpp): no recursion, memory freed "
      "on the way");
  return 0;
}

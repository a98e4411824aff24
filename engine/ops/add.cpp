// y = a + b                          da = db = dy
// y = sum_i weight_i term_i          dterm_i = weight_i dy
// Equal shapes. Save nothing.
#include "engine/ops/add.h"

#include <string>
#include <vector>

#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"

namespace tern {
namespace {

Tensor zeros(const Tensor& like) {
  Tensor zero = Tensor::empty_like(like);
  fill(0, zero);
  return zero;
}

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  check_activation("add", "a", a.data());
  check_dtype("add", "b", b.data(), a.data().dtype());
  check_same_shape("add", a.data(), b.data());
  Tensor y = Tensor::empty_like(a.data());
  add(a.data(), b.data(), y);
  return record("add", {a, b}, std::move(y), [](const Tensor& dy) -> Grads { return {dy, dy}; });
}

Variable weighted_sum(std::span<const Variable> terms, std::span<const float> weights) {
  if (terms.empty() || terms.size() != weights.size()) {
    throw Error("weighted_sum", "as many weights as terms, and one at least",
                std::to_string(terms.size()) + " terms and " + std::to_string(weights.size()) + " weights");
  }
  Tensor y = zeros(terms[0].data());
  for (std::size_t i = 0; i < terms.size(); ++i) {
    check_dtype("weighted_sum", "a term", terms[i].data(), DType::f32);
    check_same_shape("weighted_sum", y, terms[i].data());
    add_scaled(weights[i], terms[i].data(), y);
  }
  return record("weighted_sum", {terms.begin(), terms.end()}, std::move(y),
                [factors = std::vector<float>(weights.begin(), weights.end())](const Tensor& dy) -> Grads {
                  Grads grads;
                  for (const float factor : factors) {
                    grads.push_back(zeros(dy));
                    add_scaled(factor, dy, grads.back());
                  }
                  return grads;
                });
}

}  // namespace tern

#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y_i = exp(x_i) / sum_j exp(x_j) along the rows of x [rows, classes].
Variable softmax(const Variable& x);

/// y_i = x_i - log sum_j exp(x_j) along the rows of x [rows, classes].
Variable log_softmax(const Variable& x);

}  // namespace tern

#pragma once

#include <functional>
#include <span>

#include "engine/backend/backend.h"

namespace tern::cpu {

/// Adds values up over the ranks that share their statistics; empty where this process has its own.
using SumOverRanks = std::function<void(std::span<double>)>;

// As engine/ops/batch_norm.cpp describes its primitives.
void batch_norm_training(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                         float momentum, const Epilogue& epilogue, Tensor& running_mean,
                         Tensor& running_variance, Tensor& mean, Tensor& inverse_std, Tensor& y,
                         const SumOverRanks& over_ranks = {});
void batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                          const Epilogue& epilogue, const Tensor& running_mean,
                          const Tensor& running_variance, Tensor& y);
void batch_norm_backward(const Tensor& x, const Tensor* y, const Tensor& dy, const Tensor& gamma,
                         const Tensor* beta, const Tensor& mean, const Tensor& inverse_std,
                         bool batch_statistics, Tensor& dx, Tensor& dgamma, Tensor& dbeta, Tensor* dresidual,
                         const SumOverRanks& over_ranks = {});

}  // namespace tern::cpu

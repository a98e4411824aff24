// Divides the points 0 .. count - 1, which lie class by class: `validation` of them, drawn at random, and the rest.
Split split(std::int64_t count, std::int64_t validation, RandomStream& random) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  random.shuffle(numbers);
  return {.training = {numbers.begin() + validation, numbers.end()},
          .validation = {numbers.begin(), numbers.begin() + validation}};
}

struct EarlyStop {
  int patience;  ///< epochs in a row that need not be better than the best
  float best = std::numeric_limits<float>::infinity();
  int best_epoch = -1;
  std::vector<Tensor> kept = {};  ///< the parameters of the best epoch

  // After each epoch. True: `patience` epochs in a row have brought nothing.
  bool stop(int epoch, float validation_loss, const std::vector<ParameterEntry>& parameters) {
    if (validation_loss < best) {
      best = validation_loss;
      best_epoch = epoch;
      kept.clear();
      for (const ParameterEntry& parameter : parameters) kept.push_back(parameter.value.data().clone());
    }
    return epoch - best_epoch >= patience;
  }
};

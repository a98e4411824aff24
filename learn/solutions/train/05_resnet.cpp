// In place: mirrored, left to right, with probability one half, and shifted by `right` pixels, -3 to 3, drawn evenly. Where nothing
// comes from is 0. image: [side][side][3].
void augment(float* image, int side, RandomStream& random) {
  const bool mirrored = random.chance(0.5f);
  const int right = static_cast<int>(random.below(7)) - 3;
  for (int row = 0; row < side; ++row) {
    float* const pixels = image + row * side * 3;
    const std::vector<float> before(pixels, pixels + side * 3);
    for (int column = 0; column < side; ++column) {
      int from = column - right;
      const bool is_inside = from >= 0 && from < side;
      if (mirrored) from = side - 1 - from;
      for (int colour = 0; colour < 3; ++colour)
        pixels[column * 3 + colour] = is_inside ? before[static_cast<std::size_t>(from * 3 + colour)] : 0;
    }
  }
}

// Every image once, in batches of 32 and a new order; a rest of less than 32 is left out.
void train_epoch(Model& model, Optimizer& optimizer, TrainingSet& set, RandomStream& random,
                 Progress& progress) {
  constexpr std::int64_t kBatch = 32;
  model.set_training(true);
  std::vector<std::int64_t> order(static_cast<std::size_t>(set.images.count()));
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(order);
  for (std::int64_t at = 0; at + kBatch <= set.images.count(); at += kBatch) {
    lesson::Images batch = set.take({order.begin() + at, order.begin() + at + kBatch});
    const int side = batch.side();
    for (std::int64_t image = 0; image < kBatch; ++image)
      augment(batch.pixels.data<float>() + image * side * side * 3, side, random);
    const Variable loss = cross_entropy(model.forward(Variable(batch.pixels)).front(), batch.targets());
    progress.losses.push_back(loss.data().item());
    backward(loss);
    optimizer.step({.learning_rate = progress.rate()});
    optimizer.clear_gradients();
    ++progress.step;
  }
}

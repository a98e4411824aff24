// images [N, 24, 24, 3] -> logits [N, kClasses].
Variable Network::forward(const Variable& images) {
  const Variable a = norm1.forward(conv1.forward(images), /*relu=*/true);
  const Variable b = norm2.forward(conv2.forward(a), /*relu=*/true);
  const Variable c = norm3.forward(conv3.forward(b), /*relu=*/true);
  return last.forward(global_average_pool(c));
}

// The part of the images whose largest logit is the label's, in %: lesson::accuracy_percent(logits, set.targets()).
double accuracy(Network& network, const lesson::Images& set) {
  const NoGrad no_history;
  network.set_training(false);
  const Variable logits = network.forward(Variable(set.pixels));
  network.set_training(true);
  return lesson::accuracy_percent(logits.data(), set.targets());
}

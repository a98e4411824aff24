// x [points, 2], labels [points]. Returns the loss as it was before the step.
float training_step(const Network& network, const Variable& x, const Tensor& labels, float rate) {
  const Variable loss = cross_entropy(network.forward(x), labels);
  backward(loss);
  for (Variable parameter : network.parameters()) {
    float* const values = parameter.data().data<float>();
    const float* const slopes = parameter.grad().data<float>();
    for (std::int64_t i = 0; i < parameter.data().numel(); ++i) values[i] -= rate * slopes[i];
    parameter.clear_grad();
  }
  return loss.data().item();
}

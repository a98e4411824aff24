// The part of the rate that step 0, 1, ... total - 1 has.
float factor(int step, int warmup, int total) {
  if (step < warmup) return static_cast<float>(step + 1) / static_cast<float>(warmup + 1);
  const float t = static_cast<float>(step - warmup) / static_cast<float>(total - warmup);
  return (1 + std::cos(std::numbers::pi_v<float> * t)) / 2;
}

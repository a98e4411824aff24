__global__ void softmax(const float* x, float* y, int rows, int columns) {
  const int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
  if (row >= rows) return;  // a whole warp at once
  x += row * columns;
  y += row * columns;
  float most = -INFINITY, sum = 0;
  const auto join = [&](float other_most, float other_sum) {
    const float larger = fmaxf(most, other_most);
    if (larger == -INFINITY) return;  // neither has a value
    sum = sum * expf(most - larger) + other_sum * expf(other_most - larger);
    most = larger;
  };
  for (int i = lane; i < columns; i += 32) join(x[i], 1);
  for (int distance = 16; distance > 0; distance /= 2) {
    const float other_most = __shfl_xor_sync(0xffffffff, most, distance);
    const float other_sum = __shfl_xor_sync(0xffffffff, sum, distance);
    join(other_most, other_sum);
  }
  for (int i = lane; i < columns; i += 32) y[i] = expf(x[i] - most) / sum;
}

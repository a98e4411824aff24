__global__ void add_ten(const float* x, float* y, int rows, int columns) {
  const int row = threadIdx.y, column = threadIdx.x;
  if (row >= rows || column >= columns) return;
  y[row * columns + column] = x[row * columns + column] + 10;
}

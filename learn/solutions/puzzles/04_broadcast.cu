__global__ void outer_sum(const float* a, const float* b, float* y, int rows, int columns) {
  const int row = threadIdx.y, column = threadIdx.x;
  if (row < rows && column < columns) y[row * columns + column] = a[row] + b[column];
}

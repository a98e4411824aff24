// Two threads read the same count, add one each, and write the same sum: one is lost. atomicAdd reads and writes undisturbed.
__global__ void count_positive(const float* x, int* count, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && x[i] > 0) atomicAdd(count, 1);
}

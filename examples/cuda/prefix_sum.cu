// An inclusive prefix sum: each block's own, the blocks' totals by a scan of them, and these added to what follows.
#include <cstdio>
#include <numeric>
#include <vector>

constexpr int kBlock = 256;

__global__ void scan_block(const int *in, int *out, int *totals, int n) {
  __shared__ int buffer[2][kBlock];
  const int i = blockIdx.x * kBlock + threadIdx.x;
  int from = 0;
  buffer[0][threadIdx.x] = i < n ? in[i] : 0;
  __syncthreads();
  for (int distance = 1; distance < kBlock; distance *= 2) {
    const int to = 1 - from, t = threadIdx.x;
    buffer[to][t] = t >= distance ? buffer[from][t] + buffer[from][t - distance] : buffer[from][t];
    from = to;
    __syncthreads();
  }
  if (i < n) out[i] = buffer[from][threadIdx.x];
  if (threadIdx.x == kBlock - 1 && totals != nullptr) totals[blockIdx.x] = buffer[from][threadIdx.x];
}

__global__ void add_totals(int *out, const int *totals, int n) {
  const int i = blockIdx.x * kBlock + threadIdx.x;
  if (blockIdx.x > 0 && i < n) out[i] += totals[blockIdx.x - 1];
}

int main() {
  const int n = 20000, blocks = (n + kBlock - 1) / kBlock;
  std::vector<int> in(n), out(n), wanted(n);
  for (int i = 0; i < n; ++i) in[i] = i * 7 % 11;
  std::partial_sum(in.begin(), in.end(), wanted.begin());
  int *d_in, *d_out, *d_totals;
  cudaMalloc(&d_in, n * sizeof(int));
  cudaMalloc(&d_out, n * sizeof(int));
  cudaMalloc(&d_totals, blocks * sizeof(int));
  cudaMemcpy(d_in, in.data(), n * sizeof(int), cudaMemcpyHostToDevice);
  scan_block<<<blocks, kBlock>>>(d_in, d_out, d_totals, n);
  scan_block<<<1, kBlock>>>(d_totals, d_totals, NULL, blocks);
  add_totals<<<blocks, kBlock>>>(d_out, d_totals, n);
  cudaMemcpy(out.data(), d_out, n * sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(d_in);
  cudaFree(d_out);
  cudaFree(d_totals);
  printf(out == wanted ? "prefix sums are right\n" : "prefix sums are WRONG\n");
  return out == wanted ? 0 : 1;
}

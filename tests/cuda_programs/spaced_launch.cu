// Launches with spaces within their signs, as some editors write them, and what may be taken for one.
// wants: all launches are there
#include <cstdio>
#include <vector>

template <typename T>
__global__ void adds(T* x, int n) {
  if (threadIdx.x < n) x[threadIdx.x] += 1;
}

int main() {
  std::vector<std::vector<std::vector<int> > > nested(1);
  int *x, host[32];
  cudaMalloc(&x, sizeof host);
  cudaMemset(x, 0, sizeof host);
  adds << <1, 32 >> > (x, 32);
  adds<int> <<< dim3(1), 32 >> >(x, 8 >> 1 > 2 ? 16 : 0);
  adds<<<(4 > 3 ? 1 : 0), 64 >> 1>>>(x, 32);
  adds << < 1,
      32 >> > (x, 32);
  cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost);
  cudaFree(x);
  const bool right = host[0] == 4 && host[31] == 3 && nested.size() == 1;
  std::printf(right ? "all launches are there\n" : "launches are missing\n");
  return right ? 0 : 1;
}

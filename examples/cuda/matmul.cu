// Matrix multiplication: one thread an element, and by tiles in shared memory with the tile's side a template parameter.
#include <cmath>
#include <cstdio>
#include <vector>

__global__ void matmulNaive(const float *A, const float *B, float *C, int N) {
  int row = blockIdx.y * blockDim.y + threadIdx.y;
  int col = blockIdx.x * blockDim.x + threadIdx.x;
  if (row < N && col < N) {
    float sum = 0.0f;
    for (int k = 0; k < N; k++) sum += A[row * N + k] * B[k * N + col];
    C[row * N + col] = sum;
  }
}

template <typename T, int TILE>
__global__ void matmulTiled(const T *A, const T *B, T *C, int N) {
  __shared__ T As[TILE][TILE], Bs[TILE][TILE];
  int row = blockIdx.y * TILE + threadIdx.y;
  int col = blockIdx.x * TILE + threadIdx.x;
  T sum = 0;
  for (int t = 0; t < (N + TILE - 1) / TILE; ++t) {
    int a = t * TILE + threadIdx.x, b = t * TILE + threadIdx.y;
    As[threadIdx.y][threadIdx.x] = row < N && a < N ? A[row * N + a] : T(0);
    Bs[threadIdx.y][threadIdx.x] = b < N && col < N ? B[b * N + col] : T(0);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < TILE; ++k) sum += As[threadIdx.y][k] * Bs[k][threadIdx.x];
    __syncthreads();
  }
  if (row < N && col < N) C[row * N + col] = sum;
}

int main() {
  const int N = 80;  // no multiple of 32
  std::vector<float> A(N * N), B(N * N), C(N * N);
  for (int i = 0; i < N * N; i++) {
    A[i] = float(i % 7);
    B[i] = float(i % 5);
  }
  float *dA, *dB, *dC;
  cudaMalloc(&dA, N * N * sizeof(float));
  cudaMalloc(&dB, N * N * sizeof(float));
  cudaMalloc(&dC, N * N * sizeof(float));
  cudaMemcpy(dA, A.data(), N * N * sizeof(float), cudaMemcpyHostToDevice);
  cudaMemcpy(dB, B.data(), N * N * sizeof(float), cudaMemcpyHostToDevice);

  int errors = 0;
  for (int variant = 0; variant < 3; variant++) {
    cudaMemset(dC, 0, N * N * sizeof(float));
    if (variant == 0) {
      dim3 block(16, 16);
      dim3 grid((N + block.x - 1) / block.x, (N + block.y - 1) / block.y);
      matmulNaive<<<grid, block>>>(dA, dB, dC, N);
    } else if (variant == 1) {
      dim3 block(16, 16), grid(ceil(N / 16.0), ceil(N / 16.0));
      matmulTiled<float, 16><<<grid, block>>>(dA, dB, dC, N);
    } else {
      matmulTiled<float, 32><<<dim3((N + 31) / 32, (N + 31) / 32), dim3(32, 32)>>>(dA, dB, dC, N);
    }
    cudaError_t error = cudaDeviceSynchronize();
    if (error != cudaSuccess) {
      printf("%s\n", cudaGetErrorString(error));
      return 1;
    }
    cudaMemcpy(C.data(), dC, N * N * sizeof(float), cudaMemcpyDeviceToHost);
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) {
        float sum = 0;
        for (int k = 0; k < N; k++) sum += A[i * N + k] * B[k * N + j];
        if (sum != C[i * N + j]) errors++;
      }
    }
  }
  printf("%d errors\n", errors);
  cudaFree(dA);
  cudaFree(dB);
  cudaFree(dC);
  return errors != 0;
}

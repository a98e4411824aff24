// wants 1: host_function_in_kernel.cu:5: wanted __device__ before square, which kernel calls on the GPU, got a function of the host
float square(float x) { return x * x; }
__host__ __device__ float twice(float x) { return x + square(x); }  // for the host, it may
template <typename T> __device__ T both(T x) { return x + twice(x); }
__global__ void kernel(float *x) { x[threadIdx.x] = both(x[threadIdx.x]) + square(x[threadIdx.x]); }
int main() {
  float *x;
  cudaMalloc(&x, 128), cudaMemset(x, 0, 128);
  kernel<<<1, 32>>>(x);
  return square(0) + cudaFree(x);
}

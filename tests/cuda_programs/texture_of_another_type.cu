// wants 1: texture_of_another_type.cu:5: kernel reads, block (0, 0, 0), thread (0, 0, 0): tex1Dfetch: wanted a texture of floats of 32 bits, got signed integers of 32 bits; launched at texture_of_another_type.cu:17
#include <cstdio>

__global__ void reads(cudaTextureObject_t line, float* out) {
  out[threadIdx.x] = tex1Dfetch<float>(line, threadIdx.x); }

int main() {
  int* line; float* out;
  cudaMalloc(&line, 128); cudaMalloc(&out, 128); cudaMemset(line, 0, 128);
  cudaResourceDesc resource = {}; cudaTextureDesc how = {};
  resource.resType = cudaResourceTypeLinear;
  resource.res.linear.devPtr = line;
  resource.res.linear.desc = cudaCreateChannelDesc<int>();
  resource.res.linear.sizeInBytes = 128;
  cudaTextureObject_t texture;
  cudaCreateTextureObject(&texture, &resource, &how, nullptr);
  reads<<<1, 32>>>(texture, out);
  std::printf("%s\n", cudaGetErrorString(cudaDeviceSynchronize()));
}

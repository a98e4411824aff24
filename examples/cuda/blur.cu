// A blurred image: blocks of two dimensions, pixels of four bytes, an image as a struct that kernels take by value.
#include <stdio.h>
#include <stdlib.h>

#define CEIL_DIV(a, b) (((a) + (b) - 1) / (b))

struct Image {
  int width, height;
  uchar4 *pixels;

  __host__ __device__ uchar4 &at(int x, int y) const { return pixels[y * width + x]; }
};

__device__ __forceinline__ int clampi(int v, int low, int high) { return max(low, min(v, high)); }

__host__ __device__ inline unsigned char mean(int sum, int count) { return (unsigned char)(sum / count); }

__global__ void boxBlur(Image in, Image out, int radius) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x;
  const int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= in.width || y >= in.height) return;
  int3 sum = make_int3(0, 0, 0);
  for (int dy = -radius; dy <= radius; ++dy) {
    for (int dx = -radius; dx <= radius; ++dx) {
      const uchar4 p = in.at(clampi(x + dx, 0, in.width - 1), clampi(y + dy, 0, in.height - 1));
      sum.x += p.x;
      sum.y += p.y;
      sum.z += p.z;
    }
  }
  const int count = (2 * radius + 1) * (2 * radius + 1);
  out.at(x, y) = make_uchar4(mean(sum.x, count), mean(sum.y, count), mean(sum.z, count), 255);
}

int main() {
  const int width = 150, height = 70;
  const size_t bytes = width * height * sizeof(uchar4);
  Image host = {width, height, (uchar4 *)malloc(bytes)}, in = host, out = host;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) host.at(x, y) = make_uchar4(100, x, y, 255);
  cudaMalloc(&in.pixels, bytes);
  cudaMalloc(&out.pixels, bytes);
  cudaMemcpy(in.pixels, host.pixels, bytes, cudaMemcpyHostToDevice);

  dim3 block(16, 16);
  dim3 grid(CEIL_DIV(width, block.x), CEIL_DIV(height, block.y));
  boxBlur<<<grid, block>>>(in, out, 2);
  cudaMemcpy(host.pixels, out.pixels, bytes, cudaMemcpyDeviceToHost);

  int errors = 0;  // inside, the mean of a ramp is its middle
  for (int y = 2; y < height - 2; ++y) {
    for (int x = 2; x < width - 2; ++x) {
      const uchar4 p = host.at(x, y);
      if (p.x != 100 || p.y != x || p.z != y || p.w != 255) ++errors;
    }
  }
  printf("%d wrong pixels\n", errors);
  cudaFree(in.pixels);
  cudaFree(out.pixels);
  free(host.pixels);
  return errors;
}

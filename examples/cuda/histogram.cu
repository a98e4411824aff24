// A histogram of bytes: counted in shared memory by each block, then added to the whole with atomics.
#include <cstdio>
#include <cstdlib>

#define SIZE (64 * 1024)

__global__ void histo_kernel(unsigned char *buffer, long size, unsigned int *histo) {
  __shared__ unsigned int temp[256];
  temp[threadIdx.x] = 0;
  __syncthreads();
  int i = threadIdx.x + blockIdx.x * blockDim.x;
  int stride = blockDim.x * gridDim.x;
  while (i < size) {
    atomicAdd(&temp[buffer[i]], 1);
    i += stride;
  }
  __syncthreads();
  atomicAdd(&(histo[threadIdx.x]), temp[threadIdx.x]);
}

__device__ unsigned int largest;

__global__ void largest_kernel(const unsigned int *histo) { atomicMax(&largest, histo[threadIdx.x]); }

int main(void) {
  unsigned char *buffer = (unsigned char *)malloc(SIZE);
  for (int i = 0; i < SIZE; i++) buffer[i] = rand() % 256;

  cudaDeviceProp prop;
  cudaGetDeviceProperties(&prop, 0);
  unsigned char *dev_buffer;
  unsigned int *dev_histo;
  cudaMalloc((void **)&dev_buffer, SIZE);
  cudaMemcpy(dev_buffer, buffer, SIZE, cudaMemcpyHostToDevice);
  cudaMalloc((void **)&dev_histo, 256 * sizeof(int));
  cudaMemset(dev_histo, 0, 256 * sizeof(int));
  int blocks = prop.multiProcessorCount < 8 ? prop.multiProcessorCount : 8;
  histo_kernel<<<blocks, 256>>>(dev_buffer, SIZE, dev_histo);
  largest_kernel<<<1, 256>>>(dev_histo);

  unsigned int histo[256], most = 0, found = 0;
  cudaMemcpy(histo, dev_histo, 256 * sizeof(int), cudaMemcpyDeviceToHost);
  cudaMemcpyFromSymbol(&found, largest, sizeof(found));
  long count = 0;
  for (int i = 0; i < 256; i++) {
    count += histo[i];
    most = histo[i] > most ? histo[i] : most;
  }
  printf("Histogram Sum: %ld\n", count);
  for (int i = 0; i < SIZE; i++) histo[buffer[i]]--;
  for (int i = 0; i < 256; i++) {
    if (histo[i] != 0) {
      printf("Failure at %d!\n", i);
      return 1;
    }
  }
  cudaFree(dev_histo);
  cudaFree(dev_buffer);
  free(buffer);
  return most == found && count == SIZE ? 0 : 1;
}

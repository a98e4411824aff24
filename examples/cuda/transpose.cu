// A matrix transposed: straight, through a tile in shared memory, and through one with a padded row.
#include <stdio.h>
#include <string.h>

const int TILE_DIM = 32;
const int BLOCK_ROWS = 8;
const int nx = 128, ny = 64;

__global__ void transposeNaive(float *odata, const float *idata) {
  int x = blockIdx.x * TILE_DIM + threadIdx.x;
  int y = blockIdx.y * TILE_DIM + threadIdx.y;
  for (int j = 0; j < TILE_DIM; j += BLOCK_ROWS) odata[x * ny + (y + j)] = idata[(y + j) * nx + x];
}

// PAD = 0: the threads of a warp read one bank, 32 times over; 1: 32 banks.
template <int PAD>
__global__ void transposeShared(float *odata, const float *idata) {
  __shared__ float tile[TILE_DIM][TILE_DIM + PAD];
  int x = blockIdx.x * TILE_DIM + threadIdx.x;
  int y = blockIdx.y * TILE_DIM + threadIdx.y;
  for (int j = 0; j < TILE_DIM; j += BLOCK_ROWS) tile[threadIdx.y + j][threadIdx.x] = idata[(y + j) * nx + x];
  __syncthreads();
  x = blockIdx.y * TILE_DIM + threadIdx.x;
  y = blockIdx.x * TILE_DIM + threadIdx.y;
  for (int j = 0; j < TILE_DIM; j += BLOCK_ROWS) odata[(y + j) * ny + x] = tile[threadIdx.x][threadIdx.y + j];
}

static float h_idata[ny * nx], h_odata[nx * ny];

bool check(const char *name, float *d_odata) {
  cudaMemcpy(h_odata, d_odata, sizeof(h_odata), cudaMemcpyDeviceToHost);
  bool good = true;
  for (int y = 0; y < ny; y++)
    for (int x = 0; x < nx; x++) good = good && h_odata[x * ny + y] == h_idata[y * nx + x];
  printf("%s: %s\n", name, good ? "passed" : "FAILED");
  cudaMemset(d_odata, 0, sizeof(h_odata));
  return good;
}

int main() {
  dim3 dimGrid(nx / TILE_DIM, ny / TILE_DIM, 1);
  dim3 dimBlock(TILE_DIM, BLOCK_ROWS, 1);
  for (int i = 0; i < nx * ny; i++) h_idata[i] = i;
  float *d_idata, *d_odata;
  cudaMalloc(&d_idata, sizeof(h_idata));
  cudaMalloc(&d_odata, sizeof(h_odata));
  cudaMemcpy(d_idata, h_idata, sizeof(h_idata), cudaMemcpyHostToDevice);

  bool good = true;
  transposeNaive<<<dimGrid, dimBlock>>>(d_odata, d_idata);
  good = check("naive", d_odata) && good;
  transposeShared<0><<<dimGrid, dimBlock>>>(d_odata, d_idata);
  good = check("shared, no padding", d_odata) && good;
  transposeShared<1><<<dimGrid, dimBlock>>>(d_odata, d_idata);
  good = check("shared, padded", d_odata) && good;
  cudaFree(d_idata);
  cudaFree(d_odata);
  return good ? 0 : 1;
}

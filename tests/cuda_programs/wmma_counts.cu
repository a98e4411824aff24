// options: --device H100
// wants 0: as documented
// What two warps ask for with 16 x 16 halves: a from global memory, 4 requests for 8 rows of 16 bytes each, a sector for each row; b
// from shared memory, 4 passes, and twice as many where rows are 32 bytes apart, as in the first kernel; c in floats, 4 requests for 8
// sectors.
// wants: 8.00  l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio
// wants: 8.00  l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio
// wants: 16384  sm__ops_path_tensor_src_fp16_dst_fp32.sum
// wants: tensor cores
// wants: 8 shared loads, 2.0 passes (1.0)
// wants: 8 shared loads, 1.0 passes (1.0)
#include <mma.h>
#include <cstdio>
using namespace nvcuda;

template <int kPitch>
__global__ void multiply(const half* a, float* c) {
  __shared__ __align__(32) half tile[2][16 * kPitch];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> left;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> right, same;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sums;
  wmma::fill_fragment(sums, 0.0f);
  wmma::load_matrix_sync(left, a, 16);
  if (lane < 16) {
    for (int i = 0; i < 16; ++i) tile[warp][lane * kPitch + i] = __float2half(lane == i ? 1.0f : 0.0f);
  }
  __syncwarp();
  wmma::load_matrix_sync(right, tile[warp], kPitch);
  wmma::load_matrix_sync(same, tile[warp], kPitch);
  wmma::mma_sync(sums, left, right, sums);
  wmma::store_matrix_sync(c + warp * 256, sums, 16, wmma::mem_row_major);
  // Which element a lane has first, and fifth (the emulator's choice; CUDA leaves it open).
  if (kPitch == 24 && float(left.x[0]) != 16 * (lane / 4) + lane % 4 * 2) c[0] = -1;
  if (kPitch == 24 && float(left.x[5]) != 16 * (lane / 4) + lane % 4 * 2 + 9) c[0] = -2;
}

int main() {
  half host[256], *a;
  float result[512], *c;
  for (int i = 0; i < 256; ++i) host[i] = __float2half(float(i));
  cudaMalloc(&a, sizeof host);
  cudaMalloc(&c, sizeof result);
  cudaMemcpy(a, host, sizeof host, cudaMemcpyHostToDevice);
  multiply<16><<<1, 64>>>(a, c);
  multiply<24><<<1, 64>>>(a, c);
  cudaMemcpy(result, c, sizeof result, cudaMemcpyDeviceToHost);
  int errors = 0;
  for (int i = 0; i < 512; ++i) errors += result[i] != float(i % 256);
  printf(errors == 0 ? "as documented\n" : "%d errors\n", errors);
  cudaFree(a);
  cudaFree(c);
  return errors > 0;
}

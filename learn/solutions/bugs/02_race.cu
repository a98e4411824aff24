// x[i + 1] may have been overwritten before it is read, by a thread of another warp or block. No barrier reaches all blocks: the
// result needs memory of its own, or, as here, one block reads everything before it writes.
__global__ void smooth(float* x, int n) {
  if (blockIdx.x > 0) return;
  __shared__ float values[256];
  for (int i = threadIdx.x; i < n; i += blockDim.x) values[i] = x[i];
  __syncthreads();
  for (int i = threadIdx.x; i + 1 < n; i += blockDim.x) x[i] = (values[i] + values[i + 1]) / 2;
}

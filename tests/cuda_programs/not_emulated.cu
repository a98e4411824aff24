// What is no part of CUDA that is emulated is told with what to do instead, after the compiler's own errors.
// wants 1: tern-profile: not_emulated.cu:12: __shfl_down has gone from CUDA: since Volta a warp's threads do not run in step. It is __shfl_down_sync(0xffffffff, ...) now
// wants: tern-profile: not_emulated.cu:7: texture has gone from CUDA, with all texture references. Make a texture object by cudaCreateTextureObject
// wants: tern-profile: not_emulated.cu:16: cudaGraph_t is not emulated, as no graph is. Launch its kernels one after another
// wants: tern-profile: not_emulated.cu:17: cuInit is of the driver API, which is not emulated. The runtime API is
// wants: tern-profile: not_emulated.cu:18: cudaDeviceGetUuidOfNobody is not in the part of the runtime API that is emulated
texture<float, 2> image;

__global__ void sums(float* x) {
  float sum = x[threadIdx.x];
  for (int distance = 16; distance > 0; distance /= 2)
    sum += __shfl_down(sum, distance);
  x[threadIdx.x] = sum;
}
int main() {
  cudaGraph_t graph;
  cuInit(0);
  cudaDeviceGetUuidOfNobody(&graph);
}

// wants 1: tern: outside_shared.cu:6: kernel shift, block (0, 0, 0), thread (31, 0, 0)
// wants: shared array 'halo': element 32 of 32 is outside
__global__ void shift(float *data) {
  __shared__ float halo[32];
  halo[threadIdx.x] = 1.0f;
  __syncwarp(); data[threadIdx.x] = halo[threadIdx.x + 1];
}

int main() {
  float *data;
  cudaMalloc(&data, 32 * sizeof(float));
  shift<<<1, 32>>>(data);
  cudaDeviceSynchronize();
  return 0;
}

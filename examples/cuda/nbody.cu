// Bodies that attract each other: positions and masses as float4, a block's tile of them in shared memory, time by events.
#include <cmath>
#include <cstdio>
#include <vector>

#define SOFTENING 1e-3f
constexpr int kTile = 64;

__global__ void accelerations(const float4 *__restrict__ bodies, float4 *__restrict__ result, int n) {
  __shared__ float4 tile[kTile];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const float4 own = i < n ? bodies[i] : make_float4(0, 0, 0, 0);
  float3 sum = {0.0f, 0.0f, 0.0f};
  for (int begin = 0; begin < n; begin += kTile) {
    const int j = begin + threadIdx.x;
    tile[threadIdx.x] = j < n ? bodies[j] : make_float4(0, 0, 0, 0);
    __syncthreads();
    for (int k = 0; k < kTile; ++k) {
      const float dx = tile[k].x - own.x, dy = tile[k].y - own.y, dz = tile[k].z - own.z;
      const float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + SOFTENING);
      const float pull = tile[k].w * inverse * inverse * inverse;
      sum.x += dx * pull;
      sum.y += dy * pull;
      sum.z += dz * pull;
    }
    __syncthreads();
  }
  if (i < n) result[i] = make_float4(sum.x, sum.y, sum.z, 0.0f);
}

int main() {
  const int n = 200;
  std::vector<float4> bodies(n), result(n);
  for (int i = 0; i < n; ++i)
    bodies[i] = make_float4(std::sin(i * 1.0f), std::cos(i * 2.0f), std::sin(i * 3.0f), 1.0f + i % 3);
  float4 *d_bodies, *d_result;
  cudaMalloc(&d_bodies, n * sizeof(float4));
  cudaMalloc(&d_result, n * sizeof(float4));
  cudaMemcpy(d_bodies, bodies.data(), n * sizeof(float4), cudaMemcpyHostToDevice);

  cudaEvent_t start, stop;
  cudaEventCreate(&start);
  cudaEventCreate(&stop);
  cudaEventRecord(start);
  accelerations<<<(n + kTile - 1) / kTile, kTile>>>(d_bodies, d_result, n);
  cudaEventRecord(stop);
  cudaEventSynchronize(stop);
  float milliseconds = -1;
  cudaEventElapsedTime(&milliseconds, start, stop);
  printf("%s\n", milliseconds >= 0 ? "timed" : "not timed");
  cudaMemcpy(result.data(), d_result, n * sizeof(float4), cudaMemcpyDeviceToHost);

  double momentum[3] = {0, 0, 0};  // what each body gives, the others take
  for (int i = 0; i < n; ++i) {
    momentum[0] += bodies[i].w * result[i].x;
    momentum[1] += bodies[i].w * result[i].y;
    momentum[2] += bodies[i].w * result[i].z;
  }
  printf("change of momentum %g %g %g\n", momentum[0], momentum[1], momentum[2]);
  cudaEventDestroy(start);
  cudaEventDestroy(stop);
  cudaFree(d_bodies);
  cudaFree(d_result);
  const double most = std::fmax(std::fabs(momentum[0]), std::fmax(std::fabs(momentum[1]), std::fabs(momentum[2])));
  return milliseconds >= 0 && most < 0.1 ? 0 : 1;
}

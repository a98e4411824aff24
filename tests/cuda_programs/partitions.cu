// Cooperative groups of a warp's lanes that bring the same, and an exit code above 128, which is no signal.
// wants 207: partitions are right
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <cstdio>

namespace cg = cooperative_groups;

__global__ void counts(const int* keys, int* sizes, int* sums, int* ranks, int* above) {
  const int i = static_cast<int>(threadIdx.x);
  const auto tile = cg::tiled_partition<32>(cg::this_thread_block());
  const auto same = cg::labeled_partition(tile, keys[i]);
  sizes[i] = same.size();
  sums[i] = cg::reduce(same, i, cg::plus<int>());
  ranks[i] = cg::exclusive_scan(same, 1);
  const auto half = cg::binary_partition(tile, i >= 20);
  const unsigned odd = half.ballot(i % 2);
  if (half.thread_rank() == 0) above[i >= 20] = half.size() * 1000 + __popc(odd);
  cg::invoke_one(same, [&] { atomicAdd(&above[2], 1); });
}

int main() {
  int keys[32], *all, got[4][32];
  for (int i = 0; i < 32; ++i) keys[i] = i % 3;
  cudaMalloc(&all, 5 * sizeof keys);
  cudaMemset(all, 0, 5 * sizeof keys);
  cudaMemcpy(all, keys, sizeof keys, cudaMemcpyHostToDevice);
  counts<<<1, 32>>>(all, all + 32, all + 64, all + 96, all + 128);
  cudaMemcpy(got, all + 32, sizeof got, cudaMemcpyDeviceToHost);
  bool right = got[3][0] == 20010 && got[3][1] == 12006 && got[3][2] == 3;
  for (int i = 0; i < 32; ++i) {
    int size = 0, sum = 0;
    for (int j = i % 3; j < 32; j += 3) ++size, sum += j;
    right = right && got[0][i] == size && got[1][i] == sum && got[2][i] == i / 3;
  }
  std::printf(right ? "partitions are right\n" : "partitions are wrong\n");
  cudaFree(all);
  return 719 & 0xff;
}

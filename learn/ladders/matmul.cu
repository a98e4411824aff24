// Ladder: c = a b, all n x n. An element of c takes n multiplications, and there are n * n of them: the numbers are few and each
// is used n times. So everything is about using a number often once it has come close.
//
// After Simon Boehm, "How to Optimize a CUDA Matmul Kernel", 2022, and NVIDIA's CUTLASS.
#include "learn/ladder.h"

// Neighbours in threadIdx.x take rows: they read a with a whole row between them, and write so.
__global__ void naive(const float* a, const float* b, float* c, int n) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x, column = blockIdx.y * blockDim.y + threadIdx.y;
  float sum = 0;
  for (int k = 0; k < n; ++k) sum += a[row * n + k] * b[k * n + column];
  c[row * n + column] = sum;
}

// Neighbours take columns: b and c are touched in whole sectors, and a's element is one broadcast.
__global__ void coalesced(const float* a, const float* b, float* c, int n) {
  const int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < n; ++k) sum += a[row * n + k] * b[k * n + column];
  c[row * n + column] = sum;
}

// Tiles in shared memory (puzzle 14): each number comes from memory n / kTile times, not n times.
template <int kTile>
__global__ void shared_tiles(const float* a, const float* b, float* c, int n) {
  __shared__ float tile_a[kTile][kTile], tile_b[kTile][kTile];
  const int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int first = 0; first < n; first += kTile) {
    tile_a[threadIdx.y][threadIdx.x] = a[row * n + first + threadIdx.x];
    tile_b[threadIdx.y][threadIdx.x] = b[(first + threadIdx.y) * n + column];
    __syncthreads();
    for (int k = 0; k < kTile; ++k) sum += tile_a[threadIdx.y][k] * tile_b[k][threadIdx.x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

// The tile of a block of the rungs below: 64 x 64 of c, by 8 of k at a time; a thread has 4 x 4 of it in registers. 8 numbers
// from shared memory serve 16 multiplications, where 2 served one. 256 threads.
constexpr int kM = 64, kN = 64, kK = 8, kEach = 4;

struct Products {
  float sums[kEach][kEach] = {};

  __device__ void add(const float* left, const float* right) {
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
#pragma unroll
      for (int j = 0; j < kEach; ++j) sums[i][j] += left[i] * right[j];
    }
  }
};

__global__ void register_tiles(const float* a, const float* b, float* c, int n) {
  __shared__ float tile_a[kK][kM],
      tile_b[kK][kN];  // a's lies on its side, so that a thread's rows are neighbours
  const int thread = threadIdx.x, row = thread / 16 * kEach, column = thread % 16 * kEach;
  a += blockIdx.y * kM * n;
  b += blockIdx.x * kN;
  c += blockIdx.y * kM * n + blockIdx.x * kN;
  Products products;
  for (int first = 0; first < n; first += kK) {
    for (int i = thread; i < kM * kK; i += 256) tile_a[i % kK][i / kK] = a[i / kK * n + first + i % kK];
    for (int i = thread; i < kK * kN; i += 256) tile_b[i / kN][i % kN] = b[(first + i / kN) * n + i % kN];
    __syncthreads();
    for (int k = 0; k < kK; ++k) products.add(&tile_a[k][row], &tile_b[k][column]);
    __syncthreads();
  }
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) c[(row + i) * n + column + j] = products.sums[i][j];
  }
}

// A quarter of the threads' loads and stores move four numbers each, from memory and from shared memory.
__global__ void vector_loads(const float* a, const float* b, float* c, int n) {
  __shared__ __align__(16) float tile_a[kK][kM + 4],
      tile_b[kK][kN];  // 4 more: writing a's on its side meets fewer banks twice
  const int thread = threadIdx.x, row = thread / 16 * kEach, column = thread % 16 * kEach;
  a += blockIdx.y * kM * n;
  b += blockIdx.x * kN;
  c += blockIdx.y * kM * n + blockIdx.x * kN;
  Products products;
  for (int first = 0; first < n; first += kK) {
    if (thread < kM * kK / 4) {  // the first half of the threads brings a's tile, the others b's
      const int m = thread / (kK / 4), k = thread % (kK / 4) * 4;
      const float4 four = *reinterpret_cast<const float4*>(&a[m * n + first + k]);
      tile_a[k][m] = four.x;
      tile_a[k + 1][m] = four.y;
      tile_a[k + 2][m] = four.z;
      tile_a[k + 3][m] = four.w;
    } else {
      const int i = thread - kM * kK / 4, k = i / (kN / 4), at = i % (kN / 4) * 4;
      *reinterpret_cast<float4*>(&tile_b[k][at]) = *reinterpret_cast<const float4*>(&b[(first + k) * n + at]);
    }
    __syncthreads();
    for (int k = 0; k < kK; ++k) {
      const float4 left = *reinterpret_cast<const float4*>(&tile_a[k][row]);
      const float4 right = *reinterpret_cast<const float4*>(&tile_b[k][column]);
      const float rows[kEach] = {left.x, left.y, left.z, left.w},
                  columns[kEach] = {right.x, right.y, right.z, right.w};
      products.add(rows, columns);
    }
    __syncthreads();
  }
  for (int i = 0; i < kEach; ++i) {
    const auto& sums = products.sums[i];
    *reinterpret_cast<float4*>(&c[(row + i) * n + column]) = make_float4(sums[0], sums[1], sums[2], sums[3]);
  }
}

// Two tiles take turns: the next one is on its way from memory, in registers, while this one is multiplied. One barrier a tile, and
// no waiting for memory.
__global__ void double_buffered(const float* a, const float* b, float* c, int n) {
  __shared__ __align__(16) float tile_a[2][kK][kM + 4], tile_b[2][kK][kN];
  const int thread = threadIdx.x, row = thread / 16 * kEach, column = thread % 16 * kEach;
  a += blockIdx.y * kM * n;
  b += blockIdx.x * kN;
  c += blockIdx.y * kM * n + blockIdx.x * kN;
  const bool brings_a = thread < kM * kK / 4;
  const int index = brings_a ? thread : thread - kM * kK / 4;
  const auto fetched = [&](int first) {
    const float* const from = brings_a ? &a[index / (kK / 4) * n + first + index % (kK / 4) * 4]
                                       : &b[(first + index / (kN / 4)) * n + index % (kN / 4) * 4];
    return *reinterpret_cast<const float4*>(from);
  };
  const auto keep = [&](int turn, const float4& four) {
    if (brings_a) {
      const int m = index / (kK / 4), k = index % (kK / 4) * 4;
      tile_a[turn][k][m] = four.x;
      tile_a[turn][k + 1][m] = four.y;
      tile_a[turn][k + 2][m] = four.z;
      tile_a[turn][k + 3][m] = four.w;
    } else {
      *reinterpret_cast<float4*>(&tile_b[turn][index / (kN / 4)][index % (kN / 4) * 4]) = four;
    }
  };
  Products products;
  keep(0, fetched(0));
  __syncthreads();
  for (int first = 0, turn = 0; first < n; first += kK, turn = 1 - turn) {
    const bool more = first + kK < n;
    float4 next = make_float4(0, 0, 0, 0);
    if (more) next = fetched(first + kK);
    for (int k = 0; k < kK; ++k) {
      const float4 left = *reinterpret_cast<const float4*>(&tile_a[turn][k][row]);
      const float4 right = *reinterpret_cast<const float4*>(&tile_b[turn][k][column]);
      const float rows[kEach] = {left.x, left.y, left.z, left.w},
                  columns[kEach] = {right.x, right.y, right.z, right.w};
      products.add(rows, columns);
    }
    if (more) keep(1 - turn, next);
    __syncthreads();
  }
  for (int i = 0; i < kEach; ++i) {
    const auto& sums = products.sums[i];
    *reinterpret_cast<float4*>(&c[(row + i) * n + column]) = make_float4(sums[0], sums[1], sums[2], sums[3]);
  }
}

int main() {
  const int n = 128;
  const auto a = lesson::numbers(n * n, 1), b = lesson::numbers(n * n, 2);
  const auto product = [&](int i) {
    float sum = 0;
    for (int k = 0; k < n; ++k) sum += a[i / n * n + k] * b[k * n + i % n];
    return sum;
  };
  const lesson::Memory in_a(a), in_b(b);
  const dim3 blocks(n / 16, n / 16), block(16, 16), tiles(n / kN, n / kM);
  lesson::Ladder ladder(lesson::each(n * n, product));
  ladder.rung("naive", "neighbours take rows", [&](float* c) { naive<<<blocks, block>>>(in_a, in_b, c, n); });
  ladder.rung("coalesced", "neighbours take columns",
              [&](float* c) { coalesced<<<blocks, block>>>(in_a, in_b, c, n); });
  ladder.rung("shared_tiles", "16 x 16 in shared memory",
              [&](float* c) { shared_tiles<16><<<blocks, block>>>(in_a, in_b, c, n); });
  ladder.rung("register_tiles", "64 x 64 a block, 4 x 4 a thread",
              [&](float* c) { register_tiles<<<tiles, 256>>>(in_a, in_b, c, n); });
  ladder.rung("vector_loads", "four numbers a load",
              [&](float* c) { vector_loads<<<tiles, 256>>>(in_a, in_b, c, n); });
  ladder.rung("double_buffered", "the next tile comes meanwhile",
              [&](float* c) { double_buffered<<<tiles, 256>>>(in_a, in_b, c, n); });
  return ladder.result();
}

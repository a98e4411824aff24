// Ladder: c = a b, all n x n. An element of c takes n multiplications, and there are n * n of them: the numbers are few and each
// is used n times. So everything is about using a number often once it has come close.
//
// The floor: 2 n^3 operations, at n = 2048 on an H100 0.26 ms in float, which the profiler does not count, and 17 us on its tensor
// cores, which it does. After Simon Boehm, "How to Optimize a CUDA Matmul Kernel", 2022, and NVIDIA's CUTLASS.
#include <mma.h>

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
    for (int k = 0; k < kK; ++k) {
      float left[kEach], right[kEach];
      for (int i = 0; i < kEach; ++i) left[i] = tile_a[k][row + i];
      for (int j = 0; j < kEach; ++j) right[j] = tile_b[k][column + j];
      products.add(left, right);
    }
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

// Tensor cores: a warp multiplies matrices of 16 x 16 by one instruction or two (mma.h). They take halves, and add up in float;
// whole numbers up to 2048 are exact in half. A warp has 32 x 32 of c, four fragments, a block of four warps the same 64 x 64.
constexpr int kDepth = 32, kFragment = 16,
              kPad = 8;  // 8 halves more a row: its 8 rows of 16 bytes meet all banks

__global__ void tensor_cores(const half* a, const half* b, float* c, int n) {
  namespace wmma = nvcuda::wmma;
  __shared__ __align__(32) half tile_a[kM][kDepth + kPad], tile_b[kDepth][kN + kPad];
  const int thread = threadIdx.x, row = thread / 64 * 32, column = thread / 32 % 2 * 32;
  a += blockIdx.y * kM * n;
  b += blockIdx.x * kN;
  c += blockIdx.y * kM * n + blockIdx.x * kN;
  wmma::fragment<wmma::accumulator, kFragment, kFragment, kFragment, float> sums[2][2];
  for (auto& two : sums) {
    for (auto& sum : two) wmma::fill_fragment(sum, 0.0f);
  }
  for (int first = 0; first < n; first += kDepth) {
    for (int i = thread * 8; i < kM * kDepth; i += 128 * 8) {  // eight halves a load
      const int m = i / kDepth, k = i % kDepth, k_of_b = i / kN, at = i % kN;
      *reinterpret_cast<int4*>(&tile_a[m][k]) = *reinterpret_cast<const int4*>(&a[m * n + first + k]);
      *reinterpret_cast<int4*>(&tile_b[k_of_b][at]) =
          *reinterpret_cast<const int4*>(&b[(first + k_of_b) * n + at]);
    }
    __syncthreads();
    for (int k = 0; k < kDepth; k += kFragment) {
      wmma::fragment<wmma::matrix_a, kFragment, kFragment, kFragment, half, wmma::row_major> left[2];
      wmma::fragment<wmma::matrix_b, kFragment, kFragment, kFragment, half, wmma::row_major> right[2];
      for (int i = 0; i < 2; ++i) {
        wmma::load_matrix_sync(left[i], &tile_a[row + i * kFragment][k], kDepth + kPad);
        wmma::load_matrix_sync(right[i], &tile_b[k][column + i * kFragment], kN + kPad);
      }
      for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) wmma::mma_sync(sums[i][j], left[i], right[j], sums[i][j]);
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      float* const to = &c[(row + i * kFragment) * n + column + j * kFragment];
      wmma::store_matrix_sync(to, sums[i][j], n, wmma::mem_row_major);
    }
  }
}

struct Product {
  int n;
  std::vector<float> left, right;
  lesson::Memory<float> a{left}, b{right};
  lesson::Memory<half> half_a{std::vector<half>(left.begin(), left.end())},
      half_b{std::vector<half>(right.begin(), right.end())};

  explicit Product(int size)
      : n(size), left(lesson::numbers(size * size, 1)), right(lesson::numbers(size * size, 2)) {}
  std::string size() const { return "n = " + std::to_string(n); }
  int outputs() const { return n * n; }
  std::vector<float> answer() const {
    return lesson::each(n * n, [this](int i) {
      float sum = 0;
      for (int k = 0; k < n; ++k) sum += left[i / n * n + k] * right[k * n + i % n];
      return sum;
    });
  }
  dim3 blocks() const { return dim3(n / 16, n / 16); }
  dim3 tiles() const { return dim3(n / kN, n / kM); }
};

int main(int arguments, char**) {
  const dim3 block(16, 16);
  lesson::Ladder<Product> ladder(arguments, 128, 2048);
  ladder.rung("naive", "neighbours take rows",
              [=](const Product& of, float* c) { naive<<<of.blocks(), block>>>(of.a, of.b, c, of.n); });
  ladder.rung("coalesced", "neighbours take columns",
              [=](const Product& of, float* c) { coalesced<<<of.blocks(), block>>>(of.a, of.b, c, of.n); });
  ladder.rung("shared_tiles", "16 x 16 in shared memory", [=](const Product& of, float* c) {
    shared_tiles<16><<<of.blocks(), block>>>(of.a, of.b, c, of.n);
  });
  ladder.note(
      "a product still takes two numbers, now from shared memory: what has fallen is what L1 is asked for");
  ladder.rung("register_tiles", "64 x 64 a block, 4 x 4 a thread",
              [](const Product& of, float* c) { register_tiles<<<of.tiles(), 256>>>(of.a, of.b, c, of.n); });
  ladder.rung("vector_loads", "four numbers a load",
              [](const Product& of, float* c) { vector_loads<<<of.tiles(), 256>>>(of.a, of.b, c, of.n); });
  ladder.rung("double_buffered", "the next tile comes meanwhile",
              [](const Product& of, float* c) { double_buffered<<<of.tiles(), 256>>>(of.a, of.b, c, of.n); });
  ladder.note(
      "the wait for memory is no bound here: a bound takes all others for hidden behind it, this rung hides "
      "them");
  ladder.rung("tensor_cores", "halves, 16 x 16 a warp at once", [](const Product& of, float* c) {
    tensor_cores<<<of.tiles(), 128>>>(of.half_a, of.half_b, c, of.n);
  });
  ladder.note(
      "the tensor cores could do it in 17 us: a warp with more of c would use each fragment more often");
  return ladder.result();
}

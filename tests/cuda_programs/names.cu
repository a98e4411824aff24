// options: --trace 0,0
// wants 1: tern: names.cu:14: kernel moves, block (0, 0, 0), thread (3, 0, 0): reads all[4] (byte 8), after the end of all
// wants: which has 4 elements of 12 bytes: cudaMalloc of 48 bytes (names.cu:20)
// wants: all[1] + 8 = 0, all[2] + 8 = 0, all[3] + 8 = 0
// wants: depths[0] = 0, depths[1] = 0, depths[2] = 0
struct Point { float x, y, z; };
__device__ float depths[4];

// Memory is called by the names of the kernel's parameters, of the pointer's type even where that is deduced, and by variables'.
template <typename T>
__global__ void moves(T *__restrict__ all, const int threads, const int shift) {
  const int i = threadIdx.x;
  if (i >= threads) return;
  depths[i] = all[i + shift].z;
}

int main() {
  Point *points;
  const int bytes = 4 * sizeof(Point);
  cudaMalloc(&points, bytes);
  cudaMemset(points, 0, bytes);
  moves<<<1, 32>>>(points, 3, 1);
  moves<<<1, 32>>>(points, 4, 1);
  cudaFree(points);
  return 0;
}

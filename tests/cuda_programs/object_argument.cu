// An object that a kernel takes by value: its copies and its end are the host's, threads have its bytes. (The destructor of the copy frees
// what is freed again at the end of main, as in many a program: told once.)
// wants 1: object_argument.cu:11: cudaFree: freed before: cudaMalloc of 4 bytes (object_argument.cu:10)
// wants: counted 128, destroyed 2 times
#include <cstdio>

int destroyed = 0;
struct Lock {
  int* mutex;
  Lock() { cudaMalloc(&mutex, sizeof(int)), cudaMemset(mutex, 0, sizeof(int)); }
  ~Lock() { cudaFree(mutex), ++destroyed; }
  __device__ void lock() {
    while (atomicCAS(mutex, 0, 1) != 0) {
    }
    __threadfence();
  }
  __device__ void unlock() { __threadfence(), atomicExch(mutex, 0); }
};

__global__ void counts(Lock lock, int* count) {
  lock.lock();
  *count = *count + 1;
  lock.unlock();
}

int main() {
  int *count, result;
  cudaMalloc(&count, sizeof(int));
  cudaMemset(count, 0, sizeof(int));
  {
    Lock lock;
    counts<<<2, 64>>>(lock, count);
    cudaMemcpy(&result, count, sizeof(int), cudaMemcpyDeviceToHost);
  }
  std::printf("counted %d, destroyed %d times\n", result, destroyed);
  cudaFree(count);
}

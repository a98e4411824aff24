// Less usual parts of the runtime API: a launch by cudaLaunchKernel, memory of three dimensions, host memory that is registered,
// callbacks, a kernel's own heap, copies in kernels.
// wants: all of it is right
#include <cstdio>
#include <cstring>
#include <vector>

namespace work {
template <typename T>
__global__ void adds(T* x, T value, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] += value;
}
}  // namespace work

struct Shape {
  __device__ virtual ~Shape() {}
  __device__ virtual float area() const = 0;
};
struct Square : Shape {
  __device__ explicit Square(float side) : side(side) {}
  __device__ float area() const override { return side * side; }
  float side;
};
struct Disc : Shape {
  __device__ explicit Disc(float radius) : radius(radius) {}
  __device__ float area() const override { return 3 * radius * radius; }
  float radius;
};

__global__ void makes(Shape** shapes) {
  shapes[0] = new Square(2);
  shapes[1] = new Disc(1);
}
__global__ void measures(Shape** shapes, float* areas) {
  float* const own = static_cast<float*>(malloc(2 * sizeof(float)));
  own[0] = shapes[threadIdx.x % 2]->area();
  areas[threadIdx.x] = own[0];
  free(own);
}
__global__ void deletes(Shape** shapes) {
  delete shapes[0];
  delete shapes[1];
}

__global__ void copies(const int* from, int* to, int each) {
  std::memset(to + threadIdx.x * each, 0xff, each * sizeof(int));
  memcpy(to + threadIdx.x * each, from + threadIdx.x * each, (each - 1) * sizeof(int));
}

__global__ void fills_volume(cudaPitchedPtr volume, cudaExtent extent) {
  for (size_t z = 0; z < extent.depth; ++z) {
    char* const slice = static_cast<char*>(volume.ptr) + z * volume.pitch * extent.height;
    reinterpret_cast<float*>(slice + threadIdx.y * volume.pitch)[threadIdx.x] = z * 100 + threadIdx.y * 10 + threadIdx.x;
  }
}

int wrong = 0;
void check(bool right, const char* what) {
  if (!right) std::printf("wrong: %s\n", what), ++wrong;
}

void add_to_count(void* count) { *static_cast<int*>(count) += 1; }
void add_ten(cudaStream_t, cudaError_t status, void* count) { *static_cast<int*>(count) += status == cudaSuccess ? 10 : 0; }

void check_launches() {
  std::vector<float> host(100, 1);
  check(cudaHostRegister(host.data(), 400, cudaHostRegisterMapped) == cudaSuccess, "cudaHostRegister");
  float *mapped, value = 2;
  int n = 100;
  cudaHostGetDevicePointer(reinterpret_cast<void**>(&mapped), host.data(), 0);
  void* arguments[] = {&mapped, &value, &n};
  check(cudaLaunchKernel((void*)work::adds<float>, dim3(2), dim3(64), arguments, 0, nullptr) == cudaSuccess,
        "cudaLaunchKernel");
  check(cudaLaunchKernel(reinterpret_cast<const void*>(&work::adds<float>), 2, 64, arguments) == cudaSuccess,
        "cudaLaunchKernel again");
  cudaDeviceSynchronize();
  check(host[99] == 5, "registered memory");
  cudaHostUnregister(host.data());
  int count = 0;
  cudaStream_t stream;
  cudaStreamCreate(&stream);
  cudaLaunchHostFunc(stream, add_to_count, &count);
  cudaStreamAddCallback(stream, add_ten, &count, 0);
  check(count == 11, "callbacks");
  cudaStreamDestroy(stream);
  int can = 1;
  cudaDeviceCanAccessPeer(&can, 0, 1);
  check(can == 0 && cudaDeviceEnablePeerAccess(1, 0) == cudaErrorInvalidDevice, "peers");
  cudaGetLastError();
}

void check_heap() {
  Shape** shapes;
  float *areas, got[32];
  cudaMalloc(&shapes, 2 * sizeof(Shape*));
  cudaMalloc(&areas, sizeof got);
  makes<<<1, 1>>>(shapes);
  measures<<<1, 32>>>(shapes, areas);
  deletes<<<1, 1>>>(shapes);
  cudaMemcpy(got, areas, sizeof got, cudaMemcpyDeviceToHost);
  check(got[0] == 4 && got[31] == 3, "objects that a kernel has made");
  cudaFree(shapes);
  cudaFree(areas);
}

void check_copies() {
  int numbers[96], *from, *to;
  for (int i = 0; i < 96; ++i) numbers[i] = i;
  cudaMalloc(&from, sizeof numbers);
  cudaMalloc(&to, sizeof numbers);
  cudaMemcpy(from, numbers, sizeof numbers, cudaMemcpyHostToDevice);
  copies<<<1, 12>>>(from, to, 8);
  cudaMemcpy(numbers, to, sizeof numbers, cudaMemcpyDeviceToHost);
  check(numbers[6] == 6 && numbers[7] == -1 && numbers[94] == 94 && numbers[95] == -1, "copies in a kernel");
  cudaFree(from);
  cudaFree(to);
  const cudaExtent extent = make_cudaExtent(8 * sizeof(float), 4, 3);
  cudaPitchedPtr volume;
  cudaMalloc3D(&volume, extent);
  cudaMemset3D(volume, 0, extent);
  fills_volume<<<1, dim3(8, 4)>>>(volume, extent);
  float got[3][4][8];
  cudaMemcpy3DParms copy = {};
  copy.srcPtr = volume;
  copy.dstPtr = make_cudaPitchedPtr(got, 8 * sizeof(float), 8, 4);
  copy.extent = extent;
  copy.kind = cudaMemcpyDeviceToHost;
  check(cudaMemcpy3D(&copy) == cudaSuccess && got[2][3][7] == 237 && got[1][0][5] == 105, "a volume");
  cudaFree(volume.ptr);
}

int main() {
  check_launches();
  check_heap();
  check_copies();
  if (wrong == 0) std::printf("all of it is right\n");
  return wrong != 0;
}

// wants 1: library.cu:5: wanted CUDA C++ and its runtime API, got <thrust/device_vector.h>, a library, which is not emulated. Write the kernel
#ifdef WITH_CUB
#include <cub/cub.cuh>
#endif
#include <thrust/device_vector.h>
int main() { return 0; }

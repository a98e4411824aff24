// wants 1: library.cu:2: wanted CUDA C++ and its runtime API, got <thrust/device_vector.h>, a library, which is not emulated
#include <thrust/device_vector.h>
int main() { return 0; }

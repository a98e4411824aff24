// wants 1: wanted a program with a main function, got a source without one
__global__ void kernel() {}

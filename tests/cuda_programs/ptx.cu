// wants 1: ptx.cu:4: wanted CUDA C++ in lane, got PTX, which is not emulated
__device__ unsigned lane() {
  unsigned id;
  asm("mov.u32 %0, %laneid;" : "=r"(id));
  return id;
}
__global__ void kernel(unsigned *x) { x[threadIdx.x] = lane(); }
int main() { return 0; }

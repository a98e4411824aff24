// wants 1: does_not_compile.cu:3
// wants: undeclared_name
__global__ void broken(float *x) { x[0] = undeclared_name; }

int main() {
  broken<<<1, 1>>>(nullptr);
  return 0;
}

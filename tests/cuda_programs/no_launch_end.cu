// wants 1: no_launch_end.cu:6: wanted >>> after <<< of a launch
// 
__global__ void nothing() {}

int main() {
  nothing<<<1, 1>>();
  return 0;
}

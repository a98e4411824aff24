// wants 0: cudaMalloc of 128 bytes (leak.cu:5) was not freed
// 
int main() {
  int *data;
  cudaMalloc(&data, 128);
  return 0;
}

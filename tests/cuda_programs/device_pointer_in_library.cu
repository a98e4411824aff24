// wants 1: device_pointer_in_library.cu:9: host code touches device memory of cudaMalloc of 256 bytes
#include <string.h>

int main(int argc, char **) {
  float *data;
  static float host[64];
  if (cudaMalloc(&data, 64 * sizeof(float)) != cudaSuccess) return 2;
  if (argc > 5) host[0] = 1;
  memcpy(host, data, argc * 64 * sizeof(float));
  return host[argc] == 0 ? 0 : 3;
}

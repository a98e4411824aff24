// Texture objects: of an array with interpolation and each way to go past its edges, of pitched and of linear memory, of bytes.
// wants: every texel is right
// wants: textures.cu:13
#include <cmath>
#include <cstdio>
#include <vector>

constexpr int kWidth = 8, kHeight = 4;

__global__ void turns(cudaTextureObject_t image, float* out, int n, float step) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n * n) return;
  out[i] = tex2D<float>(image, (i % n) * step - 0.5f, (i / n) * step - 0.5f);
}

__global__ void reads_line(cudaTextureObject_t line, int* out, int n) {
  const int i = static_cast<int>(threadIdx.x) - 2;
  if (i < n) out[threadIdx.x] = tex1Dfetch<int>(line, i);
}

__global__ void reads_pixels(cudaTextureObject_t pixels, float4* out) {
  out[threadIdx.x] = tex2D<float4>(pixels, threadIdx.x + 0.5f, 1.5f);
}

/// As CUDA has it for one coordinate: an element, and the weight of the next.
float reference(const std::vector<float>& image, float x, float y, cudaTextureAddressMode mode, bool between) {
  const auto element = [&](int column, int row) {
    const bool is_out = column < 0 || column >= kWidth || row < 0 || row >= kHeight;
    if (is_out && mode == cudaAddressModeBorder) return 0.0f;
    column = column < 0 ? 0 : column >= kWidth ? kWidth - 1 : column;
    row = row < 0 ? 0 : row >= kHeight ? kHeight - 1 : row;
    return image[static_cast<std::size_t>(row * kWidth + column)];
  };
  if (!between) return element(static_cast<int>(std::floor(x)), static_cast<int>(std::floor(y)));
  const float left = std::floor(x - 0.5f), top = std::floor(y - 0.5f), a = x - 0.5f - left, b = y - 0.5f - top;
  const int i = static_cast<int>(left), j = static_cast<int>(top);
  return (1 - b) * ((1 - a) * element(i, j) + a * element(i + 1, j)) +
         b * ((1 - a) * element(i, j + 1) + a * element(i + 1, j + 1));
}

int wrong = 0;
void check(bool right, const char* what) {
  if (!right) std::printf("wrong: %s\n", what), ++wrong;
}

template <typename Resource>
cudaTextureObject_t texture_of(const Resource& resource, cudaTextureAddressMode mode, cudaTextureFilterMode filter,
                               cudaTextureReadMode read, bool normalized = false) {
  cudaTextureDesc how = {};
  for (auto& axis : how.addressMode) axis = mode;
  how.filterMode = filter;
  how.readMode = read;
  how.normalizedCoords = normalized;
  cudaTextureObject_t texture = 0;
  check(cudaCreateTextureObject(&texture, &resource, &how, nullptr) == cudaSuccess, "cudaCreateTextureObject");
  return texture;
}

void check_array() {
  std::vector<float> image(kWidth * kHeight);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i * i % 17);
  const cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
  cudaArray_t array;
  cudaMallocArray(&array, &format, kWidth, kHeight);
  cudaMemcpy2DToArray(array, 0, 0, image.data(), kWidth * 4, kWidth * 4, kHeight, cudaMemcpyHostToDevice);
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeArray;
  resource.res.array.array = array;
  constexpr int kSide = 40;
  constexpr float kStep = 0.25f;
  float* out;
  cudaMalloc(&out, kSide * kSide * sizeof(float));
  std::vector<float> got(kSide * kSide);
  for (const auto mode : {cudaAddressModeClamp, cudaAddressModeBorder}) {
    for (const auto filter : {cudaFilterModePoint, cudaFilterModeLinear}) {
      const cudaTextureObject_t texture = texture_of(resource, mode, filter, cudaReadModeElementType);
      turns<<<(kSide * kSide + 127) / 128, 128>>>(texture, out, kSide, kStep);
      cudaMemcpy(got.data(), out, got.size() * sizeof(float), cudaMemcpyDeviceToHost);
      for (int i = 0; i < kSide * kSide; ++i) {
        const float wanted = reference(image, (i % kSide) * kStep - 0.5f, (i / kSide) * kStep - 0.5f, mode,
                                       filter == cudaFilterModeLinear);
        check(std::fabs(got[static_cast<std::size_t>(i)] - wanted) < 1e-5f, "an image's element");
      }
      cudaDestroyTextureObject(texture);
    }
  }
  // Normalized coordinates go round, and back again: -0.25 is element 6 of 8, or 1.
  for (const auto mode : {cudaAddressModeWrap, cudaAddressModeMirror}) {
    const cudaTextureObject_t texture =
        texture_of(resource, mode, cudaFilterModePoint, cudaReadModeElementType, true);
    turns<<<1, 32>>>(texture, out, 1, 0.0f);
    cudaMemcpy(got.data(), out, sizeof(float), cudaMemcpyDeviceToHost);
    check(got[0] == image[2 * kWidth + 4] || mode == cudaAddressModeMirror, "an element that wraps");
    check(got[0] == image[1 * kWidth + 3] || mode == cudaAddressModeWrap, "an element that is mirrored");
    cudaDestroyTextureObject(texture);
  }
  cudaFreeArray(array);
  cudaFree(out);
}

void check_line() {
  const int numbers[6] = {3, 1, 4, 1, 5, 9};
  int *line, *out, got[12];
  cudaMalloc(&line, sizeof numbers);
  cudaMalloc(&out, sizeof got);
  cudaMemcpy(line, numbers, sizeof numbers, cudaMemcpyHostToDevice);
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypeLinear;
  resource.res.linear.devPtr = line;
  resource.res.linear.desc = cudaCreateChannelDesc<int>();
  resource.res.linear.sizeInBytes = sizeof numbers;
  const cudaTextureObject_t texture =
      texture_of(resource, cudaAddressModeClamp, cudaFilterModePoint, cudaReadModeElementType);
  reads_line<<<1, 12>>>(texture, out, 10);
  cudaMemcpy(got, out, sizeof got, cudaMemcpyDeviceToHost);
  for (int i = 0; i < 12; ++i) check(got[i] == (i < 2 || i >= 8 ? 0 : numbers[i - 2]), "an element of a line");
  cudaDestroyTextureObject(texture);
  cudaFree(line);
  cudaFree(out);
}

void check_pixels() {
  uchar4 pixels[2][3], *pitched;
  for (int i = 0; i < 6; ++i) pixels[i / 3][i % 3] = make_uchar4(i * 10, 255, 0, 51);
  size_t pitch;
  float4 *out, got[3];
  cudaMallocPitch(&pitched, &pitch, 3 * sizeof(uchar4), 2);
  cudaMalloc(&out, sizeof got);
  cudaMemcpy2D(pitched, pitch, pixels, 3 * sizeof(uchar4), 3 * sizeof(uchar4), 2, cudaMemcpyHostToDevice);
  cudaResourceDesc resource = {};
  resource.resType = cudaResourceTypePitch2D;
  resource.res.pitch2D.devPtr = pitched;
  resource.res.pitch2D.desc = cudaCreateChannelDesc<uchar4>();
  resource.res.pitch2D.width = 3;
  resource.res.pitch2D.height = 2;
  resource.res.pitch2D.pitchInBytes = pitch;
  const cudaTextureObject_t texture =
      texture_of(resource, cudaAddressModeClamp, cudaFilterModePoint, cudaReadModeNormalizedFloat);
  reads_pixels<<<1, 3>>>(texture, out);
  cudaMemcpy(got, out, sizeof got, cudaMemcpyDeviceToHost);
  for (int i = 0; i < 3; ++i) {
    check(got[i].x == (3 + i) * 10 / 255.0f && got[i].y == 1, "red and green");
    check(got[i].z == 0 && std::fabs(got[i].w - 0.2f) < 1e-6f, "blue and alpha");
  }
  cudaDestroyTextureObject(texture);
  cudaFree(pitched);
  cudaFree(out);
}

int main() {
  check_array();
  check_line();
  check_pixels();
  if (wrong == 0) std::printf("every texel is right\n");
  return wrong != 0;
}

// options: --check
// wants 0: every product is right
// Every shape, type and layout of warp matrix products, held to double; and the numbers of 16 bits that they are made of.
#include <mma.h>
#include <cmath>
#include <cstdio>
#include <vector>
using namespace nvcuda;

int errors = 0;

#define CHECK(condition) \
  if (!(condition)) ++errors, printf("line %d: not %s\n", __LINE__, #condition)

__host__ __device__ double value_of(double x) { return x; }
__host__ __device__ double value_of(__half x) { return __half2float(x); }
__host__ __device__ double value_of(__nv_bfloat16 x) { return __bfloat162float(x); }

// d = 2 (a b + c), c and d with layouts of their own.
template <int m, int n, int k, typename T, typename A, typename LA, typename LB, typename C, typename D>
__global__ void product(const A* a, const A* b, const C* c, D* d, int ldm, wmma::layout_t of_c, wmma::layout_t of_d) {
  __shared__ __align__(32) A tile[32 * 48];
  for (int i = threadIdx.x; i < 32 * ldm; i += 32) tile[i] = b[i];
  __syncwarp();
  wmma::fragment<wmma::matrix_a, m, n, k, T, LA> left;
  wmma::fragment<wmma::matrix_b, m, n, k, T, LB> right;
  wmma::fragment<wmma::accumulator, m, n, k, C> sums;
  wmma::fragment<wmma::accumulator, m, n, k, D> result;
  wmma::load_matrix_sync(left, a, ldm);
  wmma::load_matrix_sync(right, tile, ldm);
  wmma::load_matrix_sync(sums, c, ldm, of_c);
  wmma::mma_sync(result, left, right, sums);
  for (int i = 0; i < result.num_elements; ++i) result.x[i] = result.x[i] + result.x[i];
  wmma::store_matrix_sync(d, result, ldm, of_d);
}

template <typename T>
std::vector<T> numbers(int count, unsigned seed, double scale) {
  std::vector<T> values;
  for (int i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values.push_back(T(float(int(seed >> 20) % 16 * scale)));
  }
  return values;
}

template <typename T>
T* on_device(const std::vector<T>& values) {
  T* memory;
  cudaMalloc(&memory, values.size() * sizeof(T));
  cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice);
  return memory;
}

template <int m, int n, int k, typename T, typename A, typename LA, typename LB, typename C, typename D>
void check_layouts(double scale, double tolerance) {
  const int ldm = 48, count = 32 * ldm;
  const bool a_rows = std::is_same<LA, wmma::row_major>::value, b_rows = std::is_same<LB, wmma::row_major>::value;
  const auto a = numbers<A>(count, 1, scale), b = numbers<A>(count, 2, scale);
  const auto c = numbers<C>(count, 3, scale);
  for (int layouts = 0; layouts < 4; ++layouts) {
    const bool c_rows = layouts % 2 == 0, d_rows = layouts / 2 == 0;
    A *in_a = on_device(a), *in_b = on_device(b);
    C* in_c = on_device(c);
    std::vector<D> d(count);
    D* out = on_device(d);
    product<m, n, k, T, A, LA, LB, C, D><<<1, 32>>>(in_a, in_b, in_c, out, ldm, c_rows ? wmma::mem_row_major : wmma::mem_col_major,
                                                   d_rows ? wmma::mem_row_major : wmma::mem_col_major);
    cudaMemcpy(d.data(), out, count * sizeof(D), cudaMemcpyDeviceToHost);
    const auto at = [ldm](bool rows, int i, int j) { return rows ? i * ldm + j : j * ldm + i; };
    int wrong = 0;
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = value_of(c[at(c_rows, i, j)]), size = fabs(sum);
        for (int x = 0; x < k; ++x) {
          const double one = value_of(a[at(a_rows, i, x)]) * value_of(b[at(b_rows, x, j)]);
          sum += one, size += fabs(one);
        }
        wrong += !(fabs(value_of(d[at(d_rows, i, j)]) - 2 * sum) <= 2 * tolerance * size);
      }
    }
    errors += wrong;
    if (wrong > 0) printf("%d x %d x %d, layouts %d %d %d: %d wrong\n", m, n, k, a_rows, b_rows, layouts, wrong);
    cudaFree(in_a), cudaFree(in_b), cudaFree(in_c), cudaFree(out);
  }
}

template <int m, int n, int k, typename T, typename A, typename C, typename D>
void check_type(double scale, double tolerance) {
  using Row = wmma::row_major;
  using Column = wmma::col_major;
  check_layouts<m, n, k, T, A, Row, Row, C, D>(scale, tolerance);
  check_layouts<m, n, k, T, A, Row, Column, C, D>(scale, tolerance);
  check_layouts<m, n, k, T, A, Column, Row, C, D>(scale, tolerance);
  check_layouts<m, n, k, T, A, Column, Column, C, D>(scale, tolerance);
}

template <int m, int n>
void check_shape() {
  const double third = 1.0 / 3, of_float = 17.0 / (1 << 24), of_half = 1.0 / (1 << 11);
  check_type<m, n, 16, __half, __half, float, float>(third, of_float);
  check_type<m, n, 16, __half, __half, __half, __half>(third, of_half);
  check_type<m, n, 16, __half, __half, __half, float>(third, of_float);
  check_type<m, n, 16, __half, __half, float, __half>(third, of_half);
  check_type<m, n, 16, __nv_bfloat16, __nv_bfloat16, float, float>(third, of_float);
  check_type<m, n, 16, signed char, signed char, int, int>(-7, 0);
  check_type<m, n, 16, unsigned char, unsigned char, int, int>(17, 0);
}

__global__ void saturates(int* d) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, signed char, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, signed char, wmma::col_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, int> c;
  wmma::fill_fragment(a, 1);
  wmma::fill_fragment(b, 1);
  wmma::fill_fragment(c, 0x7fffffff);
  wmma::mma_sync(c, a, b, c, true);
  wmma::store_matrix_sync(d, c, 16, wmma::mem_row_major);
  wmma::mma_sync(c, a, b, c);
  wmma::store_matrix_sync(d + 256, c, 16, wmma::mem_row_major);
}

__global__ void converts(float* y) {
  y[0] = wmma::__float_to_tf32(1 + 1.0f / 2048);  // half of the last place: away from zero
  y[1] = wmma::__float_to_tf32(-3);
}

int main() {
  check_shape<16, 16>();
  check_shape<32, 8>();
  check_shape<8, 32>();
  check_type<16, 16, 8, wmma::precision::tf32, float, float, float>(0.125, 9.0 / (1 << 24));

  int values[512], *d;
  cudaMalloc(&d, sizeof values);
  saturates<<<1, 32>>>(d);
  cudaMemcpy(values, d, sizeof values, cudaMemcpyDeviceToHost);
  CHECK(values[0] == 0x7fffffff && values[255] == 0x7fffffff);
  CHECK(values[256] == int(0x8000000f) && values[511] == int(0x8000000f));
  float two[2], *y;
  cudaMalloc(&y, sizeof two);
  converts<<<1, 1>>>(y);
  cudaMemcpy(two, y, sizeof two, cudaMemcpyDeviceToHost);
  CHECK(two[0] == 1 + 1.0f / 1024 && two[1] == -3);

  CHECK(value_of(__float2half(0.0f)) == 0 && value_of(__float2half(6e-8f)) == 1.0 / (1 << 24));
  CHECK(value_of(__float2half(2049.0f)) == 2048 && std::isinf(value_of(__float2half(65520.0f))));
  CHECK(value_of(__float2bfloat16(1 + 1.0f / 256)) == 1 && value_of(__float2bfloat16(1 + 3.0f / 256)) == 1 + 1.0 / 64);
  CHECK(std::isinf(value_of(__float2bfloat16(3.4e38f))) && std::isnan(value_of(__float2bfloat16(NAN))));
  const __nv_bfloat162 pair = __floats2bfloat162_rn(1.5f, -2);
  CHECK(__low2float(pair) == 1.5f && value_of(__high2bfloat16(pair)) == -2 && __bfloat1622float2(pair).y == -2);
  CHECK(__bfloat16_as_ushort(__float2bfloat16(1)) == 0x3f80 && __half_as_ushort(__float2half(1)) == 0x3c00);
  cudaFree(d);
  cudaFree(y);
  if (errors == 0) printf("every product is right\n");
  return errors > 0;
}

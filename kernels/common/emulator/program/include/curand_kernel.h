// Random numbers in kernels as cuRAND gives them: its functions, with other numbers than cuRAND's (SplitMix64's).
#ifndef TERN_CURAND_KERNEL_H
#define TERN_CURAND_KERNEL_H

#include <cuda_runtime.h>

struct curandStateXORWOW {
  unsigned long long state;
};
using curandState = curandStateXORWOW;
using curandState_t = curandStateXORWOW;
using curandStateXORWOW_t = curandStateXORWOW;
using curandStatePhilox4_32_10 = curandStateXORWOW;
using curandStatePhilox4_32_10_t = curandStateXORWOW;
using curandStateMRG32k3a = curandStateXORWOW;

inline unsigned curand(curandState* state) {
  unsigned long long z = state->state += 0x9e3779b97f4a7c15ull;  // Steele, Lea, Flood 2014: SplitMix64
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return static_cast<unsigned>((z ^ z >> 31) >> 32);
}
inline void curand_init(unsigned long long seed, unsigned long long sequence, unsigned long long offset,
                        curandState* state) {
  curandState mixed{seed * 0xd1342543de82ef95ull + sequence};
  const unsigned long long high = curand(&mixed), low = curand(&mixed);
  state->state = (high << 32 | low) + offset * 0x9e3779b97f4a7c15ull;
}
/// In (0, 1], as cuRAND's.
inline float curand_uniform(curandState* state) {
  return (static_cast<float>(curand(state) >> 8) + 1.0f) * 0x1p-24f;
}
inline double curand_uniform_double(curandState* state) {
  const unsigned long long high = curand(state), low = curand(state);
  return (static_cast<double>((high << 32 | low) >> 11) + 1.0) * 0x1p-53;
}
inline float curand_normal(curandState* state) {
  const float radius = sqrtf(-2.0f * logf(curand_uniform(state)));
  return radius * cosf(6.28318531f * curand_uniform(state));
}
inline float2 curand_normal2(curandState* state) {
  const float radius = sqrtf(-2.0f * logf(curand_uniform(state))), angle = 6.28318531f * curand_uniform(state);
  return {radius * cosf(angle), radius * sinf(angle)};
}
inline double curand_normal_double(curandState* state) {
  const double radius = sqrt(-2.0 * log(curand_uniform_double(state)));
  return radius * cos(6.283185307179586 * curand_uniform_double(state));
}
inline float4 curand_uniform4(curandState* state) {
  const float x = curand_uniform(state), y = curand_uniform(state), z = curand_uniform(state);
  return {x, y, z, curand_uniform(state)};
}

#endif

// Stands where engine/backend/cuda would be in a build without CUDA.
#include "engine/backend/backend.h"
#include "engine/core/check.h"

namespace tern {

Backend& cuda_backend(int index) {
  throw Error("device", "cpu (this build has no CUDA)", Device::cuda(index).text());
}

}  // namespace tern

// One GPU as tern uses it: its properties and the one stream that all its work is issued to.
#pragma once

#include <cuda_runtime_api.h>

#include "engine/device/cuda/device_properties.h"
#include "engine/device/cuda/stream.h"

namespace tern {

class CudaDevice {
 public:
  explicit CudaDevice(int index);  ///< throws Error that says what is missing

  const CudaDeviceProperties& properties() const { return properties_; }
  cudaStream_t stream() const { return stream_.get(); }
  void make_current() const;  ///< for this thread; every call below CUDA's runtime needs it
  void synchronize() const;   ///< waits for the stream; throws Error if earlier work failed
  bool is_capturing() const;  ///< true while the stream's work is recorded into a graph instead of done

 private:
  CudaDeviceProperties properties_;
  CudaStream stream_;
};

/// Made on first use, never destroyed: tensors in static objects may outlive any order chosen here. Where it
/// throws, the next call tries again.
CudaDevice& cuda_device(int index);

}  // namespace tern

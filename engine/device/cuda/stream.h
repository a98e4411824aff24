// CUDA's streams and events, owned.
#pragma once

#include <cuda_runtime_api.h>

#include <utility>

namespace tern {

/// Work issued to one stream is done in order. It does not wait for the legacy default stream.
class CudaStream {
 public:
  CudaStream();  ///< on the current device
  ~CudaStream();
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// A point in a stream's work. Until record() is called, it counts as reached.
class CudaEvent {
 public:
  enum class Timing { off, on };

  explicit CudaEvent(Timing timing = Timing::off);
  ~CudaEvent();
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(cudaStream_t stream);  ///< after everything issued to the stream so far
  void wait_on(
      cudaStream_t stream) const;  ///< what is issued to the stream from now on comes after the event
  void synchronize() const;        ///< the calling thread waits
  float milliseconds_since(const CudaEvent& start) const;  ///< both with Timing::on, and reached

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace tern

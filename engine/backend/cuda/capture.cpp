// Work recorded as a CUDA graph and done again by one call: hundreds of launches for the price of one.
//
// A graph keeps addresses. The tensors that were there before must outlive it, as CapturedWork says; memory
// that is allocated while it is recorded comes from a pool of its own
// (engine/device/pooled_allocator.h).
#include <exception>
#include <utility>

#include "engine/backend/cuda/cuda_backend.h"
#include "engine/core/check.h"
#include "engine/device/cuda/check.h"
#include "engine/device/cuda/cuda_memory.h"

namespace tern {
namespace {

class CudaGraph : public CapturedWork {
 public:
  CudaGraph(CudaDevice& device, PooledAllocator& allocator, PooledAllocator::Pool* pool,
            cudaGraphExec_t graph)
      : device_(device), allocator_(allocator), pool_(pool), graph_(graph) {}
  ~CudaGraph() override {
    cudaSetDevice(device_.properties().index);
    cudaStreamSynchronize(device_.stream());  // it may be at work still
    cudaGraphExecDestroy(graph_);
    allocator_.retire_pool(pool_);
  }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  void run() override {
    device_.make_current();
    check_cuda(cudaGraphLaunch(graph_, device_.stream()), "cudaGraphLaunch");
  }

 private:
  CudaDevice& device_;
  PooledAllocator& allocator_;
  PooledAllocator::Pool* pool_;
  cudaGraphExec_t graph_;
};

// Records what `work` issues; the stream is as before whether it throws or not.
cudaGraph_t record(cudaStream_t stream, const std::function<void()>& work) {
  cudaGraph_t graph = nullptr;
  check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    throw;
  }
  check_cuda(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  return graph;
}

}  // namespace

std::unique_ptr<CapturedWork> CudaBackend::capture(const std::function<void()>& work) {
  cuda_.synchronize();
  PooledAllocator& allocator = cuda_memory_of(device().index).allocator();
  // The blocks of the run before, which the graph's own pool will replace one by one.
  allocator.release_cached();
  PooledAllocator::Pool* const pool = allocator.begin_pool();
  // The shared workspace may grow after the capture and leave its place to others; the graph gets its own.
  std::unique_ptr<Buffer> outside = std::exchange(plan_workspace_, nullptr);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  std::exception_ptr failure;
  try {
    graph = record(cuda_.stream(), work);
    check_cuda(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  } catch (...) {
    failure = std::current_exception();
  }
  if (graph != nullptr) cudaGraphDestroy(graph);
  plan_workspace_ = std::move(outside);
  allocator.end_pool();
  if (failure != nullptr) {
    cudaGetLastError();  // told below; the next launch must not take it for its own
    allocator.retire_pool(pool);
    std::rethrow_exception(failure);
  }
  return std::make_unique<CudaGraph>(cuda_, allocator, pool, executable);
}

}  // namespace tern

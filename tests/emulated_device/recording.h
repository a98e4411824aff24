// What a stream's capture is on the emulated device: operations are kept instead of done, and done later, on
// the addresses that they had when they were kept.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace tern::test {

using Operations = std::vector<std::function<void()>>;

/// Does an operation on the device's memory; while work is recorded, keeps it. Kernels come here by
/// themselves.
void issue(std::function<void()> operation);
bool is_recording();
/// Operations that recordings have done so far, kernels' launches included.
std::int64_t replayed_count();
/// Does them.
void replay(const Operations& operations);

/// Keeps what is issued while it lives.
class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  Operations take() { return std::move(operations_); }

 private:
  Operations operations_;
};

}  // namespace tern::test

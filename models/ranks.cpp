#include "models/ranks.h"

#include <span>
#include <string>
#include <vector>

#include "engine/core/fingerprint.h"

namespace tern {
namespace {

std::span<std::byte> bytes_of(Tensor tensor) {
  return {static_cast<std::byte*>(tensor.raw()), tensor.bytes()};
}

class Broadcast : public StateVisitor {
 public:
  Broadcast(Communicator& ranks, bool parameters) : ranks_(ranks), parameters_(parameters) {}
  void parameter(const std::string&, const Variable& value, ParameterKind) override {
    if (!parameters_) return;
    ranks_.broadcast(bytes_of(value.data()));
    Variable same = value;
    if (same.bf16_copy().defined()) same.refresh_bf16_copy();
  }
  void buffer(const std::string&, const Tensor& value) override { ranks_.broadcast(bytes_of(value)); }

 private:
  Communicator& ranks_;
  bool parameters_;
};

}  // namespace

void broadcast_state(Communicator& ranks, const Module& module) {
  if (ranks.size() == 1) return;
  Broadcast visitor(ranks, /*parameters=*/true);
  module.visit("", visitor);
}

void broadcast_buffers(Communicator& ranks, const Module& module) {
  if (ranks.size() == 1) return;
  Broadcast visitor(ranks, /*parameters=*/false);
  module.visit("", visitor);
}

void check_same_parameters(Communicator& ranks, const Module& module, const std::string& when) {
  if (ranks.size() == 1) return;
  Fingerprint fingerprint;
  for (const ParameterEntry& entry : module.parameters()) fingerprint.add(bytes_of(entry.value.data()));
  const std::vector<std::string> all = ranks.gather(std::to_string(fingerprint.value()));
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw Error("weights of rank " + std::to_string(rank) + " " + when, "rank 0's, to the bit",
                "others (do both hosts have the same CPU, tern and libraries?)");
  }
}

}  // namespace tern

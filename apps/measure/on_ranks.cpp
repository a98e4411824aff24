#include "apps/measure/on_ranks.h"

#include <chrono>

#include "apps/common/console.h"
#include "apps/common/ranks.h"
#include "apps/common/version.h"

namespace tern {
namespace {

/// Of those that have done their part, while the root computes its tables and writes them.
constexpr std::chrono::hours kPatienceWithRoot{24};

}  // namespace

int on_ranks(const RuntimeOptions& options, const std::function<int(Communicator&)>& work) {
  if (!options.ranks) return work(*make_local_communicator());
  if (*options.ranks > 0) start_ranks(*options.ranks);
  Communicator& ranks = world();
  if (!ranks.is_root()) silence_console();
  check_alike(ranks, "the version", version_text());
  const int code = work(ranks);
  ranks.set_patience(kPatienceWithRoot);
  ranks.barrier();
  return code;
}

}  // namespace tern

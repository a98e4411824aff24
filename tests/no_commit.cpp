// Tests know no commit (apps/common/version.h), so that a commit does not link them all anew.
#include "apps/common/version.h"

const char* tern::build_commit() {
  return "unknown";
}

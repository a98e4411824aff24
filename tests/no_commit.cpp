// Tests know no commit (apps/version.h), so that a commit does not link them all anew.
#include "apps/version.h"

const char* tern::build_commit() {
  return "unknown";
}

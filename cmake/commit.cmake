# Run by every build of the program: writes OUT, a source with the commit that SOURCE is at, unless it says so already.
# Where there is no git, or SOURCE is no checkout of its own, TERN_COMMIT in the environment names it, else "unknown".
#   cmake -DSOURCE=... -DOUT=... -P commit.cmake
set(commit "")
find_program(GIT git)
if(GIT AND EXISTS ${SOURCE}/.git)
  # Without optional locks a build never stands in the way of a commit.
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env GIT_OPTIONAL_LOCKS=0 ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=12
            --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT commit)
  set(commit $ENV{TERN_COMMIT})
endif()
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT [[
#include "apps/common/version.h"

const char* tern::build_commit() {
  return "@commit@";
}
]])

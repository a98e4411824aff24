#include "apps/measure/test_mix.h"

#include <cmath>
#include <cstdlib>
#include <vector>

#include "engine/core/check.h"

namespace tern {

TestMix parse_mix(const std::string& text) {
  std::vector<double> shares;
  const char* rest = text.c_str();
  for (bool more = true; more && shares.size() < 4;) {
    char* end = nullptr;
    const double share = std::strtod(rest, &end);
    more = end != rest && *end == ',';
    if (end == rest || !(share >= 0 && share <= 1) || (!more && *end != '\0')) {
      shares.clear();
      break;
    }
    shares.push_back(share);
    rest = end + 1;
  }
  double sum = 0;
  for (const double share : shares) sum += share;
  if (shares.size() != 3 || !(std::abs(sum - 1) <= 0.005)) {
    throw Error("--mix",
                "the shares of known, novel-subclass and novel-superclass images, three numbers of sum 1: "
                "0.21,0.51,0.28",
                "\"" + text + "\"");
  }
  return {100 * shares[0] / sum, 100 * shares[1] / sum, 100 * shares[2] / sum};
}

}  // namespace tern

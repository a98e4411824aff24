#include "tests/reference/reference.h"

namespace tern::reference {

Array transpose(const Array& x) {
  const std::int64_t rows = x.shape[1], columns = x.shape[2];
  Array y({x.shape[0], columns, rows});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t matrix = i / columns / rows, row = i / columns % rows, column = i % columns;
    y[(matrix * columns + column) * rows + row] = x[i];
  }
  return y;
}

}  // namespace tern::reference

// The list of names that tern classify takes, as lines and as a table.
// Link: tern_apps_weights
// Dictionary: csv
// Parser: apps/weights/classify.cpp:read_class_names
#include "apps/weights/classify.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

TERN_FUZZER(class_names) {
  const fuzz::MemoryFile file(input);
  for (const std::int64_t classes : {1, 3, 1000}) {
    fuzz::accepted([&] {
      fuzz::expect(read_class_names(file.path(), classes).size() == static_cast<std::size_t>(classes),
                   "a name for each class");
    });
  }
}

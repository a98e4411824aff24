// A bare pickle, and the search for state dicts in what it describes.
// Link: tern_data
// Parser: engine/io/pickle.cpp engine/io/pickle_bytes.h engine/io/pickle_node.cpp engine/io/pickle_stack.h
// Parser: engine/io/pickle_text.cpp engine/io/pickle_values.cpp engine/io/checkpoint_keys.cpp engine/io/torch_objects.cpp
#include "engine/io/pickle.h"

#include "engine/io/checkpoint_keys.h"
#include "engine/io/torch_objects.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

namespace {

void look_for_state_dict(const PickleNode& root, const std::string& key) {
  fuzz::accepted([&] {
    const FoundStateDict found = find_state_dict("fuzz.pth", root, key);
    text_of(found.place);
    for (const NamedNode& one : found.tensors) {
      fuzz::accepted([&] { torch_tensor(*one.name, *one.tensor).shape(); });
    }
  });
}

}  // namespace

TERN_FUZZER(pickle) {
  fuzz::accepted([&] {
    const Pickle pickle = read_pickle("fuzz.pkl", fuzz::bytes_of(input));
    for (const char* key : {"", ".", "model", "model.a.0", "0"}) look_for_state_dict(*pickle.root, key);
    for (const PickleNode& node : pickle.nodes) {
      describe(node);
      if (is_torch_weight(node)) fuzz::expect(is_torch_tensor(node), "a weight that is a tensor");
    }
  });
}

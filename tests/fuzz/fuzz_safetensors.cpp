// A safetensors file. What is read is written, read again and must be the same.
// Link: tern_data
// Parser: engine/io/safetensors.cpp engine/io/state_dict.cpp:detect_weight_format,_weight_file
#include "engine/io/safetensors.h"

#include "tests/fuzz/checks.h"

using namespace tern;

TERN_FUZZER(safetensors) {
  static const fuzz::Folder folder;
  const fuzz::MemoryFile file(input);
  fuzz::read_weights(file.path());
  fuzz::accepted([&] {
    const SafetensorsFile first = read_safetensors(file.path());
    write_safetensors(folder / "again.safetensors", first.tensors, first.metadata);
    const SafetensorsFile again = read_safetensors(folder / "again.safetensors");
    fuzz::expect(again.metadata == first.metadata && fuzz::equal(again.tensors, first.tensors),
                 "the same after writing and reading");
  });
}

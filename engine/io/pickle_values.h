// The opcodes that only push a value which their own bytes tell: numbers, texts, bytes.
#pragma once

#include "engine/io/pickle_bytes.h"
#include "engine/io/pickle_stack.h"

namespace tern {

/// Does the opcode and returns true if it is one of these.
bool push_value(std::uint8_t opcode, PickleBytes& bytes, PickleStack& stack);

}  // namespace tern

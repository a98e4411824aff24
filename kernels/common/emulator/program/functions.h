// Which functions of a program's sources are kernels, a kernel's or the host's, so that calls which nvcc refuses and a host's
// compiler takes are told. Where names alone do not say it (members, macros, overloads, variables) nothing is. For the translation
// alone.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/common/emulator/program/code.h"

namespace tern::emulator {

/// Of a function that runs on the device alone: the tokens of its body.
struct DeviceBody {
  std::string name;
  std::size_t begin = 0, end = 0;
};

class Functions {
 public:
  /// To be told of each word of a source, in order. The body that follows, if it is one that runs on the device alone.
  std::optional<DeviceBody> note(const Code& code, std::size_t word);
  /// What nvcc would say of the call at `word`, where NAME( or NAME<...>( stands: what is wanted and what came. Empty: nothing.
  struct Refusal {
    std::string wanted, got;
  };
  /// `body`: the last one that began before `word`.
  Refusal refusal(const Code& code, std::size_t word, const DeviceBody& body) const;
  /// The same of a launch of `name`.
  Refusal refusal_of_launch(std::string_view name) const;

 private:
  /// All that functions of one name are.
  struct Kinds {
    bool kernel = false, device = false, host = false, unknown = false;
  };
  const Kinds* find(std::string_view name) const;

  std::map<std::string, Kinds, std::less<>> names_;
};

}  // namespace tern::emulator

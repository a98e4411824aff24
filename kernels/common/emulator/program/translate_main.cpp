// translate_cuda SOURCE FOLDER DEPENDS: for a build, which compiles what is written.
//   FOLDER/0_NAME    the translated source, named as the source is; what it includes beside it
//   DEPENDS          for make and ninja: the files that it was made of
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "engine/core/check.h"
#include "kernels/common/emulator/program/translate.h"

namespace {

/// As make wants it.
std::string escaped(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (c == ' ' || c == '#' || c == '\\') text += '\\';
    if (c == '$') text += '$';
    text += c;
  }
  return text;
}

void translate(const std::filesystem::path& source, const std::filesystem::path& folder,
               const char* depends) {
  tern::emulator::Translator translator(folder);
  const std::filesystem::path translated = translator.translate_file(source);
  std::ofstream out(depends);
  out << escaped(translated.string()) << ':';
  for (const std::filesystem::path& file : translator.files()) out << ' ' << escaped(file.string());
  out << '\n';
  if (!out.flush()) throw tern::Error(depends, "a file to write", "none");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("translate_cuda: wanted SOURCE FOLDER DEPENDS\n", stderr);
    return 2;
  }
  try {
    translate(argv[1], argv[2], argv[3]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

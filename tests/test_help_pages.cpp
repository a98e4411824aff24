// The manual page and the completion that tern writes of its own commands, read by what will read them.
#include "apps/help_pages.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "apps/commands.h"
#include "tests/support/files.h"

using namespace tern;

namespace {

/// All commands and options, as the program has them.
struct Tern {
  CLI::App app{"tern: about it.", "tern"};
  Command chosen;
  Tern() {
    app.set_version_flag("--version", "1.2");
    add_commands(app, chosen);
  }
};

/// What a shell prints, and nothing else it does.
std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 256> part;
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) output += part.data();
  REQUIRE(pclose(pipe) == 0);
  return output;
}

/// What bash proposes for the last of `words`.
std::string completed(const std::filesystem::path& folder, const std::string& words, int last) {
  return output_of("cd '" + folder.string() + "' && bash -c 'source ./tern.bash; COMP_WORDS=(" + words +
                   "); COMP_CWORD=" + std::to_string(last) + "; _tern; echo \"${COMPREPLY[@]}\"'");
}

}  // namespace

TEST_CASE("help pages: the manual names every command and option, and has no request of its text's") {
  const Tern tern;
  const std::string page = man_page(tern.app, "1.2");
  CHECK(page.starts_with(".TH TERN 1 \"\" \"tern 1.2\""));
  for (const CLI::App* command : tern.app.get_subcommands([](const CLI::App*) { return true; })) {
    std::string name = command->get_name();
    for (std::size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) name.insert(at, "\\");
    CHECK(page.find(".SS " + name + "\n") != std::string::npos);
  }
  CHECK(page.find("\\fB\\-\\-device\\fR \\fIauto|\\:cpu|\\:cuda\\fR\n") != std::string::npos);
  CHECK(page.find("(default: auto)") != std::string::npos);
  CHECK(page.find("\\fBtern export\\fR \\fB\\-\\-run\\fR \\fIRUN\\fR \\fB\\-\\-out\\fR") !=
        std::string::npos);
  for (const char* code : {"0 on success", "1 on failure", "2 on wrong usage", "130", "143"})
    CHECK(page.substr(page.find(".SH EXIT STATUS")).find(code) != std::string::npos);
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const bool is_request = line.starts_with(".TH ") || line.starts_with(".SH ") ||
                            line.starts_with(".SS ") || line == ".TP" || line == ".PP";
    CAPTURE(line);
    CHECK((is_request || !line.starts_with('.')));
    CHECK_FALSE(line.starts_with('\''));
    CHECK_FALSE(line.empty());
  }
}

TEST_CASE("help pages: bash completes commands, options, choices and files") {
  const Tern tern;
  const test::TemporaryFolder folder;
  folder.write("tern.bash", bash_completion(tern.app));
  folder.write("settings.toml", "");
  CHECK(completed(folder.path(), "tern cal", 1) == "calibrate\n");
  CHECK(completed(folder.path(), "tern predict --consis", 2) == "--consistent\n");
  CHECK(completed(folder.path(), "tern train --device c", 3) == "cpu cuda\n");
  CHECK(completed(folder.path(), "tern train --config set", 3) == "settings.toml\n");
  CHECK(completed(folder.path(), "tern inspect set", 2) == "settings.toml\n");
  CHECK(completed(folder.path(), "tern nonsense --a", 2) == "\n");
  CHECK(completed(folder.path(), "tern help tr", 2) == "train\n");
  CHECK(completed(folder.path(), "tern --ver", 1) == "--version\n");
  CHECK(completed(folder.path(), "tern train --threads s", 3) == "\n");  // a number, no file
  CHECK(completed(folder.path(), "tern export --o", 2) == "--out\n");
  CHECK(completed(folder.path(), "tern export --run set", 3) == "settings.toml\n");
  CHECK(completed(folder.path(), "tern predict --mask-untrained t", 3) == "true\n");
}

TEST_CASE("help pages: bash completes values after =, which it takes apart, and zsh does not") {
  const Tern tern;
  const test::TemporaryFolder folder;
  folder.write("tern.bash", bash_completion(tern.app));
  folder.write("settings.toml", "");
  const auto reply = [&](const std::string& words, int last) {
    return completed(folder.path(), words, last);
  };
  CHECK(reply("tern train --device = c", 4) == "cpu cuda\n");
  CHECK(reply("tern train --device =", 3) == "auto cpu cuda\n");
  CHECK(reply("tern train --device=c", 2) == "--device=cpu --device=cuda\n");
  CHECK(reply("tern train --config = set", 4) == "settings.toml\n");
  CHECK(reply("tern study --weights name = set", 5) == "settings.toml\n");
  CHECK(reply("tern train --set back", 3) == "backbone=\n");
  CHECK(reply("tern train --set fine_tune =", 4) == "full frozen\n");
  CHECK(reply("tern train --set fine_tune = fr", 5) == "frozen\n");
  CHECK(reply("tern train --set = fine_tune = fr", 6) == "frozen\n");
  CHECK(reply("tern train --set hold_out = t", 5) == "true\n");
  CHECK(reply("tern calibrate --rule su", 3) == "sub= super=\n");
  CHECK(reply("tern calibrate --rule sub = p10", 5) == "p10_seen\n");
  CHECK(reply("tern evaluate --tau-rule p10", 3) == "p10_seen\n");
  CHECK(reply("tern export --score super = openm", 5) == "openmax\n");
}

TEST_CASE("help pages: both are written, and a folder that cannot be made is named") {
  const Tern tern;
  const test::TemporaryFolder folder;
  CHECK(write_help_pages({folder / "a/b", &tern.app}) == 0);
  CHECK(read_text_file(folder / "a/b/tern.bash") == bash_completion(tern.app));
  CHECK(std::filesystem::exists(folder / "a/b/tern.1"));
  folder.write("file", "");
  CHECK(test::error_of([&] {
          write_help_pages({folder / "file/c", &tern.app});
        }).starts_with("--out " + (folder / "file/c").string() + ": cannot make the folder: "));
}

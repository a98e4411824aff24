#include "apps/help_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/version.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& tern) {
  return tern.get_subcommands([](const CLI::App*) { return true; });
}

/// "-h", "--help" of an option; the name of a positional argument.
std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  if (names.empty()) names.push_back(option.get_name());
  return names;
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

/// "a" and "b" of the type "TEXT:{a,b}"; none of any other.
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find(":{"), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return {};
  std::vector<std::string> choices(1);
  for (const char c : type.substr(begin + 2, end - begin - 2)) {
    if (c == ',') {
      choices.emplace_back();
    } else {
      choices.back() += c;
    }
  }
  return choices;
}

// --- man ---

/// Text as roff shows it: no hyphen that could be broken or copied as another sign, no request at the head of a line.
std::string roff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '-') {
      result += "\\-";
    } else if (c == '\\') {
      result += "\\e";
    } else if (c == '|') {
      result += "|\\:";  // a line may end here
    } else {
      result += c;
    }
  }
  return result.starts_with('.') || result.starts_with('\'') ? "\\&" + result : result;
}

std::string option_entry(const CLI::Option& option) {
  std::string head;
  for (const std::string& name : names_of(option)) {
    head += fmt::format("{}\\fB{}\\fR", head.empty() ? "" : ", ", roff(name));
  }
  if (takes_value(option) && !option.get_positional()) {
    const std::string type = option.get_type_name();
    const std::vector<std::string> choices = choices_of(option);
    head +=
        " \\fI" +
        roff(choices.empty() ? type.substr(0, type.find(':')) : fmt::format("{}", fmt::join(choices, "|"))) +
        "\\fR";
  }
  std::string text = roff(option.get_description());
  if (option.get_required()) text += " (required)";
  if (!option.get_default_str().empty()) text += " (default: " + roff(option.get_default_str()) + ")";
  return ".TP\n" + head + "\n" + text + "\n";
}

std::string command_section(const CLI::App& command) {
  std::string synopsis = "\\fBtern " + roff(command.get_name()) + "\\fR";
  std::string entries;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = roff(names_of(*option).back());
    if (option->get_positional()) synopsis += " \\fI" + name + "\\fR";
    if (option->get_required() && !option->get_positional()) {
      const std::string type = option->get_type_name();
      synopsis += fmt::format(" \\fB{}\\fR \\fI{}\\fR", name, roff(type.substr(0, type.find(':'))));
    }
    entries += option_entry(*option);
  }
  return fmt::format(".SS {}\n{} [options]\n.PP\n{}\n{}", roff(command.get_name()), synopsis,
                     roff(command.get_description()), entries);
}

// --- bash ---

/// The cases of one command: after an option with choices those, after one with another value files, else its options.
std::string completion_case(const CLI::App& command) {
  std::string options, values, files;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) continue;
    const std::string names = fmt::format("{}", fmt::join(names_of(*option), "|"));
    options += fmt::format("{}{}", options.empty() ? "" : " ", fmt::join(names_of(*option), " "));
    if (!takes_value(*option)) continue;
    const std::vector<std::string> choices = choices_of(*option);
    if (choices.empty()) {
      files += (files.empty() ? "" : "|") + names;
    } else {
      values += fmt::format("        {}) words=\"{}\" ;;\n", names, fmt::join(choices, " "));
    }
  }
  if (!files.empty()) values += fmt::format("        {}) files=1 ;;\n", files);
  return fmt::format("    {})\n      case $before in\n{}        *) words=\"{}\" ;;\n      esac\n      ;;\n",
                     command.get_name(), values, options);
}

}  // namespace

std::string man_page(const CLI::App& tern, const std::string& version) {
  std::string page = fmt::format(".TH TERN 1 \"\" \"tern {}\" \"User Commands\"\n", roff(version));
  page += ".SH NAME\ntern \\- train, measure and use image classifiers for two levels of classes\n";
  page += ".SH SYNOPSIS\n\\fBtern\\fR \\fIcommand\\fR [options]\n";
  page += ".SH DESCRIPTION\n" + roff(tern.get_description()) + "\n";
  page += ".SH COMMANDS\n";
  for (const CLI::App* command : commands_of(tern)) page += command_section(*command);
  page +=
      ".SH EXIT STATUS\n0 on success, 1 on failure (one line on standard error says of what), 2 on wrong "
      "usage. Ctrl\\-C ends every command by SIGINT, which shells show as 130, SIGTERM as 143; a training "
      "or study says first how it goes on, demo\\-data leaves nothing of its folder.\n";
  return page;
}

std::string bash_completion(const CLI::App& tern) {
  std::vector<std::string> names;
  std::string cases;
  for (const CLI::App* command : commands_of(tern)) {
    names.push_back(command->get_name());
    cases += completion_case(*command);
  }
  return fmt::format(R"(# Completion of tern's commands and options, for bash, and for zsh after bashcompinit.
_tern() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} command=${{COMP_WORDS[1]}} words='' files=''
  [ "$COMP_CWORD" -gt 1 ] || command=''
  case $command in
    '') words="{}" ;;
{}  esac
  # An argument that is no option is a file, where none is asked for by name.
  if [ -n "$files" ] || {{ [ -n "$command" ] && [ "${{current#-}}" = "$current" ] && [ "${{words#-}}" != "$words" ]; }}; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}}
complete -F _tern tern
)",
                     fmt::join(names, " "), cases);
}

int write_help_pages(const HelpPagesOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error) throw Error("--out " + options.out.string(), "cannot make the folder: " + error.message());
  write_file(options.out / "tern.1", man_page(*options.tern, kVersion));
  write_file(options.out / "tern.bash", bash_completion(*options.tern));
  remark("wrote {} and {}\n", (options.out / "tern.1").string(), (options.out / "tern.bash").string());
  return 0;
}

}  // namespace tern

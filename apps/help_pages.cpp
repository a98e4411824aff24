#include "apps/help_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/version.h"
#include "apps/measure/choose_thresholds.h"
#include "apps/run/config.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "models/novelty_scores.h"

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

/// But for those that are refused with a text of their own.
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

/// Whether it can be given by its place alone. Some have a name, too: export's --run.
bool is_nameless(const CLI::Option& option) {
  return option.get_snames().empty() && option.get_lnames().empty();
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
  if (takes_value(option) && !is_nameless(option)) {
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
  for (const CLI::Option* option : options_of(command)) {
    const std::string name = roff(names_of(*option).back());
    if (is_nameless(*option)) synopsis += " \\fI" + name + "\\fR";
    if (option->get_required() && !is_nameless(*option)) {
      const std::string type = option->get_type_name();
      synopsis += fmt::format(" \\fB{}\\fR \\fI{}\\fR", name, roff(type.substr(0, type.find(':'))));
    }
    entries += option_entry(*option);
  }
  return fmt::format(".SS {}\n{} [options]\n.PP\n{}\n{}", roff(command.get_name()), synopsis,
                     roff(command.get_description()), entries);
}

// --- bash ---

/// Each of `names`, for both levels and for one.
std::vector<std::string> with_levels(const std::vector<std::string>& names) {
  std::vector<std::string> words = names;
  for (const char* level : {"super=", "sub="}) {
    for (const std::string& name : names) words.push_back(level + name);
  }
  return words;
}

/// "key=value" of the keys with few values, "key=" of the others.
std::vector<std::string> setting_words() {
  std::vector<std::string> words;
  for (const ConfigKey& key : config_keys()) {
    if (key.choices.empty()) words.push_back(key.name + "=");
    for (const std::string& choice : key.choices) words.push_back(key.name + "=" + choice);
  }
  return words;
}

/// What may follow an option, as the type that --help shows says it; none where that cannot be listed.
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type == "true|false") return {"true", "false"};
  if (type == "KEY=VALUE") return setting_words();
  if (type == "[LEVEL=]RULE") return with_levels(calibration_rules());
  if (type.starts_with("[LEVEL=]NAME")) return with_levels(novelty_score_names());
  return choices_of(option);
}

bool is_of_files(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return std::ranges::any_of(std::array{"FILE", "DIR", "RUN"},
                             [&](const char* kind) { return type.find(kind) != std::string::npos; });
}

/// The cases of one command: after an option its values, files or, of a number, nothing; else the options.
std::string completion_case(const CLI::App& command) {
  std::string options, values, files, others;
  for (const CLI::Option* option : options_of(command)) {
    if (is_nameless(*option)) continue;
    const std::string names = fmt::format("{}", fmt::join(names_of(*option), "|"));
    options += fmt::format("{}{}", options.empty() ? "" : " ", fmt::join(names_of(*option), " "));
    if (!takes_value(*option)) continue;
    const std::vector<std::string> words = values_of(*option);
    if (!words.empty()) {
      values += fmt::format("        {}) words=\"{}\" ;;\n", names, fmt::join(words, " "));
    } else {
      std::string& kind = is_of_files(*option) ? files : others;
      kind += (kind.empty() ? "" : "|") + names;
    }
  }
  if (!files.empty()) values += fmt::format("        {}) files=1 ;;\n", files);
  if (!others.empty()) values += fmt::format("        {}) ;;\n", others);
  return fmt::format("    {})\n      case $before in\n{}        *) words=\"{}\" ;;\n      esac\n      ;;\n",
                     command.get_name(), values, options);
}

constexpr std::string_view
    kBashBegin = R"(# Completion of tern's commands and options, for bash, and for zsh after bashcompinit.
_tern() {
  local at=$COMP_CWORD command=${COMP_WORDS[1]} words='' files='' lead='' before
  local current=${COMP_WORDS[COMP_CWORD]}
  local value=$current
  # bash takes --option=value and key=value apart at the sign: they are put together again.
  while [ "$at" -gt 2 ] && { [ "${COMP_WORDS[at]}" = '=' ] || [ "${COMP_WORDS[at - 1]}" = '=' ]; }; do
    at=$((at - 1))
    value=${COMP_WORDS[at]}$value
  done
  [ "$current" != '=' ] || current=''
  local standing=${value%"$current"}  # of which nothing is to be replied
  before=${COMP_WORDS[at - 1]}
  case $value in
    -*=*) before=${value%%=*} lead=${value%%=*}= value=${value#*=} ;;
  esac
  [ "$COMP_CWORD" -gt 1 ] || command=''
  case $command in
)",
    kBashEnd = R"(  esac
  # An argument that is no option is a file, where none is asked for by name.
  if [ -n "$files" ] || { [ -n "$command" ] && [ "${value#-}" = "$value" ] && [ "${words#-}" != "$words" ]; }; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$value")
    if [ "${#COMPREPLY[@]}" = 0 ] && [ "${value#*=}" != "$value" ]; then  # of NAME=FILE
      lead=$lead${value%%=*}=
      mapfile -t COMPREPLY < <(compgen -f -- "${value#*=}")
    fi
  elif [ "${value#*=}" != "$value" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$value")
  else  # the keys first, then the values of one
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$value" | sed 's/=.*/=/' | sort -u)
    [ "${COMPREPLY[0]%=}" = "${COMPREPLY[0]}" ] || [ "${#COMPREPLY[@]}" != 1 ] || compopt -o nospace 2>/dev/null
  fi
  COMPREPLY=("${COMPREPLY[@]/#/$lead}")
  COMPREPLY=("${COMPREPLY[@]#"$standing"}")
}
complete -F _tern tern
)";

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
  std::vector<std::string> commands, options{"help"};
  std::string cases;
  for (const CLI::App* command : commands_of(tern)) {
    commands.push_back(command->get_name());
    cases += completion_case(*command);
  }
  for (const CLI::Option* option : options_of(tern)) {
    for (const std::string& name : names_of(*option)) options.push_back(name);
  }
  return fmt::format("{0}    '') words=\"{1} {2}\" ;;\n    help) words=\"{1}\" ;;\n{3}{4}", kBashBegin,
                     fmt::join(commands, " "), fmt::join(options, " "), cases, kBashEnd);
}

int write_help_pages(const HelpPagesOptions& options) {
  make_folder("--out", options.out);
  write_file(options.out / "tern.1", man_page(*options.tern, kVersion));
  write_file(options.out / "tern.bash", bash_completion(*options.tern));
  remark("wrote {} and {}\n", (options.out / "tern.1").string(), (options.out / "tern.bash").string());
  return 0;
}

}  // namespace tern

#include "apps/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

#include "apps/commands.h"
#include "apps/common/console.h"
#include "apps/common/ranks.h"
#include "apps/common/runtime.h"
#include "apps/common/version.h"
#include "engine/core/nearest.h"
#include "engine/core/subnormals.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

constexpr int kFailure = 1, kWrongUsage = 2;
constexpr int kSignalled = 128;  // and the signal's number, as shells have it

/// The message without the line breaks that a file name may bring along.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

/// One line on standard error; of several ranks that fail alike, the first one's.
int report(const std::string& name, const std::string& message) {
  std::cout << std::flush;
  const std::string text = visible(one_line(message));
  Communicator* const ranks = started_world();
  if (ranks == nullptr || ranks->size() == 1) {
    std::cerr << name << ": " << text << std::endl;
    return kFailure;
  }
  if (ranks->announce_failure(message)) {
    // In one piece, since all ranks write to the same standard error.
    std::cerr << name + ": rank " + std::to_string(ranks->rank()) + " of " + std::to_string(ranks->size()) +
                     ": " + text + "\n"
              << std::flush;
  }
  ranks->leave();
  return kFailure;
}

/// Of a rank that ends because another says why.
int end_after_others(int code) {
  std::cout << std::flush;
  if (started_world() != nullptr) {
    started_world()->leave();
  } else {  // mpirun ends all where one has ended: not before the first has spoken
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return code;
}

/// The subcommand that was named, or all of tern.
const CLI::App& used_app(const CLI::App& tern) {
  const std::vector<const CLI::App*> used =
      tern.get_subcommands([](const CLI::App* app) { return app->parsed(); });
  return used.empty() ? tern : *used.front();
}

/// "tern", or "tern <command>" of the subcommand that was named.
std::string name_of(const CLI::App& tern) {
  const CLI::App& app = used_app(tern);
  return &app == &tern ? "tern" : "tern " + app.get_name();
}

/// `code`, unless what was printed did not all arrive: a full disk must not pass for success.
int check_output(const CLI::App& tern, int code) {
  errno = 0;
  std::cout << std::flush;
  const bool flushed = std::fflush(stdout) == 0;
  const int reason = errno;  // 0 if it was an earlier write that failed
  if (code != 0 || (flushed && std::ferror(stdout) == 0 && std::cout)) return code;
  return report(name_of(tern), std::string("standard output: cannot write it: ") +
                                   (reason != 0 ? std::strerror(reason) : "an earlier write failed"));
}

/// By --quiet and --json, whose document has standard output for itself.
void direct_remarks(const CLI::App& app) {
  const auto is_given = [&app](const char* name) {
    const CLI::Option* option = app.get_option_no_throw(name);
    return option != nullptr && option->count() > 0;
  };
  if (is_given("--quiet")) {
    send_remarks_to(nullptr);
  } else if (is_given("--json")) {
    send_remarks_to(stderr);
  }
}

int run_safely(const Command& command) {
  const std::string name = "tern " + command.app->get_name();
  try {
    if (command.app->get_option_no_throw("--ranks") == nullptr && name != "tern study") check_alone();
    return command.run();
  } catch (const RankFailed&) {
    return end_after_others(kFailure);
  } catch (const Stopped& stopped) {
    report(name, stopped.what());
    return kSignalled + stopped.signal();
  } catch (const std::bad_alloc&) {
    return report(name, "memory: not enough of it");
  } catch (const std::filesystem::filesystem_error& error) {
    return report(name, error.path1().string() + ": " + error.code().message());
  } catch (const std::system_error& error) {  // fmt's, among others: it does not say which file
    return report(name, (std::ferror(stdout) != 0 ? "standard output: " : "") + std::string(error.what()));
  } catch (const std::exception& error) {
    return report(name, error.what());
  } catch (...) {
    return report(name, "an unknown error");
  }
}

/// Ends as the other commands do, of the signal itself where one stopped the work: only then does Ctrl-C end a shell's loop, too.
/// Not one of several ranks, which mpirun would say had crashed.
int end_with(int code) {
  if (code > kSignalled && started_world() != nullptr && started_world()->size() > 1) return code;
  if (code > kSignalled) {
    std::signal(code - kSignalled, SIG_DFL);
    std::raise(code - kSignalled);
  }
  return code;
}

/// What an app takes: "--options" of a subcommand, or the names of subcommands.
std::vector<std::string> names_of(const CLI::App& app, bool options) {
  std::vector<std::string> names;
  if (options) {
    const auto is_listed = [](const CLI::Option* option) { return !option->get_group().empty(); };
    for (const CLI::Option* option : app.get_options(is_listed)) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(command->get_name());
  }
  return names;
}

/// The first required option that is not given; empty if all are.
std::string missing_option(const CLI::App& app) {
  const auto is_missing = [](const CLI::Option* option) {
    return option->get_required() && option->count() == 0;
  };
  const std::vector<const CLI::Option*> missing = app.get_options(is_missing);
  return missing.empty() ? "" : missing.front()->get_name();
}

/// Of the first argument that nothing takes.
std::string unexpected_text(const CLI::App& tern, const std::string& argument) {
  const CLI::App& app = used_app(tern);
  const bool is_option = argument.starts_with("-");
  const std::vector<std::string> names = names_of(app, is_option);
  if (names.empty()) {
    const std::string option = missing_option(app);
    return (option.empty() ? "wanted no more arguments" : "wanted " + option + " before it") + ", got " +
           argument;
  }
  return std::string(is_option ? "wanted a known option" : "wanted a command") +
         nearest_remark(argument.substr(0, argument.find('=')), names) + ", got " + argument;
}

/// A usage error as tern says it, where CLI11 has words of its own: "--out: 1 required RUN missing", "--out: At Most 1 required but
/// received 2", "--key requires --weights", "Could not convert: --quiet = maybe". Numbers are checked before CLI11 converts them
/// (option_checks.h), so what it cannot convert is of true and false.
std::string usage_text(const std::string& error) {
  const auto after = [](const std::string& text, std::string_view begin) {
    return text.starts_with(begin) ? std::optional(text.substr(begin.size())) : std::nullopt;
  };
  if (const auto set = after(error, "Could not convert: ")) {
    const std::size_t equals = set->find(" = ");
    if (equals == std::string::npos) return error;
    return set->substr(0, equals) + ": wanted true or false, got " + set->substr(equals + 3);
  }
  const std::size_t end = std::min(error.find_first_of(": "), error.size());  // of the option's name
  const std::string name = error.substr(0, end), rest = error.substr(end);
  if (const auto other = after(rest, " requires "))
    return name + ": wanted " + *other + " beside it, got none";
  if (const auto times = after(rest, ": At Most 1 required but received "))
    return name + ": wanted 1 value, got " + *times;
  if (const auto type = after(rest, ": 1 required "); type && type->ends_with(" missing")) {
    const std::size_t check = type->find(':') + 1;  // "UINT:INT in [1, 9]"; 0 where there is none
    return name + ": wanted " + type->substr(check, type->rfind(" missing") - check) + ", got nothing";
  }
  return error;
}

/// One line of what is wrong and two of what to do; all of the help only where nothing was asked for.
int wrong_usage(const CLI::App& tern, const std::string& message) {
  if (launch_of_environment().rank > 0) return end_after_others(kWrongUsage);  // rank 0 says it
  const CLI::App& app = used_app(tern);
  if (message.empty()) {
    std::cerr << app.help(&app == &tern ? "" : "tern");
    return kWrongUsage;
  }
  const std::vector<std::string> unexpected = tern.remaining(true);
  const std::string text = unexpected.empty() ? message : unexpected_text(tern, unexpected.front());
  const std::string help = app.help(&app == &tern ? "" : "tern");
  const std::size_t usage = help.find("Usage: ");
  std::cerr << name_of(tern) << ": " << visible(one_line(text)) << "\n"
            << help.substr(usage, help.find('\n', usage) - usage) << "\n"
            << name_of(tern) << " --help lists the " << (&app == &tern ? "commands.\n" : "options.\n");
  return kWrongUsage;
}

/// CLI11 lists an argument that has a name as well twice.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_positionals(const CLI::App* app) const override {
    const auto is_nameless = [](const CLI::Option* option) {
      return option->get_positional() && !option->nonpositional() && !option->get_group().empty();
    };
    return make_group(get_label("Positionals"), true, app->get_options(is_nameless));
  }
};

/// As CLI::App takes them, the last first. `tern help` and `tern help train` ask what --help asks; what is no command stays
/// alone, to be told so whatever comes after it.
std::vector<std::string> arguments_of(const CLI::App& tern, int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.push_back("--help");
  }
  const std::vector<std::string> commands = names_of(tern, /*options=*/false);
  if (!arguments.empty() && !arguments.front().starts_with("-") &&
      std::ranges::find(commands, arguments.front()) == commands.end()) {
    arguments.resize(1);
  }
  std::ranges::reverse(arguments);
  return arguments;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  flush_subnormals();
  std::signal(SIGXFSZ, SIG_IGN);  // a file over `ulimit -f` is then a write that fails, and is told
  CLI::App tern("tern: train, measure and use image classifiers for two levels of classes, some never seen.",
                "tern");
  tern.set_version_flag("--version", version_text());
  tern.formatter(std::make_shared<HelpFormatter>());
  tern.get_formatter()->column_width(32);
  Command chosen;
  add_commands(tern, chosen);
  tern.require_subcommand(0, 1);
  try {
    tern.parse(arguments_of(tern, argc, argv));
  } catch (const CLI::Success& asked_for_text) {
    return check_output(tern, tern.exit(asked_for_text));
  } catch (const CLI::Error& error) {
    return wrong_usage(tern, usage_text(error.what()));
  }
  if (!chosen.run) return wrong_usage(tern, "");
  direct_remarks(*chosen.app);
  return end_with(check_output(tern, run_safely(chosen)));
}

}  // namespace tern

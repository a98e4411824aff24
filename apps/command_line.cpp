#include "apps/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <system_error>

#include "apps/commands.h"
#include "apps/common/version.h"
#include "engine/core/subnormals.h"

namespace tern {
namespace {

constexpr int kFailure = 1, kWrongUsage = 2;

/// The message without the line breaks that a file name may bring along.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

int report(const std::string& name, const std::string& message) {
  std::cout << std::flush;
  std::cerr << name << ": " << one_line(message) << std::endl;
  return kFailure;
}

/// "tern", or "tern <command>" of the subcommand that was named.
std::string name_of(const CLI::App& tern) {
  const std::vector<const CLI::App*> used =
      tern.get_subcommands([](const CLI::App* app) { return app->parsed(); });
  return used.empty() ? "tern" : "tern " + used.front()->get_name();
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

int run_safely(const Command& command) {
  const std::string name = "tern " + command.app->get_name();
  try {
    return command.run();
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

int wrong_usage(const CLI::App& tern, const std::string& message) {
  const std::vector<const CLI::App*> used =
      tern.get_subcommands([](const CLI::App* app) { return app->parsed(); });
  if (!message.empty()) std::cerr << name_of(tern) << ": " << one_line(message) << "\n\n";
  std::cerr << (used.empty() ? tern.help() : used.front()->help("tern"));
  return kWrongUsage;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  flush_subnormals();
  std::signal(SIGXFSZ, SIG_IGN);  // a file over `ulimit -f` is then a write that fails, and is told
  CLI::App tern("tern: train, measure and use image classifiers for two levels of classes, some never seen.",
                "tern");
  tern.set_version_flag("--version", version_text());
  tern.get_formatter()->column_width(32);
  Command chosen;
  add_commands(tern, chosen);
  tern.require_subcommand(0, 1);
  try {
    tern.parse(argc, argv);
  } catch (const CLI::Success& asked_for_text) {
    return check_output(tern, tern.exit(asked_for_text));
  } catch (const CLI::Error& error) {
    return wrong_usage(tern, error.what());
  }
  return chosen.run ? check_output(tern, run_safely(chosen)) : wrong_usage(tern, "");
}

}  // namespace tern

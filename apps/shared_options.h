// Options that several subcommands share: each one's text, checks and default.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/runtime.h"
#include "apps/measure/answers.h"
#include "apps/measure/test_mix.h"
#include "apps/run/study_data.h"

namespace tern {

/// --device, --threads.
void add_runtime_options(CLI::App* app, RuntimeOptions& options);

/// --data, whose help is `data_text`, and --cifar.
void add_folder_options(CLI::App* app, DataFolders& folders, const char* data_text);

/// --key, of commands that read a .pth.
void add_key_option(CLI::App* app, std::string& key);

/// --run, several of which answer together, and --views.
void add_ensemble_options(CLI::App* app, std::vector<std::filesystem::path>& runs, std::string& views);

/// --score, whose help is `text`.
void add_score_option(CLI::App* app, std::vector<std::string>& scores, const char* text);

/// --mask-untrained.
void add_mask_option(CLI::App* app, std::optional<bool>& mask_untrained);

/// --score, --tau-super, --tau-sub, --mask-untrained, --tau-rule.
void add_threshold_options(CLI::App* app, DecisionOptions& options);

/// --consistent.
void add_consistent_option(CLI::App* app, DecisionOptions& options);

/// add_threshold_options, and how both levels answer: --consistent, --joint.
void add_decision_options(CLI::App* app, DecisionOptions& options);

/// --json, of commands that print `document`, "RUN/evaluation.json", in place of a text.
void add_json_option(CLI::App* app, ResultForm& print, const std::string& document);

/// parse_mix() whose errors are of usage.
TestMix mix_or_usage(const std::string& text);

}  // namespace tern

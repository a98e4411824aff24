// What options of a program take, checked where they are parsed: errors say what was wanted and what came, in the same words
// for every option.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace tern {

/// A check that wants a number in [low, high]. CLI::Range lets NaN through.
CLI::Validator number_in(double low, double high);

/// A check that wants a whole number in [low, high]: CLI11 alone takes -1 for the largest, and too many digits for as many as fit.
CLI::Validator whole_in(std::uint64_t low, std::uint64_t high);

/// A check that wants one of `names`.
CLI::Validator one_of(const std::vector<std::string>& names);

}  // namespace tern

// What each stretch of a training, from its beginning or from --resume on, ran with: the list `sessions` in
// summary.json. A run whose sessions are alike ends with the same bytes as one that was not interrupted.
//
//   {"epochs": the plan, "done": {"super": epochs that were done, ...}, "ranks": 1, "threads": 2, "device": "cpu",
//    "backend": "...", "cpu": "...", "versions": {"tern": "0.1.0", ...}}
#pragma once

#include <string>

#include "apps/run/run_folder.h"
#include "engine/device/device.h"

namespace tern {

/// The session that begins now, with run.config, on `device`; `threads` are those of each of its ranks.
Json session_of(const Run& run, Device device, int ranks = 1);

/// Adds it to the run's summary, of which it also becomes threads, device, backend and versions.
void add_session(Run& run, const Json& session);

/// What the last session of the run had otherwise, of what the bytes of a training may depend on:
/// "threads 2, now 1; onednn 2.6.3, now 3.7.1". Empty for none, and for a run without a session.
std::string changes_since(const Run& run, const Json& session);

/// For a run of before there were sessions: one that says what its summary and its config say.
void supply_first_session(Run& run);

/// How the plan changed from session to session, as lines of TOML comments: "# epochs was 2 until epoch 2
/// ...".
std::string changes_of_plan(const Json& summary);

}  // namespace tern

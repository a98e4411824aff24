// What a row's runs are worth: thresholds, rates, estimates, predictions. All its trainings must be there.
#pragma once

#include "apps/study/row.h"

namespace tern {

/// The content of result.json: as it was made before where nothing has changed since, or made now, with
/// predictions.csv. Throws Error, or Json::exception where such a file holds other JSON.
Json measured_row(const RowRuns& runs, const RowOptions& options);

}  // namespace tern

// Rows that list several classes, up to the first -1.
#pragma once

#include "engine/call/labels.hpp"
#include "engine/rowwise/job.hpp"

namespace fastloss {

// Whether everything in the rows that count is a class or -1, behind the ends of the lists too.
bool lists_are_in_range(const row_job&, int threads);

}  // namespace fastloss

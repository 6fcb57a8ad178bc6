// Before and after the passes of a row-wise call: checks of domains and class indices, what a mean may be over, sums over rows.
#pragma once

#include "engine/call/reduction.hpp"
#include "engine/rowwise/job.hpp"

namespace fastloss {

// Throws where an operand of a row that counts is outside its domain, if that is to be checked.
void check_row_domains(const call_plan&);

// Throws index_error, before anything is written, where a class index is out of range.
unit_sums measure_rows(const call_plan&, const row_job&);

// Stores the gradients that were added up for each class.
void store_class_sums(const loss_call&, row_job&, const loss_outputs&, row_findings&);

}  // namespace fastloss

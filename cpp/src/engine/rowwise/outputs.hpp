// Before and after the passes of a row-wise call: checks of outputs and class indices, denominators, sums over rows.
#pragma once

#include "engine/rowwise/job.hpp"

namespace fastloss {

// Throws unless every output has the right shape and dtype, and each is exactly an operand or shares no memory with anything else.
void check_row_outputs(const loss_call&, const rowwise_plan&, const loss_outputs&);

// What a mean may be over.
struct row_denominators {
  double kept;     // the number of rows that are neither masked nor ignored
  double samples;  // the sum of their sample weights
  double weights;  // the sum of their sample weights times the weights of their target classes, or 1 where these are in the terms
};

// Throws where an operand of a row that counts is outside its domain, if that is to be checked.
void check_row_domains(const loss_call&, const rowwise_plan&, const row_job&);

// Throws index_error, before anything is written, where a class index is out of range.
row_denominators measure_rows(const loss_call&, const rowwise_plan&, const row_job&, int threads);

// Stores the gradients that were added up for each class.
void store_class_sums(const loss_call&, row_job&, const loss_outputs&, row_findings&);

}  // namespace fastloss

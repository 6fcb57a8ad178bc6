// The choice of an arrangement of rows, and of places for the arrays over them.
#pragma once

#include "engine/rows/view.hpp"

namespace fastloss {

struct row_demands {
  int threads;          // that the call may use; 0: get_num_threads()
  bool second_softmax;  // has tiles of its own
  bool whole_rows;      // a row is not cut, however long
};

// Decides which way lanes run and how tiles are cut, from where the scores lie.
void arrange(rows_of_call&, const class_view& scores, const row_demands&);

// Whether tiles of this array lie in the caller's memory, or are made in registers.
void choose_place(const rows_of_call&, dtype computation, class_view&);

}  // namespace fastloss

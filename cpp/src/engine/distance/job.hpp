// One call of a loss of embeddings: where its arrays lie, and what is measured.
#pragma once

#include <cstddef>

#include "engine/records/job.hpp"
#include "fastloss/engines/distance.hpp"

namespace fastloss {

struct distance_job : record_job {
  const distance_kernels* kernels;
  const embedding_operations* operations;
  const void* options;
  distance_form form;
  std::size_t features;
  unit_view target;  // of losses that have a number for each unit

  bool measures_distances() const {
    return form.measure == embedding_measure::distance || form.measure == embedding_measure::squared_distance;
  }
};

void build_distance_job(const call_plan&, const loss_outputs&, distance_job&);

// Throws where the number of a unit that counts is not what it may be.
void check_targets(const call_plan&);

}  // namespace fastloss

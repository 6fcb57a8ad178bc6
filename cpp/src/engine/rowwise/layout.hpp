// From a checked row-wise call to a job: arrays over rows and classes, the arrangement of tiles, the kernels.
#pragma once

#include "engine/rowwise/job.hpp"

namespace fastloss {

void build_row_job(const call_plan&, const loss_outputs&, row_job&);

}  // namespace fastloss

// The registry: every loss of the library. A family is a header of this folder, which ends with the list of its
// losses and is compiled by itself for each instruction set.
#pragma once

#include "fastloss/core/type_list.hpp"
#include "fastloss/losses/binary.hpp"
#include "fastloss/losses/boxes.hpp"
#include "fastloss/losses/count.hpp"
#include "fastloss/losses/deviance.hpp"
#include "fastloss/losses/divergence.hpp"
#include "fastloss/losses/focal.hpp"
#include "fastloss/losses/keypoints.hpp"
#include "fastloss/losses/likelihood.hpp"
#include "fastloss/losses/linear.hpp"
#include "fastloss/losses/log_sum_exp.hpp"
#include "fastloss/losses/margin.hpp"
#include "fastloss/losses/multiclass_margin.hpp"
#include "fastloss/losses/quantile.hpp"
#include "fastloss/losses/regression.hpp"
#include "fastloss/losses/relative.hpp"
#include "fastloss/losses/robust.hpp"
#include "fastloss/losses/scoring.hpp"
#include "fastloss/losses/softmax.hpp"

#define FASTLOSS_FAMILIES(APPLY) \
  APPLY(regression)              \
  APPLY(quantile)                \
  APPLY(binary)                  \
  APPLY(focal)                   \
  APPLY(likelihood)              \
  APPLY(margin)                  \
  APPLY(count)                   \
  APPLY(deviance)                \
  APPLY(relative)                \
  APPLY(robust)                  \
  APPLY(scoring)                 \
  APPLY(divergence)              \
  APPLY(softmax)                 \
  APPLY(log_sum_exp)             \
  APPLY(multiclass_margin)       \
  APPLY(linear)                  \
  APPLY(boxes)                   \
  APPLY(keypoints)

namespace fastloss {
inline namespace FASTLOSS_ISA {

#define FASTLOSS_LOSSES_OF(FAMILY) , FAMILY##_losses
using all_losses = concatenated<type_list<> FASTLOSS_FAMILIES(FASTLOSS_LOSSES_OF)>::type;
#undef FASTLOSS_LOSSES_OF

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

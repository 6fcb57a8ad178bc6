// The registry: every loss of the library, and what is a loss to its engine alone. A family is a header of this folder, which ends
// with the list of its losses and is compiled by itself for each instruction set.
#pragma once

#include "fastloss/core/type_list.hpp"
#include "fastloss/losses/binary.hpp"
#include "fastloss/losses/box_matrix.hpp"
#include "fastloss/losses/boxes.hpp"
#include "fastloss/losses/boxes_rotated.hpp"
#include "fastloss/losses/count.hpp"
#include "fastloss/losses/deviance.hpp"
#include "fastloss/losses/divergence.hpp"
#include "fastloss/losses/embedding.hpp"
#include "fastloss/losses/embedding_functions.hpp"
#include "fastloss/losses/focal.hpp"
#include "fastloss/losses/keypoints.hpp"
#include "fastloss/losses/likelihood.hpp"
#include "fastloss/losses/linear.hpp"
#include "fastloss/losses/log_sum_exp.hpp"
#include "fastloss/losses/lovasz.hpp"
#include "fastloss/losses/margin.hpp"
#include "fastloss/losses/multiclass_margin.hpp"
#include "fastloss/losses/proxies.hpp"
#include "fastloss/losses/quantile.hpp"
#include "fastloss/losses/region.hpp"
#include "fastloss/losses/region_compound.hpp"
#include "fastloss/losses/region_distance.hpp"
#include "fastloss/losses/regression.hpp"
#include "fastloss/losses/relative.hpp"
#include "fastloss/losses/robust.hpp"
#include "fastloss/losses/scoring.hpp"
#include "fastloss/losses/similarity.hpp"
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
  APPLY(multiclass_margin)       \
  APPLY(linear)                  \
  APPLY(boxes)                   \
  APPLY(boxes_rotated)           \
  APPLY(keypoints)               \
  APPLY(region)                  \
  APPLY(region_compound)         \
  APPLY(region_distance)         \
  APPLY(lovasz)                  \
  APPLY(embedding)               \
  APPLY(similarity)              \
  APPLY(proxies)

// Functions that are no losses are made of these: functions() in engine/plan.hpp.
#define FASTLOSS_FUNCTION_FAMILIES(APPLY) \
  APPLY(log_sum_exp)                      \
  APPLY(box_matrix)                       \
  APPLY(embedding_functions)

namespace fastloss {
inline namespace FASTLOSS_ISA {

#define FASTLOSS_LOSSES_OF(FAMILY) , FAMILY##_losses
using all_losses = concatenated<type_list<> FASTLOSS_FAMILIES(FASTLOSS_LOSSES_OF)>::type;
using losses_of_functions = concatenated<type_list<> FASTLOSS_FUNCTION_FAMILIES(FASTLOSS_LOSSES_OF)>::type;
#undef FASTLOSS_LOSSES_OF

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// One call of a loss of keypoints: where its arrays lie, and what its instances have in common.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/records/job.hpp"
#include "fastloss/engine/keypoint_kernels.hpp"
#include "fastloss/engine/plan.hpp"

namespace fastloss {

// The operands behind input and target.
inline constexpr std::size_t area_operand = 2, sigma_operand = 3, visible_operand = 4;

// Writes the byte strides of weights of keypoints over input's axes but the last, 0 where they are broadcast; false if their shape does
// not fit.
bool align_visible(const const_array& visible, const const_array& input, std::ptrdiff_t* strides);

struct keypoint_job : record_job {
  const keypoint_kernels_of_dtype* kernels;
  const void* options;
  std::size_t keypoints;  // of an instance
  unit_view areas;
  record_view visible;
  std::unique_ptr<char[]> inverse_widths;  // of the computation dtype, as keypoint_tile has them
  std::unique_ptr<double[]> visible_copy;  // of weights that all instances share
};

// `in_place`: an output is one of the operands.
void build_keypoint_job(const call_plan&, const loss_outputs&, bool in_place, keypoint_job&);

// Throws where sigma of a keypoint is out of its range, and, under errstate(domain="raise"), the area of an instance that counts or the
// weight of one of its keypoints.
void check_keypoints(const call_plan&);

}  // namespace fastloss

// What a call of a loss of keypoints makes of its operands.
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/keypoint/job.hpp"
#include "engine/keypoint/run.hpp"
#include "fastloss/engines/keypoint.hpp"

namespace fastloss {
namespace {

std::string count_text(std::ptrdiff_t keypoints) { return std::to_string(keypoints) + (keypoints == 1 ? " keypoint" : " keypoints"); }

void check_sigmas(const loss_info& loss, const const_array& a, const const_array& input, std::ptrdiff_t keypoints) {
  const char* const name = loss.operands[sigma_operand].name;
  const std::size_t known = keypoint_loss_of(loss).sigmas.size();
  if (a.absent()) {
    if (known == static_cast<std::size_t>(keypoints)) return;
    fail_value(loss, std::string(name) + " must be given for " + count_text(keypoints) + ": left out, they are those of " +
                         std::to_string(known) + ", and " + loss.operands[0].name + " has shape " + shape_text(input.rank, input.shape));
  }
  if (a.rank == 0 || (a.rank == 1 && a.shape[0] == keypoints)) return;
  fail_shape(loss, name, a,
             "it must have one number for each of the " + count_text(keypoints) + " of " + loss.operands[0].name + " of shape " +
                 shape_text(input.rank, input.shape) + ", shape (" + std::to_string(keypoints) + ",), or be a number");
}

void check_visible(const loss_info& loss, const const_array& a, const const_array& input, std::ptrdiff_t keypoints) {
  std::ptrdiff_t strides[max_rank];
  if (a.absent() || align_visible(a, input, strides)) return;
  fail_shape(loss, loss.operands[visible_operand].name, a,
             std::string("it must have the shape of ") + loss.operands[0].name + " without its last axis, " +
                 shape_text(input.rank - 1, input.shape) + ", with 1 where it is broadcast, or (" + std::to_string(keypoints) +
                 ",), or be a number");
}

void shape_of_instances(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const const_array &input = call.operands[0], &target = call.operands[1];
  const char* const name = loss.operands[0].name;
  if (input.rank < 2 || input.shape[input.rank - 1] != 2 || input.shape[input.rank - 2] == 0)
    fail_shape(loss, name, input, "keypoints have x and y on the last axis and at least one place on the axis before, shape (..., K, 2)");
  if (!same_shape(target, input.rank, input.shape))
    fail_shape(loss, loss.operands[1].name, target,
               std::string("it must have the shape of ") + name + ", " + shape_text(input.rank, input.shape) +
                   ": each keypoint has a place that it should be at");
  shape.units = {input.rank - 2, input.shape, name, " without its last two axes", input.strides};
  const std::ptrdiff_t keypoints = input.shape[input.rank - 2];
  check_shape(loss, loss.operands[area_operand].name, call.operands[area_operand], alignment::leading, shape.units);
  check_sigmas(loss, call.operands[sigma_operand], input, keypoints);
  check_visible(loss, call.operands[visible_operand], input, keypoints);
  shape.computation = promoted(call, sigma_operand);
  shape.work = static_cast<double>(keypoints);
  for (int i = 0; i + 2 < input.rank; ++i) shape.work *= static_cast<double>(input.shape[i]);
}

}  // namespace

const engine keypoint_engine = {"keypoint", keypoint_roles, shape_of_instances, run_keypoints};

}  // namespace fastloss

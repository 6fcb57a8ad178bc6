// Which operand of a loss of linear scores is which, and the row-wise loss behind it.
#pragma once

#include <cstring>

#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/linear.hpp"

namespace fastloss {

inline int position_of(const loss_info& loss, const char* name) {
  for (std::size_t k = 0; k < loss.operands.size(); ++k)
    if (std::strcmp(loss.operands[k].name, name) == 0) return static_cast<int>(k);
  return -1;
}

struct linear_operands {
  static constexpr int input = 0, linear_weight = 1;
  const loss_info& rows;  // the row-wise loss
  int target, linear_bias;

  explicit linear_operands(const loss_info& loss)
      : rows(*find_loss(linear_loss_of(loss).loss_of_scores)),
        target(position_of(loss, "target")),
        linear_bias(position_of(loss, "linear_bias")) {}
};

}  // namespace fastloss

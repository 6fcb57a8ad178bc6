#include "engine/records/domains.hpp"
#include "engine/distance/job.hpp"

namespace fastloss {

void check_targets(const call_plan& plan) {
  const loss_info& loss = plan.loss();
  const std::size_t k = distance_loss_of(loss).embeddings;
  if (k >= loss.operands.size() || loss.operands[k].values.everything()) return;
  const const_array& a = plan.call().operands[k];
  check_numbers(plan, k, {a.rank, a.shape, ""}, a.strides, 1);
}

}  // namespace fastloss

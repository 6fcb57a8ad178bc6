#include "engine/pointwise/outputs.hpp"

#include "isa/dispatch.hpp"

namespace fastloss {

void store_sums(const pointwise_job& job, const loss_call& call, const gradient_target& t, double scale, const mutable_array& to,
                pointwise_findings& findings) {
  // In double until the last step: a sum may be finite only after it is scaled.
  for (std::size_t i = 0; i < t.sum_count; ++i) t.sums[i] = scale == 0.0 ? 0.0 : t.sums[i] * scale;
  const const_array& a = call.operands[static_cast<std::size_t>(t.operand)];
  const tile_operations& wide = active_kernels().tiles[1];
  if (job.check_finite && wide.nonfinite(t.sums, t.sum_count)) findings.nonfinite.store(true);
  wide.store[static_cast<int>(to.type)][to.byteswapped](t.sums, to.data, {a.rank, a.shape, to.strides, 0, t.sum_count}, 1.0,
                                                        job.accumulate);
}

}  // namespace fastloss

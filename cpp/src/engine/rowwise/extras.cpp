// What a row-wise call gives beside its value.
#include "engine/rowwise/passes.hpp"

namespace fastloss {
namespace {

row_tile make_probabilities(const row_workspace& w, const forward_results& f) {
  gradient_pass p{};
  p.extent = w.extent();
  p.exps = f.shifts.exps;
  // (0 - 1 * -1) / sum for every row, those that count nowhere included.
  w.fill(spare_slot, 1.0);
  w.fill(other_slot, -1.0);
  w.job.rows->class_coefficients(w.rows.padded, f.shifts.tail, w.row(spare_slot), w.row(other_slot), w.row(spare_slot), nullptr,
                                 w.row(coef_exp_slot));
  p.coef_exp = w.row(coef_exp_slot);
  p.out = w.memory.destination(w.job.probabilities, w.tile_memory(result_slot));
  p.streams = w.memory.streams(w.job.probabilities);
  w.job.arranged->gradient(p);
  return p.out;
}

void store_predictions(const row_workspace& w, const forward_results& f) {
  const row_view &prediction = w.job.prediction, &correct = w.job.correct;
  w.job.arranged->largest(w.extent(), f.scores.scores, nullptr, w.row(spare_slot), w.row(spare_index_slot));
  for (std::size_t i = 0; i < w.rows.count; ++i) {
    const std::int64_t best = w.label(w.row(spare_index_slot), i);
    const row_memory one(w.job, {w.rows.first + i, 1, 1});
    if (prediction.base != nullptr) {
      const std::uint64_t bits = static_cast<std::uint64_t>(best), stored = prediction.byteswapped ? __builtin_bswap64(bits) : bits;
      __builtin_memcpy(one.first_row(prediction), &stored, sizeof stored);
    }
    const bool is_right = f.counts.targets != nullptr && best == w.label(f.counts.targets, i);
    if (correct.base != nullptr) __builtin_memcpy(one.first_row(correct), &is_right, sizeof is_right);
  }
}

}  // namespace

void make_extras(const row_workspace& w, const forward_results& f) {
  const row_job& job = w.job;
  if (job.probabilities.base != nullptr) w.store(job.probabilities, make_probabilities(w, f));
  if (job.log_probabilities.base != nullptr) {
    const row_tile out = w.memory.destination(job.log_probabilities, w.tile_memory(result_slot));
    job.arranged->subtract(w.extent(), f.scores.scores, f.shifts.maximum, f.shifts.log_sum, out);
    w.store(job.log_probabilities, out);
  }
  if (job.prediction.base != nullptr || job.correct.base != nullptr) store_predictions(w, f);
}

}  // namespace fastloss

#include "engine/outputs.hpp"

#include <algorithm>
#include <string>

#include "engine/messages.hpp"
#include "fastloss/core/errors.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

const_array view_of(const mutable_array& a) { return {a.data, a.shape, a.strides, a.rank, a.type, a.byteswapped}; }

void check_output(const loss_info& loss, const std::string& name, const mutable_array& out, const array_spec& need) {
  const std::string prefix = std::string(loss.name) + ": ";
  if (out.absent()) throw value_error(prefix + "no memory for " + name);
  if (out.type != need.type)
    throw type_error(prefix + name + " must have dtype " + dtype_text(need.type) + ", got " + dtype_text(out.type));
  if (out.rank != need.rank || !std::equal(need.shape, need.shape + need.rank, out.shape))
    throw value_error(prefix + name + " must have shape " + shape_text(need.rank, need.shape) + ", got " + shape_text(out.rank, out.shape));
  if (may_overlap_itself(view_of(out))) throw value_error(prefix + name + " has elements that share memory with one another");
}

}  // namespace

bool check_outputs(const loss_call& call, const pointwise_plan& plan, const loss_outputs& outputs) {
  const loss_info& loss = *call.loss;
  // Names are made only for messages: a small call has no time for strings.
  const mutable_array* list[max_operands + 2];
  int total = 0;
  const auto fits = [](const mutable_array& out, const array_spec& need) {
    return !out.absent() && out.type == need.type && out.rank == need.rank && std::equal(need.shape, need.shape + need.rank, out.shape) &&
           (out.unshared || !may_overlap_itself(view_of(out)));
  };
  const auto add = [&](const mutable_array& out, const array_spec& need, const char* what, int of) {
    if (!fits(out, need))
      check_output(loss, of < 0 ? what : std::string("out for the gradient of '") + loss.operands[static_cast<std::size_t>(of)].name + "'",
                   out, need);
    if (!out.unshared) list[total++] = &out;
  };
  if (call.value && !plan.reduced()) add(outputs.value, plan.value(), "out for the value", -1);
  for (int i = 0; i < call.gradient_count; ++i)
    add(outputs.gradients[static_cast<std::size_t>(i)], plan.gradient(i), "", call.gradient_of[static_cast<std::size_t>(i)]);
  if (call.hessian) add(outputs.hessian, plan.hessian(), "out for the second derivative", -1);

  for (int i = 0; i < total; ++i)
    for (int j = 0; j < i; ++j)
      if (may_overlap(view_of(*list[i]), view_of(*list[j])))
        throw value_error(std::string(loss.name) + ": two outputs in out share memory");

  bool in_place = false;
  extent extents[max_operands + 2];
  for (int i = 0; i < total; ++i) extents[i] = extent_of(view_of(*list[i]));
  const auto against = [&](const const_array& in, const char* name) {
    if (in.absent()) return;
    const extent there = extent_of(in);
    for (int i = 0; i < total; ++i) {
      if (!extents[i].meets(there)) continue;
      const const_array out = view_of(*list[i]);
      if (!may_overlap(out, in)) continue;
      if (!same_view(out, in))
        throw value_error(std::string(loss.name) + ": out overlaps " + name + "; it must be exactly that array or share no memory with it");
      in_place = true;
    }
  };
  if (total == 0) return false;
  for (std::size_t k = 0; k < loss.operands.size(); ++k) against(call.operands[k], loss.operands[k].name);
  against(call.call.sample_weight, "sample_weight");
  against(call.call.where, "where");
  against(call.call.grad_output, "grad_output");
  return in_place;
}

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

void fail_domain(const loss_call& call, const domain domains[max_operands]) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
  const tile_operations& wide = active_kernels().tiles[1];
  std::ptrdiff_t strides[max_rank], mask_strides[max_rank];
  const bool masked = !call.call.where.absent();
  if (masked) align_strides(call.call.where, alignment::leading, input.rank, input.shape, mask_strides);
  const auto read = [&](const const_array& a, const std::ptrdiff_t* s, std::size_t i) {
    double x;
    wide.load[static_cast<int>(a.type)][a.byteswapped](&x, a.data, {input.rank, input.shape, s, i, 1});
    return x;
  };
  for (std::size_t k = 0; k < loss.operands.size(); ++k) {
    if (domains[k].everything() || call.operands[k].absent()) continue;
    const operand& o = loss.operands[k];
    align_strides(call.operands[k], alignment_of(o), input.rank, input.shape, strides);
    for (std::size_t i = 0; i < element_count(input.rank, input.shape); ++i) {
      if (masked && read(call.call.where, mask_strides, i) == 0.0) continue;
      const double x = read(call.operands[k], strides, i);
      if (domains[k].contains(x)) continue;
      std::ptrdiff_t index[max_rank];
      std::size_t rest = i;
      for (int axis = input.rank - 1; axis >= 0; --axis) {
        index[axis] = static_cast<std::ptrdiff_t>(rest % static_cast<std::size_t>(input.shape[axis]));
        rest /= static_cast<std::size_t>(input.shape[axis]);
      }
      const std::string text = std::string(loss.name) + ": " + o.name + " must be " + domain_text(domains[k]) + ", got " +
                               number_text(x, call.operands[k].type) + " at index " + shape_text(input.rank, index);
      if (o.is(integer)) throw index_error(text);
      throw value_error(text);
    }
  }
  throw value_error(std::string(loss.name) + ": an operand was outside its domain, and changed while it was checked");
}

}  // namespace fastloss

#include "engine/call/output_checks.hpp"

#include <algorithm>
#include <string>

#include "engine/call/ignored.hpp"
#include "engine/call/messages.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/core/errors.hpp"

namespace fastloss {
namespace {

// Results are rounded once to any dtype of floating numbers; those that are none have one dtype.
bool takes(const mutable_array& out, const array_spec& need) {
  return out.type == need.type || (is_floating(out.type) && is_floating(need.type));
}

// Names are made only for messages: a small call has no time for strings.
void check_output(const loss_info& loss, const char* what, const char* of, const mutable_array& out, const array_spec& need) {
  const std::string prefix = std::string(loss.name) + ": ";
  std::string name = loss.arguments.out != nullptr ? loss.arguments.out : what;
  if (loss.arguments.out == nullptr && of != nullptr) name += std::string(" '") + of + "'";
  if (out.absent()) throw value_error(prefix + "no memory for " + name);
  if (!takes(out, need))
    throw type_error(prefix + name + " must have " +
                     (is_floating(need.type) ? "a floating dtype" : std::string("dtype ") + dtype_text(need.type)) + ", got " +
                     dtype_text(out.type));
  if (out.rank != need.rank || !std::equal(need.shape, need.shape + need.rank, out.shape))
    throw value_error(prefix + name + " must have shape " + shape_text(need.rank, need.shape) + ", got " + shape_text(out.rank, out.shape));
  if (may_overlap_itself(view_of(out))) throw value_error(prefix + name + " has elements that share memory with one another");
}

[[noreturn]] void fail_ignored(const loss_call& call, const loss_outputs& outputs) {
  const loss_info& loss = *call.loss;
  const std::string prefix = std::string(loss.name) + ": ";
  const bool reduced = call.call.reduction != reduction::none;
  if (!outputs.value.absent() && !(call.value && !reduced))
    throw value_error(prefix + "out for the value is given, " +
                      (call.value ? "and a reduced value is returned, not written" : "and the value is not asked for"));
  for (std::size_t i = static_cast<std::size_t>(call.gradient_count); i < max_operands; ++i)
    if (!outputs.gradients[i].absent())
      throw value_error(prefix + "out for gradient " + std::to_string(i) + " is given, and gradient_count is " +
                        std::to_string(call.gradient_count));
  if (!outputs.hessian.absent() && !call.hessian)
    throw value_error(prefix + "out for the second derivative is given, and that is not asked for");
  std::size_t e = 0;
  while (outputs.extras[e].absent() || (call.extras >> e & 1u) != 0) ++e;
  throw value_error(prefix + "the array for '" + extra_names[e] + "' is given, and that is not asked for");
}

// Collects the outputs of a call, then holds them against one another and against what the call reads.
class output_checker {
 public:
  explicit output_checker(const loss_info& loss) : loss_(loss) {}

  // Throws unless the output has this shape and dtype. `what` is said in front of the name of operand `of`, where it is not null.
  void add(const mutable_array& out, const array_spec& need, const char* what, const char* of);
  // Throws where two outputs share memory.
  void check_apart() const;
  // Throws where an output overlaps an array that the call reads without being exactly that array; true where one is.
  bool against_inputs(const loss_call&) const;

 private:
  static constexpr int most = max_operands + 2 + row_extra_count;
  const loss_info& loss_;
  const mutable_array* list_[most];
  extent extents_[most];
  int total_ = 0;
};

void output_checker::add(const mutable_array& out, const array_spec& need, const char* what, const char* of) {
  const bool fits = !out.absent() && takes(out, need) && out.rank == need.rank &&
                    std::equal(need.shape, need.shape + need.rank, out.shape) && (out.unshared || !may_overlap_itself(view_of(out)));
  if (!fits) check_output(loss_, what, of, out, need);
  if (out.unshared) return;
  extents_[total_] = extent_of(view_of(out));
  list_[total_++] = &out;
}

void output_checker::check_apart() const {
  for (int i = 0; i < total_; ++i)
    for (int j = 0; j < i; ++j)
      if (may_overlap(view_of(*list_[i]), view_of(*list_[j])))
        throw value_error(std::string(loss_.name) + ": two outputs in out share memory");
}

bool output_checker::against_inputs(const loss_call& call) const {
  if (total_ == 0) return false;
  bool in_place = false;
  const auto against = [&](const const_array& in, const char* name) {
    if (in.absent()) return;
    const extent there = extent_of(in);
    for (int i = 0; i < total_; ++i) {
      if (!extents_[i].meets(there)) continue;
      const const_array out = view_of(*list_[i]);
      if (!may_overlap(out, in)) continue;
      if (!same_view(out, in))
        throw value_error(std::string(loss_.name) + ": out overlaps " + name +
                          "; it must be exactly that array or share no memory with it");
      in_place = true;
    }
  };
  for (std::size_t k = 0; k < loss_.operands.size(); ++k) against(call.operands[k], loss_.operands[k].name);
  against(call.call.sample_weight, "sample_weight");
  against(call.call.where, "where");
  against(call.call.grad_output, "grad_output");
  against(call.vector, loss_.arguments.vector);
  return in_place;
}

}  // namespace

bool check_outputs(const call_plan& plan, const loss_outputs& outputs) {
  const loss_call& call = plan.call();
  const loss_info& loss = plan.loss();
  if (call.statistics != (outputs.statistics != nullptr))
    throw value_error(std::string(loss.name) +
                      (call.statistics ? ": no memory for statistics" : ": statistics are given, and are not asked for"));
  // Nothing would be written to what the call does not ask for.
  if (ignores_outputs(call, outputs)) fail_ignored(call, outputs);
  output_checker checker(loss);
  if (call.value && !plan.reduced()) checker.add(outputs.value, plan.value(), "out for the value", nullptr);
  for (int i = 0; i < call.gradient_count; ++i)
    checker.add(outputs.gradients[static_cast<std::size_t>(i)], plan.gradient(i), "out for the gradient of",
                loss.operands[static_cast<std::size_t>(call.gradient_of[static_cast<std::size_t>(i)])].name);
  if (call.hessian) checker.add(outputs.hessian, plan.hessian(), "out for the second derivative", nullptr);
  for (unsigned e = 0, left = call.extras; left != 0; ++e, left >>= 1)
    if ((left & 1u) != 0) checker.add(outputs.extras[e], plan.extra(static_cast<row_extra>(e)), "the array for", extra_names[e]);
  checker.check_apart();
  return checker.against_inputs(call);
}

}  // namespace fastloss

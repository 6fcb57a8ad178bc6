// What a call of a loss of similarities makes of its operands: its units, and what must fit.
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/similarity/operands.hpp"
#include "engine/similarity/run.hpp"

namespace fastloss {
namespace {

class operand_checker {
 public:
  operand_checker(const loss_call& call, const similarity_operands& of) : call_(call), loss_(*call.loss), of_(of) {}

  void check(std::size_t subcenters) const {
    const const_array& input = at(of_.input);
    if (input.rank != 2) fail(of_.input, "it must have an axis of samples and one of features, (N, D)");
    check_positives();
    if (of_.proxies >= 0) check_proxies(subcenters);
    if (of_.second >= 0 && !same_shape(at(of_.second), 2, input.shape)) fail(of_.second, "it must have the shape of " + input_text());
    if (of_.further >= 0) check_further();
    if (of_.labels >= 0) check_labels(of_.labels, of_.input);
    if (of_.memory >= 0 || of_.memory_labels >= 0) check_memory();
    for (const int k : {of_.number, of_.bias})
      if (k >= 0 && at(k).rank != 0) fail(k, "it must be a number");
  }

 private:
  const const_array& at(int k) const { return call_.operands[static_cast<std::size_t>(k)]; }
  const char* name(int k) const { return loss_.operands[static_cast<std::size_t>(k)].name; }
  std::string text(int k) const { return std::string(name(k)) + ", " + shape_text(at(k).rank, at(k).shape); }
  std::string input_text() const { return text(of_.input); }
  [[noreturn]] void fail(int k, const std::string& need) const { fail_shape(loss_, name(k), at(k), need); }

  // Rows of classes, as many of each; whether class indices are in range is seen where they are read.
  void check_proxies(std::size_t subcenters) const {
    const const_array &input = at(of_.input), &proxies = at(of_.proxies);
    if (proxies.rank != 2 || proxies.shape[1] != input.shape[1])
      fail(of_.proxies,
           "it must have an axis of classes and the " + std::to_string(input.shape[1]) + " features of " + input_text() + ", (C, D)");
    if (static_cast<std::size_t>(proxies.shape[0]) % subcenters != 0)
      fail(of_.proxies, "its first axis must be a multiple of subcenters=" + std::to_string(subcenters));
    check_labels(of_.classes, of_.input);
  }

  // Where both may be left out, one of them is given.
  void check_positives() const {
    if (of_.proxies >= 0 || (of_.second >= 0) != (of_.labels >= 0)) return;
    std::string names;
    for (std::size_t k = 1; k < loss_.operands.size(); ++k)
      if (loss_.operands[k].is(embedding_rows | group_index)) names += (names.empty() ? "" : " or ") + std::string(loss_.operands[k].name);
    fail_value(loss_, "one of " + names + " must be given, to say what a row's positives are, and not both");
  }

  void check_further() const {
    const const_array &input = at(of_.input), &further = at(of_.further);
    const bool of_all = further.rank == 2, of_each = further.rank == 3 && further.shape[0] == input.shape[0];
    if ((of_all || of_each) && further.shape[further.rank - 1] == input.shape[1]) return;
    fail(of_.further, "it must have an axis of negatives and the " + std::to_string(input.shape[1]) + " features of " + input_text() +
                          ", (M, D); or the axes of these behind one of samples, (N, K, D)");
  }

  void check_labels(int labels, int rows) const {
    check_class_index_dtype(loss_, loss_.operands[static_cast<std::size_t>(labels)], at(labels));
    if (same_shape(at(labels), 1, at(rows).shape)) return;
    fail(labels, "it must have a label of each row of " + text(rows) + ", shape " + shape_text(1, at(rows).shape));
  }

  // Where rows have labels, those of the memory have some, too.
  void check_memory() const {
    if (of_.memory < 0) fail_value(loss_, "memory_labels are those of memory, which is not given");
    const const_array &input = at(of_.input), &memory = at(of_.memory);
    if (memory.rank != 2 || memory.shape[1] != input.shape[1])
      fail(of_.memory,
           "it must have an axis of rows and the " + std::to_string(input.shape[1]) + " features of " + input_text() + ", (M, D)");
    if ((of_.labels >= 0) != (of_.memory_labels >= 0))
      fail_value(loss_, of_.labels >= 0 ? "memory_labels must be given with memory, as the rows of input have labels"
                                        : "memory_labels say nothing where the rows of input have no labels");
    if (of_.memory_labels >= 0) check_labels(of_.memory_labels, of_.memory);
  }

  const loss_call& call_;
  const loss_info& loss_;
  const similarity_operands& of_;
};

void check_form(const loss_call& call, const similarity_operands& of, const similarity_form& form) {
  if (form.in_batch || of.proxies >= 0) return;
  if (of.further < 0) fail_value(*call.loss, "in_batch=False leaves no negatives where negative is not given");
  if (form.both_ways) fail_value(*call.loss, "symmetric=True has the other samples as negatives, which in_batch=False takes away");
}

void shape_of_pairs(const loss_call& call, call_shape& shape) {
  const similarity_operands of(call);
  const similarity_form form = similarity_loss_of(*call.loss).form(call.options);
  operand_checker(call, of).check(form.subcenters);
  check_form(call, of, form);
  const const_array& input = call.operands[0];
  const bool two = has_two_units(of, form);
  shape.extents[0] = (two ? 2 : 1) * input.shape[0];
  shape.units = {1, shape.extents.data(), two ? "the rows of both operands" : "the samples"};
  shape.computation = promoted(call, of.embeddings);
  shape.class_axis = 0;
  const double samples = static_cast<double>(input.shape[0]);
  double pairs = form.one_set ? (of.second >= 0 ? 2.0 : 0.5) * samples * samples : form.in_batch ? samples * samples : 0.0;
  if (of.proxies >= 0) pairs = samples * static_cast<double>(call.operands[static_cast<std::size_t>(of.proxies)].shape[0]);
  if (of.further >= 0) {
    const const_array& further = call.operands[static_cast<std::size_t>(of.further)];
    pairs += samples * static_cast<double>(further.shape[further.rank - 2]);
  }
  if (of.memory >= 0)
    pairs += (of.second >= 0 ? 2.0 : 1.0) * samples * static_cast<double>(call.operands[static_cast<std::size_t>(of.memory)].shape[0]);
  shape.work = pairs * static_cast<double>(input.shape[1]);
}

std::ptrdiff_t count_of_samples(const loss_call& call) { return call.operands[0].shape[0]; }

}  // namespace

const engine similarity_engine = {"similarity", similarity_roles, shape_of_pairs, run_similarity, nullptr, count_of_samples};

}  // namespace fastloss

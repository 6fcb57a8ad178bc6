// Calls of every registered loss of regions with what any call may have: weights, masks, incoming gradients, sums over the batch; and
// calls that are refused, with nothing written.
#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/isa.hpp"
#include "regions.hpp"

namespace {

using namespace region_tests;

constexpr std::ptrdiff_t samples = 3, classes = 4, pixels = 21;

// Masked pixels are as good as not there.
void masks_take_pixels_away(const loss_info& loss) {
  for (const std::string& activation : activations_of(loss))
    for (const kind target : kinds_of(loss)) {
      request r{.loss = &loss, .target = target, .activation = activation, .gradients = target == kind::soft ? 3u : 1u};
      r.masked = true;
      const results masked = results_of(r);
      CHECK(finite(masked.values) && finite(masked.gradients));
      const std::size_t size = 3 * 3 * 20;
      for (std::size_t i = 0; i < masked.gradients.size(); ++i)
        if (is_left_out(i % size / 60, i % 20)) CHECK(masked.gradients[i] == 0.0);
      // Another weight for each class, which its denominator has too.
      if (!has_weight(loss)) continue;
      r.weighted = true;
      const results weighted = results_of(r);
      CHECK(finite(weighted.values) && !near(weighted.values[0], masked.values[0], 1e-6));
    }
}

// A call with memory for its outputs, all of which holds `untouched` unless something is written.
struct whole_call {
  static constexpr double untouched = 7.25;
  options_of options;
  numbers input{dtype::float64, {samples, classes, pixels}}, target{dtype::int64, {samples, pixels}};
  numbers gradient{dtype::float64, {samples, classes, pixels}};
  loss_call call{};
  loss_outputs outputs{};

  explicit whole_call(const loss_info& loss) : options(loss) {
    for (std::size_t i = 0; i < input.count(); ++i) {
      input.set(i, 0.125 + static_cast<double>(i * i % 13) / 16);
      gradient.set(i, untouched);
    }
    for (std::size_t i = 0; i < target.count(); ++i) target.set(i, static_cast<double>(i % classes));
    call.loss = &loss;
    call.options = options.data();
    call.operands = {input.input(), target.input()};
    call.call.threads = 1;
    call.gradient_count = 1;
    outputs.gradients[0] = gradient.output();
  }
  whole_call(const whole_call&) = delete;
  whole_call& operator=(const whole_call&) = delete;

  double run() {
    const call_plan plan(call);
    return plan.run(outputs);
  }
  bool is_untouched() const {
    for (std::size_t i = 0; i < gradient.count(); ++i)
      if (gradient.get(i) != untouched) return false;
    return true;
  }
  std::vector<double> gradients() const {
    std::vector<double> all;
    gradient.append_to(all);
    return all;
  }
};

using change = std::function<void(whole_call&)>;

// Whether the call is refused by this kind of error, with all these words, and nothing is written.
template <class Error>
bool is_refused(const loss_info& loss, const change& bad, std::initializer_list<const char*> words) {
  whole_call c(loss);
  bad(c);
  try {
    c.run();
  } catch (const Error& error) {
    const std::string message = error.what();
    bool named = message.rfind(loss.name, 0) == 0;
    for (const char* word : words) named &= message.find(word) != std::string::npos;
    if (!named) std::printf("%s\n", error.what());
    return named && c.is_untouched();
  }
  return false;
}

void bad_calls_are_refused(const loss_info& loss) {
  {
    whole_call c(loss);
    c.run();
    CHECK(!c.is_untouched());
  }
  const numbers other(dtype::float64, {samples, classes, pixels + 1}), short_weight(dtype::float64, {classes - 1}),
      whole_weight(dtype::float64, {classes});
  const numbers floats(dtype::float64, {samples, pixels}), flags(dtype::boolean, {samples, pixels}),
      mask(dtype::boolean, {pixels, samples});
  const auto refused = [&](const change& bad, std::initializer_list<const char*> words) {
    return is_refused<value_error>(loss, bad, words);
  };
  CHECK(refused([&](whole_call& c) { c.call.operands[1] = other.input(); }, {"target has shape (3, 4, 22)", "(3, 4, 21)"}));
  CHECK(refused([&](whole_call& c) { c.call.operands[1] = floats.input(); }, {"target has shape (3, 21)", "integer dtype"}));
  CHECK(is_refused<type_error>(loss, [&](whole_call& c) { c.call.operands[1] = flags.input(); }, {"target", "integer dtype", "bool"}));
  CHECK(refused([&](whole_call& c) { c.call.call.where = mask.input(); }, {"where has shape (21, 3)", "(3, 4, 21)"}));
  CHECK(refused([](whole_call& c) { c.call.call.axis = 3; }, {"axis", "got 3"}));
  CHECK(refused([](whole_call& c) { c.call.call.axis = no_axis; }, {"target has shape (3, 21)"}));
  CHECK(refused([](whole_call& c) { c.call.gradient_of[0] = 1; }, {"wrt names 'target'", "integer"}));
  if (has_weight(loss)) {
    CHECK(refused([&](whole_call& c) { c.call.operands[2] = short_weight.input(); }, {"weight has shape (3,)", "4 classes"}));
    CHECK(refused(
        [&](whole_call& c) {
          c.options.set("merge_classes", 1.0);
          c.call.operands[2] = whole_weight.input();
        },
        {"weight", "merge_classes"}));
  }
  for (const double label : {-1.0, 4.0}) {
    const std::string got = "got " + std::to_string(static_cast<int>(label)) + " at index (2, 5)";
    CHECK(is_refused<index_error>(loss, [&](whole_call& c) { c.target.set(2 * pixels + 5, label); },
                                  {"target must be a class from 0 to 3", got.c_str()}));
  }
  if (has_units(loss)) return;
  // What a sum of two losses has not.
  const numbers of_classes(dtype::boolean, {samples, classes, pixels}), weights(dtype::float64, {samples}),
      cells(dtype::float64, {samples, classes});
  numbers values(dtype::float64, {samples, classes});
  CHECK(refused(
      [&](whole_call& c) {
        c.call.call.reduction = reduction::none;
        c.outputs.value = values.output();
      },
      {"reduction"}));
  CHECK(refused([&](whole_call& c) { c.call.call.where = of_classes.input(); }, {"where has shape (3, 4, 21)"}));
  CHECK(refused([&](whole_call& c) { c.call.call.sample_weight = cells.input(); }, {"sample_weight has shape (3, 4)"}));
  CHECK(refused(
      [&](whole_call& c) {
        c.options.set("batch", 1.0);
        c.call.call.sample_weight = weights.input();
      },
      {"sample_weight", "batch=True"}));
  CHECK(refused([&](whole_call& c) { c.call.call.grad_output = weights.input(); }, {"grad_output"}));
}

// Samples with a weight of 0 are as good as not there; a whole one counts as often as it says; gradients that flow in multiply.
void weights_and_flows_multiply(const loss_info& loss) {
  numbers weight(dtype::float64, {samples}), flow(dtype::float64, {});
  flow.set(0, -2.0);
  for (std::size_t i = 0; i < weight.count(); ++i) weight.set(i, i == 1 ? 0.0 : 1.0);
  whole_call plain(loss), weighted(loss), scaled(loss);
  plain.call.call.reduction = weighted.call.call.reduction = scaled.call.call.reduction = reduction::sum;
  const double sum = plain.run();
  weighted.call.call.sample_weight = weight.input();
  for (std::size_t i = classes * pixels; i < 2 * classes * pixels; ++i) weighted.input.set(i, nan_);
  const double less = weighted.run();
  CHECK(std::isfinite(less) && less < sum);
  scaled.call.call.grad_output = flow.input();
  CHECK(scaled.run() == sum);
  const std::vector<double> all = plain.gradients(), some = weighted.gradients(), twice = scaled.gradients();
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(near(twice[i], -2 * all[i], 1e-14));
    CHECK(near(some[i], i / (classes * pixels) == 1 ? 0.0 : all[i], 1e-14));
  }
  scaled.call.call.accumulate = true;
  scaled.run();
  const std::vector<double> added = scaled.gradients();
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(near(added[i], 2 * twice[i], 1e-14));
}

// One sample of all pixels, with the classes on the first axis, has the sums of the batch.
void a_batch_is_one_large_sample(const loss_info& loss) {
  whole_call batch(loss), one(loss);
  batch.options.set("batch", 1.0);
  numbers input(dtype::float64, {classes, samples, pixels}), gradient(dtype::float64, {classes, samples, pixels});
  for (std::size_t n = 0; n < samples; ++n)
    for (std::size_t c = 0; c < classes; ++c)
      for (std::size_t k = 0; k < pixels; ++k) input.set((c * samples + n) * pixels + k, batch.input.get((n * classes + c) * pixels + k));
  one.call.operands[0] = input.input();
  one.call.call.axis = 0;
  one.outputs.gradients[0] = gradient.output();
  CHECK(near(batch.run(), one.run(), 1e-13));
  for (std::size_t n = 0; n < samples; ++n)
    for (std::size_t c = 0; c < classes; ++c)
      for (std::size_t k = 0; k < pixels; ++k)
        CHECK(near(batch.gradient.get((n * classes + c) * pixels + k), gradient.get((c * samples + n) * pixels + k), 1e-13));
}

// What a mean is the quotient of: of a sum of two losses it is the value, and 1. Nothing is no error.
void statistics_are_those_of_the_mean(const loss_info& loss) {
  whole_call c(loss);
  const double mean = c.run();
  const auto statistics_of = [&](whole_call& of) {
    loss_statistics found{nan_, nan_};
    of.call.statistics = true;
    of.call.gradient_count = 0;
    of.outputs = {};
    of.outputs.statistics = &found;
    of.run();
    return found;
  };
  const loss_statistics all = statistics_of(c);
  CHECK(near(all.sum / all.denominator, mean, 1e-14));
  if (!has_units(loss)) CHECK(all.denominator == 1.0);
  const numbers nowhere(dtype::boolean, {samples, pixels});
  whole_call nothing(loss);
  nothing.call.call.where = nowhere.input();
  CHECK(std::isnan(nothing.run()));
  const loss_statistics none = statistics_of(nothing);
  CHECK(none.sum == 0.0 && none.denominator == 0.0);
  for (const double g : nothing.gradients()) CHECK(g == 0.0);
}

bool measures_distances(const loss_info& loss) { return region_loss_of(loss).form(options_of(loss).data()).distance_power != 0.0; }

}  // namespace

int main() {
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &region_engine) continue;
      const int failed_before = failed_checks;
      masks_take_pixels_away(loss);
      ++found;
      if (!takes_class_indices(loss)) continue;  // as the calls below have them
      bad_calls_are_refused(loss);
      weights_and_flows_multiply(loss);
      if (!measures_distances(loss)) a_batch_is_one_large_sample(loss);  // in which pixels are neighbours that were not
      statistics_are_those_of_the_mean(loss);
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

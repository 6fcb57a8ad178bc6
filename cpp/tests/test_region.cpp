// Every registered loss of regions through the entry point: known values, gradients by finite differences, and that results depend neither
// on the layout, the kind of target, the dtype beyond rounding, the number of threads, nor on what a gradient is written over.
#include "check.hpp"
#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/threads.hpp"
#include "regions.hpp"

namespace {

using namespace region_tests;

double value_of(const char* name, const option_setter& set, const numbers& input, const numbers& target) {
  const loss_info& loss = *find_loss(name);
  options_of options(loss);
  if (set) set(options);
  loss_call call;
  call.loss = &loss;
  call.options = options.data();
  call.operands = {input.input(), target.input()};
  return call_plan(call).run({});
}

numbers filled(dtype type, std::vector<std::ptrdiff_t> shape, std::initializer_list<double> of) {
  numbers all(type, std::move(shape));
  std::size_t i = 0;
  for (const double x : of) all.set(i++, x);
  return all;
}

// Four pixels, of which two are in the region: I = 1.7, P = 2, T = 2.
void known_values() {
  const numbers p = filled(dtype::float64, {4}, {0.9, 0.8, 0.2, 0.1}), t = filled(dtype::int64, {4}, {1, 1, 0, 0});
  CHECK(near(value_of("dice_loss", nullptr, p, t), 0.1499999625, 5e-11));
  CHECK(near(value_of("jaccard_loss", nullptr, p, t), 0.2608694518, 5e-11));
  const auto unequal = [](options_of& o) { o.set("alpha", 0.3), o.set("beta", 0.7); };
  CHECK(near(value_of("tversky_loss", unequal, p, t), 0.1499999250, 5e-11));
  const auto exact = [](options_of& o) { o.set("smooth", 0.0); };
  CHECK(near(value_of("focal_tversky_loss", exact, p, t), std::pow(0.15, 0.75), 1e-14));
  CHECK(near(value_of("soft_fbeta_loss", exact, p, t), 0.15, 1e-14));
  CHECK(near(value_of("mcc_loss", [](options_of& o) { o.set("eps", 0.0); }, p, t), 0.3, 1e-14));
  // Of five pixels the second class has one, the third none: weights 1/16, 1 and 0.
  const numbers rare = filled(dtype::float64, {1, 3, 5}, {0.7, 0.6, 0.5, 0.8, 0.2, 0.2, 0.3, 0.4, 0.1, 0.6, 0.1, 0.1, 0.1, 0.1, 0.2});
  const numbers labels = filled(dtype::uint8, {1, 5}, {0, 0, 0, 0, 1});
  CHECK(near(value_of("generalized_dice_loss", exact, rare, labels), 1 - 1.525 / 3.025, 1e-14));
  CHECK(near(value_of("dice_loss", exact, rare, labels), (3 - 5.2 / 6.8 - 1.2 / 2.6) / 3, 1e-14));
  // Of logits: a softmax of these is p and 1 - p, and the mean of -log(0.9), -log(0.8), -log(0.8) and -log(0.9) is added.
  if (find_loss("dice_ce_loss") == nullptr) return;
  numbers logits(dtype::float64, {1, 2, 4});
  for (std::size_t i = 0; i < 4; ++i) logits.set(i, std::log(p.get(i))), logits.set(4 + i, std::log(1 - p.get(i)));
  const numbers classes = filled(dtype::int64, {1, 4}, {0, 0, 1, 1});
  const double nats = -(std::log(0.9) + std::log(0.8)) / 2, focal = -(0.01 * std::log(0.9) + 0.04 * std::log(0.8)) / 2;
  CHECK(near(value_of("dice_ce_loss", exact, logits, classes), 0.15 + nats, 1e-14));
  CHECK(near(value_of("dice_focal_loss", exact, logits, classes), 0.15 + focal, 1e-14));
}

void gradients_are_those_of_finite_differences(const loss_info& loss) {
  constexpr double step = 1e-6;
  for (const kind target : kinds_of(loss))
    for (const std::string& activation : activations_of(loss))
      for (const option_setter& options : options_to_try(loss)) {
        request r{.loss = &loss, .samples = 2, .pixels = 6, .target = target, .activation = activation, .options = options};
        // The weights of the classes in a generalised index are constants to the gradient in the target.
        const bool both = target == kind::soft && has_weight(loss);
        r.gradients = both ? 3u : 1u;
        const results found = results_of(r);
        CHECK(finite(found.values) && finite(found.gradients));
        r.gradients = 0u;
        const std::size_t size = 2 * 3 * 6;
        for (std::size_t i = 0; i < found.gradients.size(); i += 5) {
          double moved[2];
          for (const std::size_t side : {0, 1}) {
            r.moved_operand = i < size ? 0 : 1;
            r.moved_place = i % size;
            r.moved_by = side == 0 ? -step : step;
            moved[side] = results_of(r).values[0];
          }
          CHECK(std::abs(found.gradients[i] - (moved[1] - moved[0]) / (2 * step)) <= 1e-7);
        }
      }
}

void layouts_change_nothing(const loss_info& loss, dtype type, kind target) {
  const double tolerance = type == dtype::float64 ? 1e-13 : 1e-5;
  for (const std::string& activation : activations_of(loss))
    for (const std::ptrdiff_t classes : {2, 5})
      for (const std::ptrdiff_t pixels : {7, 16, 67}) {
        request r{.loss = &loss, .type = type, .classes = classes, .pixels = pixels, .target = target, .activation = activation};
        r.gradients = target == kind::soft ? 3u : 1u;
        r.masked = pixels == 67;
        r.weighted = has_weight(loss) && pixels != 16;
        const results expected = results_of(r);
        CHECK(finite(expected.values) && finite(expected.gradients));
        for (const layout l : layouts)
          for (const bool in_place : {false, true}) {
            request other = r;
            other.how = l;
            other.in_place = in_place;
            CHECK(alike(results_of(other), expected, tolerance));
            if (l == r.how) CHECK(same_bits(results_of(other), expected));
          }
        request alone = r;
        alone.gradients = 0u;
        CHECK(same_bits(results_of(alone).values, expected.values));
      }
}

// Class indices are one-hot masks, of whatever dtype, and these are numbers.
void targets_of_any_kind(const loss_info& loss) {
  for (const std::string& activation : activations_of(loss))
    for (const bool left_out : {false, true}) {
      request r{.loss = &loss, .pixels = 61, .target = kind::index, .activation = activation};
      r.masked = left_out;
      const results expected = results_of(r);
      for (const dtype integers : {dtype::uint8, dtype::int16, dtype::int64}) {
        r.integers = integers;
        for (const kind target : {kind::index, kind::mask}) {
          r.target = target;
          CHECK(alike(results_of(r), expected, 1e-13));
        }
      }
      r.integers = dtype::boolean;
      CHECK(alike(results_of(r), expected, 1e-13));
      // Pixels that are ignored are as good as masked.
      r.integers = dtype::int64;
      r.target = kind::index;
      r.ignored = left_out;
      r.masked = false;
      CHECK(alike(results_of(r), expected, 1e-13));
    }
}

// Halves are computed in float32, of the numbers that they are.
void narrow_numbers(const loss_info& loss) {
  for (const std::string& activation : activations_of(loss))
    for (const kind target : kinds_of(loss)) {
      request r{.loss = &loss, .pixels = 301, .target = target, .activation = activation, .gradients = target == kind::soft ? 3u : 1u};
      r.reduction = reduction::sum;  // so that the gradients are no subnormal halves
      const results expected = results_of(r);
      r.type = dtype::float32;
      CHECK(alike(results_of(r), expected, 1e-5));
      r.type = dtype::float16;
      CHECK(alike(results_of(r), expected, 2e-2));
    }
}

void threads_change_nothing(const loss_info& loss) {
  struct size {
    std::ptrdiff_t samples, classes, pixels;
  };
  for (const auto& [samples, classes, pixels] : {size{40, 2, 3001}, size{1, 2, 150'001}, size{2, 40, 2001}})
    for (const kind target : {kind::soft, takes_class_indices(loss) ? kind::index : kind::mask})
      for (const std::string& activation : activations_of(loss)) {
        request r{.loss = &loss, .samples = samples, .classes = classes, .pixels = pixels, .target = target, .activation = activation};
        r.type = target == kind::soft ? dtype::float32 : dtype::float64;
        r.masked = samples == 2;
        const results expected = results_of(r);
        for (const int threads : {2, 7}) {
          r.threads = threads;
          CHECK(same_bits(results_of(r), expected));
        }
      }
}

}  // namespace

int main() {
  set_adaptive_teams(false);
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    known_values();
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &region_engine) continue;
      const int failed_before = failed_checks;
      gradients_are_those_of_finite_differences(loss);
      for (const dtype type : {dtype::float32, dtype::float64})
        for (const kind target : kinds_of(loss)) layouts_change_nothing(loss, type, target);
      if (takes_class_indices(loss)) targets_of_any_kind(loss);
      narrow_numbers(loss);
      threads_change_nothing(loss);
      ++found;
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

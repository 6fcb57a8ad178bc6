// From sums over units to the reduced value, and to what flows back from it: denominators, empty cases, rounding.
#pragma once

#include <vector>

#include "fastloss/engine/plan.hpp"

namespace fastloss {

// What the sum of the losses is divided by.
enum class divisor : unsigned char {
  one,           // "sum" and "none"
  first_extent,  // "batchmean": of the units' axes
  given,         // normalizer=number
  count,         // units that count: neither masked nor ignored
  samples,       // their sample weights
  weights,       // those times torch's weights
  terms,         // their sample weights times what the loss says
};
inline divisor choose_divisor(const loss_call& call) {
  const call_options& c = call.call;
  if (c.reduction == reduction::batchmean) return divisor::first_extent;
  if (c.reduction != reduction::mean) return divisor::one;
  switch (c.normalizer) {
    case normalizer::number:
      return divisor::given;
    case normalizer::count:
      return divisor::count;
    case normalizer::weight:
      return divisor::weights;
    case normalizer::automatic:
      break;
  }
  switch (call.loss->mean_over) {
    case denominator::weight:
      return divisor::weights;
    case denominator::term:
      return divisor::terms;
    case denominator::count:
      break;
  }
  return divisor::samples;
}

// Sums over the units that count.
struct unit_sums {
  double count, samples, weights;

  unit_sums& operator+=(const unit_sums& other) {
    count += other.count;
    samples += other.samples;
    weights += other.weights;
    return *this;
  }
};
inline double denominator_of(const call_plan& plan, const unit_sums& sums) {
  switch (choose_divisor(plan.call())) {
    case divisor::first_extent:
      return static_cast<double>(plan.loss().engine->batch == nullptr ? plan.units().shape[0] : plan.loss().engine->batch(plan.call()));
    case divisor::given:
      return plan.call().call.normalizer_value;
    case divisor::count:
      return sums.count;
    case divisor::samples:
      return sums.samples;
    case divisor::weights:
      return sums.weights;
    case divisor::one:
    case divisor::terms:  // a pointwise loss adds these up itself
      break;
  }
  return 1.0;
}

[[noreturn]] void fail_over_nothing(const call_plan&);
// A mean is over nothing: it is NaN, or 0 where the call wants that, and nothing flows back. Throws where the call wants that.
inline bool is_over_nothing(const call_plan& plan, double denominator) {
  if (!plan.reduced() || denominator != 0.0 || plan.call().statistics) return false;
  if (plan.call().call.empty == empty_policy::raise) fail_over_nothing(plan);
  return true;
}
double value_over_nothing(const call_plan&);

// The part of grad_output that is one number for all units; 1 where it is not given.
double scalar_flow(const loss_call&);

// A number of each unit, of an array that is aligned to their leading axes; ones where it is not given. For engines with few units.
std::vector<double> numbers_of_units(const call_plan&, const const_array&);

// a * b, and 0 where a is 0: a weight of nothing.
inline double times(double a, double b) { return a == 0.0 ? 0.0 : a * b; }

// The value as it is returned, in the precision of the computation. Throws where it is not finite and the call wants that.
double finished_value(const call_plan&, double value);
// The same of a call that asks for statistics, which it writes.
double finished_statistics(const call_plan&, const loss_outputs&, const loss_statistics&);
// Throws where a result was found not to be finite.
void check_finite(const call_plan&, bool nonfinite);

}  // namespace fastloss

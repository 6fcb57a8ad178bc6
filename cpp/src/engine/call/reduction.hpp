// From sums over units to the reduced value, and to what flows back from it: denominators, empty cases, rounding.
#pragma once

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
divisor choose_divisor(const loss_call&);

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
double denominator_of(const call_plan&, const unit_sums&);
// A mean is over nothing: it is NaN, or 0 where the call wants that, and nothing flows back. Throws where the call wants that.
bool is_over_nothing(const call_plan&, double denominator);
double value_over_nothing(const call_plan&);

// The part of grad_output that is one number for all units; 1 where it is not given.
double scalar_flow(const loss_call&);

// The value as it is returned, in the precision of the computation. Throws where it is not finite and the call wants that.
double finished_value(const call_plan&, double value);
// Throws where a result was found not to be finite.
void check_finite(const call_plan&, bool nonfinite);

}  // namespace fastloss

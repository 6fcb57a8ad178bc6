// Makes the kernels of a loss of keypoints from its formula. A tile is one row of keypoints to most of a kernel, whatever number of them
// belongs to an instance: packs hold keypoints of neighbouring instances. What an instance has for all of its keypoints is spread over
// them before, and their terms are added up after.
#pragma once

#include <cstddef>

#include "fastloss/engine/keypoint_kernels.hpp"
#include "fastloss/simd/lanes.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace kernel {

// Unnamed, so that every kernel is private to its object: two objects with kernels of one loss may be compiled with different flags.
namespace {

template <class L, class S, bool Gradients>
class keypoint_loop {
 public:
  // Flattened: as the loop over elements is.
  [[gnu::flatten]] static void run(const void* options, const keypoint_tile& t) {
    const L loss = *static_cast<const L*>(options);
    spread_scales(loss.eps, t);
    if (t.visible != nullptr) divide_weights(t);
    if (Gradients && t.factor != nullptr) multiply_shares(t);
    compute(loss, t);
    if (sum_terms(t) && Gradients) spread_nan(t);
  }

 private:
  using P = native_pack<S>;
  static constexpr std::size_t w = P::width;
  static constexpr std::size_t packs_at_once = 64;  // that many are added in the dtype of the computation, and their sums in double

  FASTLOSS_FN static const S* in(const void* array) { return static_cast<const S*>(array); }
  FASTLOSS_FN static S* out(void* array) { return static_cast<S*>(array); }

  // Of a row, from the first instance on: what is stored behind the end of one is overwritten by the next.
  template <class At>
  FASTLOSS_FN static void spread(S* row, std::size_t keypoints, const At& at) {
    for (std::size_t k = 0; k < keypoints; k += w) at(k).store(row + k);
  }

  FASTLOSS_FN static double row_sum(const S* row, std::size_t keypoints) {
    const P lanes = lane_numbers<P>();
    double total = 0.0;
    for (std::size_t k = 0; k < keypoints;) {
      const std::size_t left = keypoints - k, some = left < packs_at_once * w ? left : packs_at_once * w, end = k + some;
      P sum(0);
      for (; k + w <= end; k += w) sum += P::load(row + k);
      if (k < end) sum += select(lanes < P(static_cast<S>(end - k)), P::load(row + k), P(0));
      k = end;
      total += static_cast<double>(sum_of_lanes(sum));
    }
    return total;
  }

  // 1 / (2 sigma sqrt(2 (area + eps))): what a distance is multiplied with. Its square would leave the range of the dtype sooner.
  FASTLOSS_FN static void spread_scales(double eps, const keypoint_tile& t) {
    S* const of_instances = out(t.of_instances);
    for (std::size_t i = 0; i < t.instances; i += w) {
      const P area = P::load(in(t.areas) + i);
      select(area >= P(0), P(1) / sqrt(area + P(eps)), P(__builtin_nan(""))).store(of_instances + i);
    }
    for (std::size_t i = 0; i < t.instances; ++i) {
      const P of_instance(of_instances[i]);
      spread(out(t.scales) + i * t.keypoints, t.keypoints, [&](std::size_t k) { return of_instance * P::load(in(t.inverse_widths) + k); });
    }
  }

  // From weights to each keypoint's share in the loss of its instance: exactly 0 where it is not to be seen, and NaN where a weight is
  // below 0 or their sum is beyond the dtype.
  FASTLOSS_FN static void divide_weights(const keypoint_tile& t) {
    const P nan(__builtin_nan(""));
    for (std::size_t i = 0; i < t.instances; ++i) {
      const S* const row = in(t.visible) + i * t.keypoints;
      const P sum(static_cast<S>(row_sum(row, t.keypoints))), total = select(sum < P(__builtin_inf()), sum, nan);
      spread(out(t.shares) + i * t.keypoints, t.keypoints, [&](std::size_t k) {
        const P weight = P::load(row + k);
        return select(weight > P(0), weight / total, select(weight == P(0), P(0), nan));
      });
    }
  }

  // Shares in the gradient: those in the loss, or equal ones, times the factor of the instance.
  FASTLOSS_FN static void multiply_shares(const keypoint_tile& t) {
    const P equal = P(1) / P(static_cast<S>(t.keypoints));
    for (std::size_t i = 0; i < t.instances; ++i) {
      const P factor(in(t.factor)[i]);
      const auto silent = factor == P(0);
      spread(out(t.gradient_shares) + i * t.keypoints, t.keypoints, [&](std::size_t k) {
        const P share = t.visible == nullptr ? equal : P::load(in(t.shares) + i * t.keypoints + k);
        return select((share == P(0)) | silent, P(0), share * factor);
      });
    }
  }

  // Null: equal ones, and no factors.
  FASTLOSS_FN static const S* gradient_shares(const keypoint_tile& t) {
    return in(t.factor != nullptr ? t.gradient_shares : t.visible != nullptr ? t.shares : nullptr);
  }

  FASTLOSS_FN static void compute(const L& loss, const keypoint_tile& t) {
    const S *const input = in(t.points[0]), *const target = in(t.points[1]), *const scales = in(t.scales);
    const S *const loss_shares = t.visible != nullptr ? in(t.shares) : nullptr, *const shares = gradient_shares(t);
    S *const terms = out(t.terms), *const in_input = out(t.gradients[0]), *const in_target = out(t.gradients[1]);
    const std::size_t all = t.instances * t.keypoints;
    const bool streams = t.streams;
    const P by(shares != nullptr ? t.scale : t.scale / static_cast<double>(t.keypoints));
    for (std::size_t j = 0; j < all; j += w) {
      const auto difference = [&](std::size_t i) { return P::load(input + i) - P::load(target + i); };
      const auto distance = unzipped(difference(2 * j), difference(2 * j + w));
      const P scale = P::load(scales + j), x = distance.first * scale, y = distance.second * scale, e = x * x + y * y;
      const auto result = [&] {
        if constexpr (Gradients) return loss.value(dual<P, one_t>(e, one_t{}));
        else return loss.value(e);
      }();
      const P term = value_of<P>(result);
      if (loss_shares == nullptr) {
        term.store(terms + j);
      } else {
        const P share = P::load(loss_shares + j);
        select(share == P(0), P(0), share * term).store(terms + j);
      }
      if constexpr (Gradients) {
        const P slope = as_slope(result), twice = scale + scale;
        const P share = shares == nullptr ? by : P::load(shares + j);
        // One factor after the other: their product may leave the range of the dtype where the result does not. Where the slope is 0, a
        // distance may be infinite.
        const auto along = [&](P distance_along) {
          const P g = select(slope == P(0), P(0), (distance_along * twice) * slope);
          return shares == nullptr ? g * by : select(share == P(0), P(0), (g * share) * by);
        };
        const auto g = zipped(along(x), along(y));
        const auto store = [&](P a, S* to) {
          if (streams) a.stream(to);
          else a.store(to);
        };
        if (in_input != nullptr) {
          store(g.first, in_input + 2 * j);
          store(g.second, in_input + 2 * j + w);
        }
        if (in_target != nullptr) {
          store(-g.first, in_target + 2 * j);
          store(-g.second, in_target + 2 * j + w);
        }
      }
    }
  }

  template <class R>
  FASTLOSS_FN static P as_slope(const R& result) {
    return detail::as_pack<P>(detail::innermost(detail::tangent_at<1>(result)));
  }

  // The mean over the visible keypoints of each instance, 0 where there is none. Whether some means are missing.
  FASTLOSS_FN static bool sum_terms(const keypoint_tile& t) {
    S* const value = out(t.value);
    const double count = t.visible != nullptr ? 1.0 : static_cast<double>(t.keypoints);
    bool missing = false;
    for (std::size_t i = 0; i < t.instances; ++i) {
      value[i] = static_cast<S>(row_sum(in(t.terms) + i * t.keypoints, t.keypoints) / count);
      missing |= value[i] != value[i];
    }
    return missing;
  }

  // A number that is missing is missed by all that is visible of its instance.
  [[gnu::noinline]] static void spread_nan(const keypoint_tile& t) {
    const S nan = static_cast<S>(__builtin_nan(""));
    const S* const shares = gradient_shares(t);
    for (std::size_t i = 0; i < t.instances; ++i) {
      if (in(t.value)[i] == in(t.value)[i]) continue;
      for (std::size_t j = i * t.keypoints; j < (i + 1) * t.keypoints; ++j) {
        if (shares != nullptr && shares[j] == 0) continue;
        for (void* const gradient : t.gradients)
          if (gradient != nullptr) out(gradient)[2 * j] = out(gradient)[2 * j + 1] = nan;
      }
    }
  }
};

}  // namespace

template <class L, class S>
constexpr keypoint_kernels_of_dtype make_keypoint_kernels() {
  return {keypoint_loop<L, S, false>::run, keypoint_loop<L, S, true>::run};
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

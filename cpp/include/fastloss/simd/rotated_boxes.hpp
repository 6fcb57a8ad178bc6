// A pair of rotated boxes (x, y, w, h, angle): what their losses are functions of, and the way back from derivatives in these to
// derivatives in the numbers of a box. A width or height below eps counts as eps, with derivative 0.
//
// Boxes are Gaussians here, whose matrices never appear: in the axes of one box its covariance is diagonal, and that of the other is a sum
// of squares weighted by those of the sine and cosine between the two. Whatever is small where boxes are alike is written as a square of
// differences, which a determinant is not. Of two descriptions of the target, a quarter of a turn apart, the pair has the one in which
// both boxes are wide or both are high: sums of terms that are not negative then tell how much they differ, at any angle.
#pragma once

#include <type_traits>

#include "fastloss/simd/partials.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/records.hpp"
#include "fastloss/simd/robust.hpp"
#include "fastloss/simd/trig.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

namespace detail {

// What is as large as this counts as this, with derivative 0: its derivatives have no place in a float32.
inline constexpr double most_divergence = 1e18;

template <class X>
FASTLOSS_FN auto bounded_divergence(X x) {
  return select(innermost(x) >= most_divergence, most_divergence, x);
}

}  // namespace detail

// `InInput`, `InTarget`: whether what depends on that box has derivatives.
template <class P, bool InInput, bool InTarget>
class rotated_pair {
 public:
  FASTLOSS_FN rotated_pair(const record_packs<P, 5>& a, const record_packs<P, 5>& b, double eps)
      : given_{a.of[2], a.of[3], b.of[2], b.of[3]},
        eps_(eps),
        w_(detail::max(P(eps), a.of[2])),  // NaN stays NaN
        h_(detail::max(P(eps), a.of[3])),
        crossed_(is_crossed(w_ - h_, b.of[2], b.of[3], eps)),
        tw_(detail::max(P(eps), select(crossed_, b.of[3], b.of[2]))),
        th_(detail::max(P(eps), select(crossed_, b.of[2], b.of[3]))) {
    const auto of_input = sincos(a.of[4]), turn = sincos_of_difference(b.of[4], a.of[4]);
    sine_ = of_input.sine;
    cosine_ = of_input.cosine;
    turn_sine_ = select(crossed_, turn.cosine, turn.sine);
    turn_cosine_ = select(crossed_, -turn.sine, turn.cosine);
    const P dx = a.of[0] - b.of[0], dy = a.of[1] - b.of[1];
    along_ = dx * cosine_ + dy * sine_;
    across_ = dy * cosine_ - dx * sine_;
    target_along_ = along_ * turn_cosine_ + across_ * turn_sine_;
    target_across_ = across_ * turn_cosine_ - along_ * turn_sine_;
  }

  // From the target's centre to the input's, along the widths and heights of either box.
  FASTLOSS_FN auto along() const { return variables::template of_both<0>(along_); }
  FASTLOSS_FN auto across() const { return variables::template of_both<1>(across_); }
  FASTLOSS_FN auto target_along() const { return variables::template of_both<2>(target_along_); }
  FASTLOSS_FN auto target_across() const { return variables::template of_both<3>(target_across_); }
  FASTLOSS_FN auto width() const { return variables::template of_input<4>(w_); }
  FASTLOSS_FN auto height() const { return variables::template of_input<5>(h_); }
  FASTLOSS_FN auto target_width() const { return variables::template of_target<6>(tw_); }
  FASTLOSS_FN auto target_height() const { return variables::template of_target<7>(th_); }
  // The squares of the sine and the cosine between the two.
  FASTLOSS_FN auto sine2() const { return variables::template of_both<8>(turn_sine_ * turn_sine_); }
  FASTLOSS_FN auto cosine2() const {
    const P value = turn_cosine_ * turn_cosine_;
    if constexpr (InInput || InTarget) return detail::make_dual(value, -detail::tangent_at<1>(sine2()));
    else return value;
  }

  // (w^2 - h^2) (tw^2 - th^2) over the product of both areas: what turns against each other cost, times sine2(). Not negative.
  template <class A, class B>
  FASTLOSS_FN auto elongation(A inverse_area, B inverse_target_area) const {
    const auto w = width(), h = height(), tw = target_width(), th = target_height();
    const auto x = (((w - h) * inverse_area) * (w + h)) * (((tw - th) * inverse_target_area) * (tw + th));
    // Nor infinite: sine2() may be 0. It is no number where a square meets a box of no width, whose divergence has no bound anyway.
    return select(detail::innermost(x) < 1e30, x, 1e30);
  }

  // Not so are pairs with a NaN or with an angle that is not finite, and those whose sides and distance have no squares in the dtype.
  FASTLOSS_FN auto present() const {
    const P all = ((w_ * w_ + h_ * h_) + (tw_ * tw_ + th_ * th_)) + (target_along_ * target_along_ + target_across_ * target_across_);
    return all - all == P(0);
  }

  // From the derivatives of a loss in the above to those in the numbers of the input's box, or of the target's.
  template <bool OfTarget, class T>
  FASTLOSS_FN record_packs<P, 5> gradient(const T& result) const {
    const auto d = [&]<int K>(std::integral_constant<int, K>) { return detail::partial_at<K>(result.tangent); };
    const auto along = d(std::integral_constant<int, 0>{}), across = d(std::integral_constant<int, 1>{});
    const auto target_along = d(std::integral_constant<int, 2>{}), target_across = d(std::integral_constant<int, 3>{});
    const auto u = along + (target_along * turn_cosine_ - target_across * turn_sine_);
    const auto v = across + (target_along * turn_sine_ + target_across * turn_cosine_);
    const P x = value_of<P>(u * cosine_ - v * sine_), y = value_of<P>(u * sine_ + v * cosine_);
    const auto turned = d(std::integral_constant<int, 8>{}) * (2.0 * (turn_sine_ * turn_cosine_));
    constexpr int first = OfTarget ? 6 : 4;
    P width = value_of<P>(d(std::integral_constant<int, first>{})), height = value_of<P>(d(std::integral_constant<int, first + 1>{}));
    if constexpr (OfTarget) {
      const P other = select(crossed_, height, width);
      height = select(crossed_, width, height);
      width = other;
    }
    width = select(given_[first - 4] >= P(eps_), width, P(0));
    height = select(given_[first - 3] >= P(eps_), height, P(0));
    P angle;
    if constexpr (OfTarget) angle = value_of<P>((target_along * target_across_ - target_across * target_along_) + turned);
    else angle = value_of<P>((along * across_ - across * along_) - turned);
    // Of boxes as thin as eps, or as far as a dtype goes, derivatives may have no place in it: as where divergences are bounded.
    const auto in_range = [](P d1) { return select(d1 - d1 == P(0), d1, P(0)); };
    return {{in_range(OfTarget ? -x : x), in_range(OfTarget ? -y : y), in_range(width), in_range(height), in_range(angle)}};
  }

 private:
  using variables = variables_of_pair<9, InInput, InTarget>;

  FASTLOSS_FN static auto is_crossed(P longer, P target_width, P target_height, double eps) {
    const P target_longer = detail::max(P(eps), target_width) - detail::max(P(eps), target_height);
    return ((longer > P(0)) & (target_longer < P(0))) | ((longer < P(0)) & (target_longer > P(0)));
  }

  // Of b - a, with what rounding takes from the difference: a thin box feels every digit of it.
  FASTLOSS_FN static detail::sine_and_cosine<P> sincos_of_difference(P b, P a) {
    const P difference = b - a, less = difference - b;
    const P rest = (b - (difference - less)) - (a + less);
    const auto of = sincos(difference);
    // Of numbers this small the sine is the number itself, and the cosine 1. Many turns leave more.
    const auto large = abs(rest) > P(std::is_same_v<typename P::scalar, float> ? 0x1p-14 : 0x1p-28);
    P sine = rest, cosine = 1;
    if (any(large)) {
      const auto of_rest = sincos(rest);
      sine = select(large, of_rest.sine, sine);
      cosine = select(large, of_rest.cosine, cosine);
    }
    return {of.sine * cosine + of.cosine * sine, of.cosine * cosine - of.sine * sine};
  }

  P given_[4];  // width and height of the input's box, then of the target's
  double eps_;
  P w_, h_;
  mask<typename P::scalar, P::width> crossed_;  // the target's box is described a quarter of a turn further
  P tw_, th_;
  P sine_, cosine_, turn_sine_, turn_cosine_;  // of the input's angle, and of that from it to the target's
  P along_, across_, target_along_, target_across_;
};

namespace detail {

// x - log(1 + x) of numbers from -1/2 to 1, by its quotient with x^2 at x, or at that which 1 / (1 + x) is above 1.
template <class P>
FASTLOSS_FN P excess_over_log1p(P x) {
  const P inverse = P(1) / (P(1) + x), other = -x * inverse;
  const auto positive = x >= P(0);
  const P z = select(positive, x, other), series = (z * z) * log1p_remainder(z);
  return select(positive, series, x * (x * inverse) - series);
}

}  // namespace detail

// (r^2 - 1) / 2 - log(r) of r = a / b, for positive numbers.
template <class A, class B>
FASTLOSS_FN auto ratio_divergence(A a, B b) {
  if constexpr (is_dual<A> || is_dual<B>) {
    const auto a0 = detail::innermost(a), b0 = detail::innermost(b);
    // r - 1 / r, and dr = r (da / a - db / b)
    const auto by = ((a0 - b0) / b0) * ((a0 + b0) / b0);
    return detail::make_dual(ratio_divergence(a0, b0),
                             by * (detail::tangent_at<1>(a) * (1.0 / a0) - detail::tangent_at<1>(b) * (1.0 / b0)));
  } else {
    const auto x = (a - b) / b, r = a / b;
    return select((r > 0.5) & (r < 2.0), 0.5 * (x * x) + detail::excess_over_log1p(x), 0.5 * ((r - 1.0) * (r + 1.0)) - log(r));
  }
}

// The square root, with derivative 0 at 0.
template <class X>
FASTLOSS_FN auto root_of_square(X x) {
  if constexpr (is_dual<X>) {
    const auto root = sqrt(x.value);
    return detail::make_dual(root, x.tangent * select(root == 0, zero_t{}, 0.5 / root));
  } else {
    return sqrt(x);
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

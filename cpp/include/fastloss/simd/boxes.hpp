// A pair of boxes: what its losses are functions of, and the way back from derivatives in these to derivatives in the corners. Rules for
// degenerate boxes are here and nowhere else:
//
//   a width or height below 0 counts as 0, with derivative 0; at 0 it has the derivative 1 of x2 - x1, so that a point can grow
//   where two coordinates are equal, their minimum and maximum belong to the input's box
//   boxes that do not overlap, or that touch, have an intersection of 0 with derivative 0
//   centres are at most twice as far apart, squared, as the corners of what encloses both; more counts as that, with derivative 0
//
// Losses are differentiated in areas and extents, not in corners: there are three or four that matter to each, where every intermediate
// result depends on four or eight corners. What comes of these goes back to the corners in some twenty operations, whatever the loss.
#pragma once

#include <limits>

#include "fastloss/simd/partials.hpp"
#include "fastloss/simd/power_of_magnitude.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/records.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// a / b, with one division for the value and all derivatives.
template <class A, class B>
FASTLOSS_FN auto ratio(A a, B b) {
  if constexpr (is_dual<A> || is_dual<B>) {
    constexpr int n = detail::common_depth<A, B>;
    const auto inverse = 1.0 / detail::value_at<n>(b);
    const auto quotient = detail::value_at<n>(a) * inverse;
    return detail::make_dual(quotient, (detail::tangent_at<n>(a) - quotient * detail::tangent_at<n>(b)) * inverse);
  } else {
    return a * (1.0 / b);
  }
}

// x^p of numbers that are not negative, for p >= 1. Apart from |x|, x itself has the derivative 1 at 0, too.
template <class X>
FASTLOSS_FN auto power(X x, double p) {
  return choose(
      p == 3, [&] { return x * (x * x); },
      [&] {
        return choose(
            p == 4, [&] { return square(square(x)); },
            [&] { return choose(p == 1, [&] { return 1.0 * x; }, [&] { return power_of_magnitude(x, p); }); });
      });
}

// The larger of two numbers; where they are equal, and where the first is NaN, the first.
template <class A, class B>
FASTLOSS_FN auto larger(A a, B b) {
  return select(detail::innermost(b) > detail::innermost(a), b, a);
}
template <class A, class B>
FASTLOSS_FN auto smaller(A a, B b) {
  return select(detail::innermost(b) < detail::innermost(a), b, a);
}

namespace detail {

// A box's angle: between its diagonal and the vertical, atan2(w, h) of numbers that are not negative; 0 where both are 0. Unlike that of
// atan(w / h), its derivative (h dw - w dh) / (w^2 + h^2) stays finite at h = 0.
template <class W, class H>
FASTLOSS_FN auto angle_tangent(W w, H h, double eps) {
  if constexpr (is_dual<W> || is_dual<H>) {
    const auto x = innermost(w), y = innermost(h);
    return (y * tangent_at<1>(w) - x * tangent_at<1>(h)) * (1.0 / ((x * x + y * y) + eps));
  } else {
    return zero_t{};
  }
}

// The angle of a box less that of another, of both at once: with one division, and exactly 0 where the two are equal. It is 0 also where
// products of extents vanish.
template <class P>
FASTLOSS_FN P angle_difference(P w, P h, P from_w, P from_h) {
  const P y = select(w + h == P(0), P(1), h), from_y = select(from_w + from_h == P(0), P(1), from_h);
  const P across = w * from_y - from_w * y, along = y * from_y + w * from_w;
  return copysign(atan_of_ratio(abs(across), max(P(std::numeric_limits<typename P::scalar>::min()), along)), across);
}

// One axis of a pair: input's interval and target's.
template <class P>
struct axis_of_pair {
  P a1, a2, b1, b2;
  P span_a, span_b, common, hull;  // as they are: negative where an interval is inverted, or where the two are apart

  FASTLOSS_FN axis_of_pair(P x1, P x2, P t1, P t2)
      : a1(x1),
        a2(x2),
        b1(t1),
        b2(t2),
        span_a(x2 - x1),
        span_b(t2 - t1),
        common(min(x2, t2) - max(x1, t1)),
        hull(max(x2, t2) - min(x1, t1)) {}

  // NaN stays NaN.
  FASTLOSS_FN static P extent(P span) { return max(P(0), span); }
  // Of numbers that are near each other: their differences are exact where their sums would be rounded.
  FASTLOSS_FN P centre_distance() const { return ((a1 - b1) + (a2 - b2)) * P(0.5); }
};

}  // namespace detail

// `InInput`, `InTarget`: whether what depends on that box has derivatives.
template <class P, bool InInput, bool InTarget>
class box_pair {
 public:
  FASTLOSS_FN box_pair(const record_packs<P>& a, const record_packs<P>& b)
      : x_(a.of[0], a.of[2], b.of[0], b.of[2]),
        y_(a.of[1], a.of[3], b.of[1], b.of[3]),
        overlap_(detail::min(x_.common, y_.common) > P(0)),
        w_(x_.extent(x_.span_a)),
        h_(y_.extent(y_.span_a)),
        tw_(x_.extent(x_.span_b)),
        th_(y_.extent(y_.span_b)),
        cw_(x_.extent(x_.hull)),
        ch_(y_.extent(y_.hull)) {}

  FASTLOSS_FN auto intersection() const { return variables::template of_both<0>(select(overlap_, x_.common * y_.common, P(0))); }
  FASTLOSS_FN auto input_area() const { return variables::template of_input<1>(w_ * h_); }
  FASTLOSS_FN auto target_area() const { return variables::template of_target<2>(tw_ * th_); }
  FASTLOSS_FN auto enclosing_area() const { return variables::template of_both<3>(cw_ * ch_); }
  FASTLOSS_FN auto width() const { return variables::template of_input<4>(w_); }
  FASTLOSS_FN auto height() const { return variables::template of_input<5>(h_); }
  FASTLOSS_FN auto target_width() const { return variables::template of_target<6>(tw_); }
  FASTLOSS_FN auto target_height() const { return variables::template of_target<7>(th_); }
  FASTLOSS_FN auto enclosing_width() const { return variables::template of_both<8>(cw_); }
  FASTLOSS_FN auto enclosing_height() const { return variables::template of_both<9>(ch_); }
  // From the target's centre to the input's.
  FASTLOSS_FN auto centre_dx() const { return variables::template of_both<10>(x_.centre_distance()); }
  FASTLOSS_FN auto centre_dy() const { return variables::template of_both<11>(y_.centre_distance()); }
  FASTLOSS_FN auto squared_corner_distances() const {
    return variables::template of_both<12>((square(x_.a1 - x_.b1) + square(y_.a1 - y_.b1)) +
                                           (square(x_.a2 - x_.b2) + square(y_.a2 - y_.b2)));
  }

  FASTLOSS_FN auto union_area() const { return (input_area() + target_area()) - intersection(); }
  FASTLOSS_FN auto iou(double eps) const { return ratio(intersection(), union_area() + eps); }
  // The share of the enclosing box that neither box covers, q = (C - U) / (C + eps). Its derivative in C, (1 - q) / (C + eps), is formed
  // of U: between boxes that are small and far apart, 1 - q has no digits.
  FASTLOSS_FN auto uncovered(double eps) const {
    const auto enclosing = enclosing_area(), united = union_area();
    const P c = detail::innermost(enclosing), u = detail::innermost(united);
    const P inverse = 1.0 / (c + eps), q = (c - u) * inverse;
    if constexpr (InInput || InTarget) {
      const P covered = (u + eps) * inverse;
      return detail::make_dual(q, (covered * detail::tangent_at<1>(enclosing) - detail::tangent_at<1>(united)) * inverse);
    } else {
      return q;
    }
  }
  FASTLOSS_FN auto squared_centre_distance() const { return square(centre_dx()) + square(centre_dy()); }
  FASTLOSS_FN auto squared_enclosing_diagonal() const { return square(enclosing_width()) + square(enclosing_height()); }
  // At most 1, and some ulp, unless boxes are inverted. Where both are, what encloses them may be nothing: such a distance would be
  // millions, and to some power infinite.
  template <class Squared>
  FASTLOSS_FN auto relative_centre_distance(Squared diagonal, double eps) const {
    const auto r = ratio(squared_centre_distance(), diagonal + eps);
    return select(detail::innermost(r) > most_relative_distance, most_relative_distance, r);
  }
  FASTLOSS_FN auto relative_centre_distance(double eps) const { return relative_centre_distance(squared_enclosing_diagonal(), eps); }
  // CIoU's v: 4 / pi^2 times the square of the difference of the two boxes' angles.
  FASTLOSS_FN auto aspect_mismatch(double eps) const {
    const auto w = width(), h = height(), tw = target_width(), th = target_height();
    const P angle = detail::angle_difference(tw_, th_, w_, h_);
    if constexpr (InInput || InTarget) {
      const auto tangent = detail::angle_tangent(tw, th, eps) - detail::angle_tangent(w, h, eps);
      return 0.40528473456935108578 * square(detail::make_dual(angle, tangent));
    } else {
      return 0.40528473456935108578 * square(angle);
    }
  }

  // Not so are pairs with a NaN. Those with an area that is not finite count as such, too: nothing could be said of their overlap.
  FASTLOSS_FN auto present() const {
    const P area = w_ * h_ + tw_ * th_;
    return area - area == P(0);
  }

  // From the derivatives of a loss in the above to those in the corners of the input's box, or of the target's.
  template <bool OfTarget, class T>
  FASTLOSS_FN record_packs<P> gradient(const T& result) const {
    const auto d = [&]<int K>(std::integral_constant<int, K>) { return detail::partial_at<K>(result.tangent); };
    const auto in_intersection = d(std::integral_constant<int, 0>{}), in_enclosing = d(std::integral_constant<int, 3>{});
    const auto in_area = d(std::integral_constant<int, OfTarget ? 2 : 1>{});
    const auto corner = d(std::integral_constant<int, 12>{});
    P g[4];
    const auto along = [&](const detail::axis_of_pair<P>& axis, P across, P across_enclosing, P across_common, auto in_extent, auto in_hull,
                           auto in_centre, P& first, P& second) {
      const auto common = select(overlap_, in_intersection * across_common, zero_t{});
      const auto hull = select(axis.hull >= P(0), in_hull + in_enclosing * across_enclosing, zero_t{});
      const auto extent = select((OfTarget ? axis.span_b : axis.span_a) >= P(0), in_extent + in_area * across, zero_t{});
      const auto centre = 0.5 * in_centre;
      const auto from_corner = [&](P a, P b) {
        if constexpr (is_zero<decltype(corner)>) return zero_t{};
        else return (OfTarget ? b - a : a - b) * (2.0 * corner);
      };
      const auto from_centre = [&] {
        if constexpr (OfTarget) return -centre;
        else return centre;
      }();
      // What an edge adds where it is that of the intersection, and of the hull. (AVX-512 adds under a mask: nothing is blended.)
      const auto at_edge = [&](auto inner, auto outer) {
        const auto with = [](auto m, auto x, auto y) {
          if constexpr (is_zero<decltype(y)>) return x;
          else return select(m, x + y, x);
        };
        if constexpr (OfTarget) return with(!outer, with(!inner, extent, common), hull);
        else return with(outer, with(inner, extent, common), hull);
      };
      first = value_of<P>((from_centre - at_edge(axis.a1 >= axis.b1, axis.a1 <= axis.b1)) + from_corner(axis.a1, axis.b1));
      second = value_of<P>((from_centre + at_edge(axis.a2 <= axis.b2, axis.a2 >= axis.b2)) + from_corner(axis.a2, axis.b2));
    };
    along(x_, OfTarget ? th_ : h_, ch_, y_.common, d(std::integral_constant<int, OfTarget ? 6 : 4>{}), d(std::integral_constant<int, 8>{}),
          d(std::integral_constant<int, 10>{}), g[0], g[2]);
    along(y_, OfTarget ? tw_ : w_, cw_, x_.common, d(std::integral_constant<int, OfTarget ? 7 : 5>{}), d(std::integral_constant<int, 9>{}),
          d(std::integral_constant<int, 11>{}), g[1], g[3]);
    return {{g[0], g[1], g[2], g[3]}};
  }

 private:
  using variables = variables_of_pair<13, InInput, InTarget>;
  static constexpr double most_relative_distance = 2.0;

  detail::axis_of_pair<P> x_, y_;
  mask<typename P::scalar, P::width> overlap_;
  P w_, h_, tw_, th_, cw_, ch_;
};

// CIoU's weight of the aspect mismatch: a constant in the derivative.
template <class I, class V>
FASTLOSS_FN auto aspect_weight(I iou, V mismatch, double eps) {
  const auto v = detach(mismatch);
  return v * (1.0 / ((1.0 - detach(iou)) + v + eps));
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

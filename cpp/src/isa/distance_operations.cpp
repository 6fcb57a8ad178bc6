// Distances along neighbouring lines of pixels, and errors that are weighted by powers of them, for one instruction set.
#include <limits>

#include "fastloss/simd/pack.hpp"
#include "fastloss/simd/pow.hpp"
#include "isa/parts.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// Up to how many steps for a pixel, on average and for each lane of a pack, this is faster than finding lower envelopes.
constexpr std::size_t steps_for_lane = 8;
constexpr std::size_t rows_apart = 16;                  // those that are tried first
constexpr std::size_t steps_at_once = distance_margin;  // between two looks at whether more are needed

// The kinds of pixels, and how far each is from the other kind over the axes measured before: 0 where it is of that kind.
template <class S>
struct line_parts {
  using P = native_pack<S>;
  static constexpr std::size_t row = distance_row_bytes / sizeof(S);
  static constexpr std::size_t margin = distance_margin * row;

  S* to_inside;   // of pixels outside
  S* to_outside;  // of pixels inside
  S* ways;        // squares of ways along the line
  std::size_t count;

  line_parts(const S* squares, std::size_t n, S step, void* memory) : count(n) {
    constexpr S none = std::numeric_limits<S>::infinity();
    S* const first = static_cast<S*>(memory);
    to_inside = first + margin;
    to_outside = to_inside + n * row + 2 * margin;
    ways = to_outside + n * row + margin;
    for (S* const part : {to_inside, to_outside})
      for (std::size_t i = 0; i < margin; ++i) part[n * row + i] = *(part - margin + i) = none;
    for (std::size_t i = 0; i < n * row; i += P::width) {
      const P x = P::load(squares + i);
      detail::max(x, P(0)).store(to_inside + i);
      detail::max(-x, P(0)).store(to_outside + i);
    }
    for (std::size_t d = 0; d < n + distance_margin; ++d) ways[d] = step * (static_cast<S>(d) * static_cast<S>(d));
  }

  // For a pack of row `at`, the least that pixels along the line give. Takes from `steps` what it needs; 0 where they do not suffice.
  FASTLOSS_FN P nearest(const S* part, std::size_t at, std::size_t& steps) const {
    const std::size_t before = at, behind = count - 1 - at;
    const std::size_t shorter = before < behind ? before : behind, longer = before < behind ? behind : before;
    P least = P::load(part);
    std::size_t d = 1;
    for (; d <= shorter; d += steps_at_once) {
      if (!any(least > P(ways[d]))) return least;
      if (!take(steps)) return least;
      for (std::size_t k = d; k < d + steps_at_once; ++k) {
        const P way(ways[k]);
        least = detail::min(P::load(part - k * row) + way, least);
        least = detail::min(P::load(part + k * row) + way, least);
      }
    }
    const std::ptrdiff_t onward = before < behind ? static_cast<std::ptrdiff_t>(row) : -static_cast<std::ptrdiff_t>(row);
    for (; d <= longer; d += steps_at_once) {
      if (!any(least > P(ways[d]))) return least;
      if (!take(steps)) return least;
      for (std::size_t k = d; k < d + steps_at_once; ++k)
        least = detail::min(P::load(part + static_cast<std::ptrdiff_t>(k) * onward) + P(ways[k]), least);
    }
    return least;
  }

  static FASTLOSS_FN bool take(std::size_t& steps) {
    const bool enough = steps > steps_at_once;
    steps = enough ? steps - steps_at_once : 0;
    return enough;
  }
};

template <class S>
FASTLOSS_FN bool all_equal(const S* numbers, std::size_t count) {
  using P = native_pack<S>;
  const P first(numbers[0]);
  for (std::size_t i = 0; i < count; i += P::width)
    if (any(P::load(numbers + i) != first)) return false;
  return true;
}

template <class S>
bool measure_near(const void* squares, void* out, std::size_t count, double step, void* memory) {
  using P = native_pack<S>;
  constexpr std::size_t row = line_parts<S>::row;
  const S* const from = static_cast<const S*>(squares);
  if (all_equal(from, count * row)) {  // as in the masks of classes that an image does not have
    __builtin_memcpy(out, from, count * distance_row_bytes);
    return true;
  }
  const line_parts<S> parts(from, count, static_cast<S>(step), memory);
  // A few rows show whether it pays.
  for (const std::size_t stride : {rows_apart, std::size_t{1}})
    for (std::size_t lane = 0; lane < row; lane += P::width) {
      std::size_t steps = steps_for_lane * P::width * (stride == 1 ? 2 * count : count / stride + 1);
      for (std::size_t i = 0; i < count && steps > 0; i += stride) {
        const std::size_t at = i * row + lane;
        const P square = P::load(from + at), zero(0);
        const auto inside = square<zero, outside = square> zero;
        P result = zero;
        if (any(outside)) result = parts.nearest(parts.to_inside + at, i, steps);
        if (any(inside)) result = select(inside, -parts.nearest(parts.to_outside + at, i, steps), result);
        result.store(static_cast<S*>(out) + at);
      }
      if (steps == 0) return false;
    }
  return true;
}

template <class S>
void above_half(void* out, const void* x, const void* mask, std::size_t count) {
  using P = native_pack<S>;
  for (std::size_t i = 0; i < count; i += P::width) {
    P found = select(P::load(static_cast<const S*>(x) + i) > P(0.5), P(1), P(0));
    if (mask != nullptr) found = select(P::load(static_cast<const S*>(mask) + i) != P(0), found, P(0));
    found.store(static_cast<S*>(out) + i);
  }
}

template <class S>
void add_power(void* sum, const void* distance, double unit, double exponent, std::size_t count) {
  using P = native_pack<S>;
  S* const to = static_cast<S*>(sum);
  const S* const from = static_cast<const S*>(distance);
  const P e(static_cast<S>(exponent)), scale(static_cast<S>(unit));
  const auto power = [&](P distances) {
    const P d = scale * distances;
    return exponent == 2.0 ? d * d : select(d == P(0), P(0), pow(abs(d), e));
  };
  std::size_t i = 0;
  for (; i + P::width <= count; i += P::width) (P::load(to + i) + power(P::load(from + i))).store(to + i);
  if (i == count) return;
  S last[P::width] = {}, sums[P::width] = {};
  __builtin_memcpy(last, from + i, (count - i) * sizeof(S));
  __builtin_memcpy(sums, to + i, (count - i) * sizeof(S));
  (P::load(sums) + power(P::load(last))).store(sums);
  __builtin_memcpy(to + i, sums, (count - i) * sizeof(S));
}

// 0 without an error, whatever its weight is.
template <class P>
FASTLOSS_FN P weighted(P weight, P error) {
  return select(error == P(0), P(0), weight * error);
}

// In double: a few pixels that are far off may be most of the sum.
template <class S>
void add_squares(const void* input, const void* target, const void* weight, const void* mask, std::size_t count, double* sum) {
  using P = native_pack<S>;
  for (std::size_t i = 0; i < count; i += P::width) {
    const P difference = P::load(static_cast<const S*>(input) + i) - P::load(static_cast<const S*>(target) + i);
    P term = weighted(weighted(P::load(static_cast<const S*>(weight) + i), difference), difference);
    if (mask != nullptr) term = select(P::load(static_cast<const S*>(mask) + i) != P(0), term, P(0));
    for (int lane = 0; lane < P::width; ++lane) *sum += static_cast<double>(term.v[lane]);
  }
}

template <class S>
void square_slope(void* out, const void* input, const void* target, const void* weight, const void* mask, double scale, std::size_t count) {
  using P = native_pack<S>;
  const P factor(static_cast<S>(scale));
  for (std::size_t i = 0; i < count; i += P::width) {
    const P difference = P::load(static_cast<const S*>(input) + i) - P::load(static_cast<const S*>(target) + i);
    P slope = weighted(factor, weighted(P::load(static_cast<const S*>(weight) + i), difference));
    if (mask != nullptr) slope = select(P::load(static_cast<const S*>(mask) + i) != P(0), slope, P(0));
    slope.store(static_cast<S*>(out) + i);
  }
}

template <class S>
constexpr distance_operations operations() {
  return {measure_near<S>, above_half<S>, add_power<S>, add_squares<S>, square_slope<S>};
}

}  // namespace
}  // namespace FASTLOSS_ISA

constexpr distance_operations_of_dtypes FASTLOSS_DISTANCE_OPERATIONS = {{operations<float>(), operations<double>()}};

}  // namespace fastloss

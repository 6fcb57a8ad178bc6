// Packs, tags, duals, partials, records and primitives: values and derivatives at every edge, second derivatives, and what folds at compile
// time. Compiled once for each instruction set that the machine can run. Prints every failure and returns their number.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <type_traits>

#include "fastloss/simd/boxes.hpp"
#include "fastloss/simd/lanes.hpp"
#include "fastloss/simd/primitives.hpp"

using namespace fastloss;

static int failures = 0;
static const char* section = "";

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_ = std::numeric_limits<double>::quiet_NaN();

// ---- what folds at compile time -----------------------------------------------------------------------------------------

using P1 = pack<double, 1>;
template <class A, class B>
constexpr bool same = std::is_same_v<A, B>;

static_assert(same<decltype(zero_t{} + one_t{}), one_t>);
static_assert(same<decltype(one_t{} - one_t{}), zero_t>);
static_assert(same<decltype(one_t{} + one_t{}), double>);
static_assert(one_t{} + one_t{} == 2.0 && -one_t{} == -1.0 && 3.0 - one_t{} == 2.0);
static_assert(same<decltype(one_t{} * P1(2)), P1>);
static_assert(same<decltype(zero_t{} * P1(2)), zero_t>);
static_assert(same<decltype(P1(2) / one_t{}), P1>);
static_assert(same<decltype(P1(2) - one_t{}), P1>);
static_assert(same<decltype(variable<1>(P1(2))), dual<P1, one_t>>);
static_assert(same<decltype(variable<2>(P1(2))), dual<dual<P1, one_t>, one_t>>);
static_assert(same<decltype(variable<1>(P1(2)) - P1(1)), dual<P1, one_t>>);
static_assert(same<decltype(1 - variable<1>(P1(2))), dual<P1, double>>);
static_assert(same<decltype(one_t{} * variable<1>(P1(2))), dual<P1, one_t>>);
static_assert(same<decltype(variable<1>(P1(2)) - variable<1>(P1(1))), dual<P1, zero_t>>);
static_assert(same<decltype(exp(dual<P1, zero_t>(P1(2), zero_t{}))), dual<P1, zero_t>>);
static_assert(same<decltype(mul0(one_t{}, P1(2))), P1>);
static_assert(same<decltype(mul0(zero_t{}, P1(2))), zero_t>);
static_assert(same<decltype(detach(variable<2>(P1(2)))), P1>);
static_assert(same<decltype(select(P1(1) > P1(0), one_t{}, one_t{})), one_t>);
static_assert(depth<decltype(variable<2>(P1(2)) * P1(3))> == 2);
static_assert(same<decltype(variable_of<1, 3>(P1(2))), dual<P1, partials<zero_t, one_t, zero_t>>>);
static_assert(same<decltype(variable_of<0, 2>(P1(2)) * variable_of<1, 2>(P1(3))), dual<P1, partials<P1, P1>>>);
static_assert(same<decltype(variable_of<0, 2>(P1(2)) * P1(3)), dual<P1, partials<P1, zero_t>>>);
static_assert(same<decltype(variable_of<0, 2>(P1(2)) - variable_of<0, 2>(P1(1))), dual<P1, partials<zero_t, zero_t>>>);
static_assert(native_pack<float>::width == 2 * native_pack<double>::width);

// ---- comparing ------------------------------------------------------------------------------------------------------------

// Equal within `ulps` units of the reference; NaN equals NaN, and zeros and infinities must match exactly.
template <class S>
static bool close(double got, double want, double ulps) {
  if (std::isnan(want)) return std::isnan(got);
  const S target = static_cast<S>(want);
  if (std::isinf(target) || want == 0) return got == static_cast<double>(target);
  const double spacing = std::fmax(std::ldexp(std::fabs(want), -(std::numeric_limits<S>::digits - 1)),
                                   static_cast<double>(std::numeric_limits<S>::denorm_min()));
  return std::fabs(got - want) <= ulps * spacing;
}

template <class S>
static void check(const char* what, double x, double got, double want, double ulps) {
  if (close<S>(got, want, ulps)) return;
  ++failures;
  std::printf("%s %s %s, x = %.17g: got %.17g, want %.17g\n", FASTLOSS_ISA_NAME, section, what, x, got, want);
}

struct expected {
  double x, value, first, second;
};

// Value, first and second derivative of f at every point, in every lane of a pack of either width, and the same through a
// dual of one level only.
template <class P, class F>
static void check_pack(F f, const expected& e, double ulps) {
  using S = typename P::scalar;
  S lanes[3][P::width];
  const P x(e.x);
  const auto twice = f(variable<2>(x));
  value_of<P>(twice).store(lanes[0]);
  first_derivative<P>(twice).store(lanes[1]);
  second_derivative<P>(twice).store(lanes[2]);
  for (int i = 0; i < P::width; ++i) {
    check<S>("value", e.x, lanes[0][i], e.value, ulps);
    check<S>("first derivative", e.x, lanes[1][i], e.first, ulps);
    check<S>("second derivative", e.x, lanes[2][i], e.second, 2 * ulps);
  }
  const auto once = f(variable<1>(x));
  value_of<P>(once).store(lanes[0]);
  first_derivative<P>(once).store(lanes[1]);
  value_of<P>(f(x)).store(lanes[2]);
  check<S>("value of one level", e.x, lanes[0][0], e.value, ulps);
  check<S>("derivative of one level", e.x, lanes[1][0], e.first, ulps);
  check<S>("value of a plain pack", e.x, lanes[2][0], e.value, ulps);
}

template <class F, int N>
static void check_function(const char* name, F f, const expected (&table)[N], double ulps = 4) {
  section = name;
  for (const expected& e : table) {
    check_pack<pack<double, 1>>(f, e, ulps);
    check_pack<native_pack<double>>(f, e, ulps);
    check_pack<pack<float, 1>>(f, e, ulps);
    check_pack<native_pack<float>>(f, e, ulps);
  }
}

// ---- kinks ----------------------------------------------------------------------------------------------------------------

static void kinks() {
  check_function(
      "abs", [](auto x) { return abs(x); },
      {{-2, 2, -1, 0}, {-0.0, 0, 0, 0}, {0, 0, 0, 0}, {3, 3, 1, 0}, {inf, inf, 1, 0}, {-inf, inf, -1, 0}, {nan_, nan_, nan_, 0}});
  check_function("hinge_max0", [](auto x) { return hinge_max0(x); },
                 {{-2, 0, 0, 0}, {-0.0, 0, 1, 0}, {0, 0, 1, 0}, {3, 3, 1, 0}, {inf, inf, 1, 0}, {-inf, 0, 0, 0}, {nan_, nan_, 1, 0}});
  check_function("strict_max0", [](auto x) { return strict_max0(x); },
                 {{-2, 0, 0, 0}, {-0.0, 0, 0, 0}, {0, 0, 0, 0}, {3, 3, 1, 0}, {inf, inf, 1, 0}, {-inf, 0, 0, 0}, {nan_, nan_, 1, 0}});
  check_function("clamp_min", [](auto x) { return clamp_min(x, 0.5); },
                 {{-2, 0.5, 1, 0}, {0.5, 0.5, 1, 0}, {3, 3, 1, 0}, {-inf, 0.5, 1, 0}, {nan_, nan_, 1, 0}});
  check_function("detach", [](auto x) { return detach(x) * x; }, {{3, 9, 3, 0}, {-0.0, 0, 0, 0}, {-2, 4, -2, 0}});
  check_function("select", [](auto x) { return select(x <= 1.0, 0.5 * x * x, x - 0.5); },
                 {{-2, 2, -2, 1}, {0, 0, 0, 1}, {1, 0.5, 1, 1}, {2, 1.5, 1, 0}, {inf, inf, 1, 0}});
  check_function("select between a constant and a formula", [](auto x) { return select(x > 0, 1 / x, 7); },
                 {{-2, 7, 0, 0}, {0, 7, 0, 0}, {4, 0.25, -0.0625, 0.03125}});
  check_function("choose, the first", [](auto x) { return choose(true, [&] { return x * x; }, [] { return 7; }); },
                 {{-2, 4, -4, 2}, {3, 9, 6, 2}});
  check_function("choose, the second", [](auto x) { return choose(false, [&] { return x * x; }, [&] { return x; }); },
                 {{-2, -2, 1, 0}, {3, 3, 1, 0}});
  check_function("sqrt of a square", [](auto x) { return sqrt(x * x); }, {{-2, 2, -1, 0}, {-0.0, 0, 0, 0}, {0, 0, 0, 0}, {3, 3, 1, 0}});
  check_function("sqrt", [](auto x) { return sqrt(x); },
                 {{4, 2, 0.25, -0.03125}, {0, 0, inf, -inf}, {inf, inf, 0, 0}, {-1, nan_, nan_, nan_}});
}

// ---- products with what may be 0 --------------------------------------------------------------------------------------------

static void zero_products() {
  check_function("mul0 by 0", [](auto x) { return mul0(0.0, log(x)); }, {{0, 0, 0, 0}, {-1, 0, 0, 0}, {2, 0, 0, 0}, {nan_, 0, 0, 0}});
  check_function("mul0 by a number", [](auto x) { return mul0(3.0, x * x); }, {{2, 12, 12, 6}, {0, 0, 0, 6}, {-inf, inf, -inf, 6}});
  check_function("mul0 of the variable", [](auto x) { return mul0(x, 5.0); }, {{2, 10, 5, 0}, {0, 0, 5, 0}, {-0.0, 0, 5, 0}});
  check_function("mul0 with a constant infinity", [](auto x) { return mul0(x, decltype(detach(x))(inf)); },
                 {{2, inf, inf, 0}, {0, 0, inf, 0}});
  check_function("mul0 with a square", [](auto x) { return mul0(x * x, decltype(detach(x))(inf)); }, {{0, 0, 0, inf}, {1, inf, inf, inf}});
  check_function("one_t as an operand", [](auto x) { return mul0(one_t{} * x, one_t{}) - one_t{}; }, {{2, 1, 1, 0}, {0, -1, 1, 0}});
  check_function("xlogy", [](auto x) { return xlogy(x, x); },
                 {{0, 0, -inf, inf}, {1, 0, 1, 1}, {2, 2 * std::log(2.0), std::log(2.0) + 1, 0.5}});
  check_function("xlogy in y", [](auto y) { return xlogy(2.0, y); },
                 {{1, 0, 2, -2}, {4, 4 * std::log(2.0), 0.5, -0.125}, {0, -inf, inf, -inf}});
  check_function("xlogy of 0", [](auto y) { return xlogy(0.0, y); }, {{0, 0, 0, 0}, {inf, 0, 0, 0}, {-1, 0, 0, 0}});
}

// ---- smooth functions ---------------------------------------------------------------------------------------------------------

static void smooth() {
  const double e1 = std::exp(1.0), ln2 = std::log(2.0), s1 = 1 / (1 + std::exp(-1.0)), c1 = 1 / (1 + e1);
  check_function("square", [](auto x) { return square(x); }, {{-3, 9, -6, 2}, {0, 0, 0, 2}, {inf, inf, inf, 2}});
  check_function("quotient", [](auto x) { return (x + 1) / x; }, {{2, 1.5, -0.25, 0.25}, {-1, 0, -1, -2}, {inf, nan_, nan_, nan_}});
  check_function("exp", [](auto x) { return exp(x); },
                 {{0, 1, 1, 1}, {1, e1, e1, e1}, {-inf, 0, 0, 0}, {inf, inf, inf, inf}, {nan_, nan_, nan_, nan_}});
  check_function("expm1", [](auto x) { return expm1(x); },
                 {{0, 0, 1, 1}, {1, std::expm1(1.0), e1, e1}, {-inf, -1, 0, 0}, {inf, inf, inf, inf}});
  check_function("log", [](auto x) { return log(x); },
                 {{1, 0, 1, -1}, {4, 2 * ln2, 0.25, -0.0625}, {0, -inf, inf, -inf}, {inf, inf, 0, 0}});
  check_function("log1p", [](auto x) { return log1p(x); },
                 {{0, 0, 1, -1}, {-0.0, 0, 1, -1}, {1, ln2, 0.5, -0.25}, {-1, -inf, inf, -inf}, {inf, inf, 0, 0}});
  check_function("softplus", [](auto x) { return softplus2(x).positive; },
                 {{0, ln2, 0.5, 0.25},
                  {-0.0, ln2, 0.5, 0.25},
                  {1, 1 + std::log1p(1 / e1), s1, s1 * c1},
                  {-1, std::log1p(1 / e1), c1, s1 * c1},
                  {inf, inf, 1, 0},
                  {-inf, 0, 0, 0},
                  {nan_, nan_, nan_, nan_}});
  check_function("softplus of -x", [](auto x) { return softplus2(x).negative; },
                 {{0, ln2, -0.5, 0.25},
                  {-0.0, ln2, -0.5, 0.25},
                  {-1, 1 + std::log1p(1 / e1), -s1, s1 * c1},
                  {inf, 0, 0, 0},
                  {-inf, inf, -1, 0},
                  {nan_, nan_, nan_, nan_}});
  check_function(
      "sigmoid", [](auto x) { return sigmoid(x); },
      {{0, 0.5, 0.25, 0},
       {1, s1, s1 * c1, s1 * c1 * (c1 - s1)},
       {-1, c1, s1 * c1, s1 * c1 * (s1 - c1)},
       {inf, 1, 0, 0},
       {-inf, 0, 0, 0},
       {nan_, nan_, nan_, nan_}},
      6);
  const double t1 = std::tanh(1.0), h1 = 1 - t1 * t1;
  check_function(
      "tanh", [](auto x) { return tanh(x); },
      {{0, 0, 1, 0}, {1, t1, h1, -2 * t1 * h1}, {-1, -t1, h1, 2 * t1 * h1}, {inf, 1, 0, 0}, {-inf, -1, 0, 0}, {nan_, nan_, nan_, nan_}}, 8);
  check_function(
      "log_cosh", [](auto x) { return log_cosh(x); },
      {{0, 0, 0, 1},
       {1, std::log(std::cosh(1.0)), t1, h1},
       {-1, std::log(std::cosh(1.0)), -t1, h1},
       {inf, inf, 1, 0},
       {-inf, inf, -1, 0},
       {nan_, nan_, nan_, nan_}},
      6);
  check_function("sqrt1pm1", [](auto x) { return sqrt1pm1(x); },
                 {{0, 0, 0.5, -0.25}, {3, 1, 0.25, -0.03125}, {-1, -1, inf, -inf}, {inf, inf, 0, 0}, {-2, nan_, nan_, nan_}});
  check_function(
      "hypot", [](auto x) { return hypot(x, 4.0); },
      {{3, 5, 0.6, 16.0 / 125}, {0, 4, 0, 0.25}, {-3, 5, -0.6, 16.0 / 125}, {inf, inf, 1, 0}, {-inf, inf, -1, 0}, {nan_, nan_, nan_, nan_}},
      6);
  check_function("hypot at the origin", [](auto x) { return hypot(x, x); }, {{0, 0, 0, 0}, {-0.0, 0, 0, 0}});
  check_function("pow", [](auto x) { return pow(x, 3.0); }, {{2, 8, 12, 12}, {-2, -8, 12, -12}, {0, 0, 0, 0}, {inf, inf, inf, inf}});
  check_function("pow in the exponent", [](auto p) { return pow(2.0, p); },
                 {{0, 1, ln2, ln2 * ln2}, {3, 8, 8 * ln2, 8 * ln2 * ln2}, {-inf, 0, 0, 0}});
  check_function("pow of 0", [](auto x) { return pow(x, 0.0); }, {{0, 1, 0, 0}, {2, 1, 0, 0}});
  check_function("atan", [](auto x) { return atan(x); },
                 {{0, 0, 1, 0},
                  {1, std::atan(1.0), 0.5, -0.5},
                  {-2, std::atan(-2.0), 0.2, 0.16},
                  {inf, std::atan(inf), 0, 0},
                  {-inf, std::atan(-inf), 0, 0},
                  {nan_, nan_, nan_, nan_}});
  const double g1 = 2 / std::sqrt(std::acos(-1.0)) / e1;
  check_function("erf", [](auto x) { return erf(x); },
                 {{0, 0, 2 / std::sqrt(std::acos(-1.0)), 0},
                  {1, std::erf(1.0), g1, -2 * g1},
                  {-1, -std::erf(1.0), g1, 2 * g1},
                  {inf, 1, 0, 0},
                  {-inf, -1, 0, 0},
                  {nan_, nan_, nan_, nan_}});
  const double euler = 0.57721566490153286061, zeta2 = 1.64493406684822643647;
  check_function(
      "lgamma", [](auto x) { return lgamma(x); },
      {{1, 0, -euler, zeta2},
       {2, 0, 1 - euler, zeta2 - 1},
       {0.5, 0.57236494292470008707, -1.96351002602142347944, 3 * zeta2},
       {inf, inf, inf, 0},
       {nan_, nan_, nan_, nan_}},
      8);
  check_function("lgamma_ratio in x", [](auto x) { return lgamma_ratio(x, 1.0); }, {{1, 0, 1, -1}, {4, 2 * ln2, 0.25, -0.0625}}, 16);
  check_function(
      "lgamma_ratio in n", [](auto n) { return lgamma_ratio(1.0, n); }, {{1, 0, 1 - euler, zeta2 - 1}, {2, ln2, 1.5 - euler, zeta2 - 1.25}},
      16);
}

// ---- packs themselves -------------------------------------------------------------------------------------------------------

template <class S>
static void packs() {
  section = "pack";
  using P = native_pack<S>;
  S in[P::width + 1], out[P::width + 1];
  for (int i = 0; i <= P::width; ++i) in[i] = static_cast<S>(i + 1);
  P::load(in + 1).store(out + 1);
  for (int i = 1; i <= P::width; ++i) check<S>("unaligned load and store", i, out[i], in[i], 0);
  const P x = P::load(in);
  select(x > 2, x, 0).store(out);
  for (int i = 0; i < P::width; ++i) check<S>("select", i, out[i], in[i] > 2 ? in[i] : 0, 0);
  fma(x, x, 1).store(out);
  for (int i = 0; i < P::width; ++i) check<S>("fma", i, out[i], in[i] * in[i] + 1, 0);
  copysign(x, P(-0.0)).store(out);
  for (int i = 0; i < P::width; ++i) check<S>("copysign", i, out[i], -in[i], 0);
  sqrt(x * x).store(out);
  for (int i = 0; i < P::width; ++i) check<S>("sqrt", i, out[i], in[i], 0);
  check<S>("any of one lane", 0, any(x == P::width), 1, 0);
  check<S>("any of none", 0, any(x > P::width), 0, 0);
  check<S>("any of the complement", 0, any(!(x > 0)), 0, 0);
  check<S>("unordered", 0, any(unordered(x, x)), 0, 0);
  in[P::width - 1] = std::numeric_limits<S>::quiet_NaN();
  check<S>("unordered with NaN", 0, any(unordered(x, P::load(in))) && any(is_nan(P::load(in))), 1, 0);
  P(-0.0).store(out);
  check<S>("broadcast of -0.0", 0, std::signbit(out[0]), 1, 0);
#if defined(__FMA__)
  const S third = S(1) / 3;
  fma(P(third), P(3), P(-1)).store(out);
  check<S>("fma rounds once", 0, out[0], std::fma(third, S(3), S(-1)), 0);
#endif
}

// ---- derivatives in several variables ---------------------------------------------------------------------------------------

// A function of x and y, of three variables: its value, and its derivatives in these two and in the one that it does not depend on.
template <class P, class F>
static void check_partials(const char* name, F f, double x, double y, double value, double in_x, double in_y) {
  section = name;
  using S = typename P::scalar;
  const auto result = f(variable_of<0, 3>(P(x)), variable_of<2, 3>(P(y)));
  S lanes[4][P::width];
  value_of<P>(result).store(lanes[0]);
  value_of<P>(detail::partial_at<0>(result.tangent)).store(lanes[1]);
  value_of<P>(detail::partial_at<1>(result.tangent)).store(lanes[2]);
  value_of<P>(detail::partial_at<2>(result.tangent)).store(lanes[3]);
  for (int i = 0; i < P::width; ++i) {
    check<S>("value", x, lanes[0][i], value, 2);
    check<S>("derivative in x", x, lanes[1][i], in_x, 2);
    check<S>("derivative in neither", x, lanes[2][i], 0, 0);
    check<S>("derivative in y", x, lanes[3][i], in_y, 2);
  }
}

template <class P>
static void several_variables() {
  check_partials<P>("x + 2 y", [](auto x, auto y) { return x + 2.0 * y; }, 3, 5, 13, 1, 2);
  check_partials<P>("1 - x", [](auto x, auto) { return 1.0 - x; }, 3, 5, -2, -1, 0);
  check_partials<P>("x - y, x a constant", [](auto x, auto y) { return detach(x) - y; }, 3, 5, -2, 0, -1);
  check_partials<P>("product", [](auto x, auto y) { return x * y; }, 3, 5, 15, 5, 3);
  check_partials<P>("square of a product", [](auto x, auto y) { return square(x * y); }, 3, 5, 225, 150, 90);
  check_partials<P>("quotient", [](auto x, auto y) { return x / y; }, 3, 4, 0.75, 0.25, -0.1875);
  check_partials<P>("ratio", [](auto x, auto y) { return ratio(x, y); }, 3, 4, 0.75, 0.25, -0.1875);
  check_partials<P>("ratio of a variable and itself", [](auto x, auto) { return ratio(x, x + 1.0); }, 3, 5, 0.75, 0.0625, 0);
  check_partials<P>("ratio of a number", [](auto, auto y) { return ratio(P(3), y); }, 3, 4, 0.75, 0, -0.1875);
  check_partials<P>("ratio by a number", [](auto x, auto) { return ratio(x, P(4)); }, 3, 5, 0.75, 0.25, 0);
  check_partials<P>("select, the first", [](auto x, auto y) { return select(detail::innermost(x) < 4.0, x * y, y); }, 3, 5, 15, 5, 3);
  check_partials<P>("select, the second", [](auto x, auto y) { return select(detail::innermost(x) > 4.0, x * y, y); }, 3, 5, 5, 0, 1);
  check_partials<P>("select of a number", [](auto x, auto y) { return select(detail::innermost(x) < 4.0, 7.0, x * y); }, 3, 5, 7, 0, 0);
  check_partials<P>("choose", [](auto x, auto y) { return choose(false, [&] { return x; }, [&] { return x * y; }); }, 3, 5, 15, 5, 3);
  check_partials<P>("larger of two equals", [](auto x, auto y) { return larger(x, y); }, 3, 3, 3, 1, 0);
  check_partials<P>("smaller", [](auto x, auto y) { return smaller(x, y); }, 5, 3, 3, 0, 1);
  check_partials<P>("power", [](auto x, auto y) { return power(x * y, 3.0); }, 2, 3, 216, 324, 216);
}

// ---- records ----------------------------------------------------------------------------------------------------------------

// Records of N numbers: number k of record i is 10 i + k.
template <class S, int N>
static void records() {
  section = "records";
  using P = native_pack<S>;
  constexpr int w = P::width;
  S memory[N * w + 1], back[N * w + 1], index[w], order[w], lanes[N][w];
  for (int i = 0; i < w; ++i) {
    index[i] = static_cast<S>(i);
    for (int k = 0; k < N; ++k) memory[N * i + k + 1] = static_cast<S>(10 * i + k);
  }
  const record_packs<P, N> r = load_records<P, N>(memory + 1);  // aligned to a number
  for (int k = 0; k < N; ++k) r.of[k].store(lanes[k]);
  in_record_lanes<N>(P::load(index)).store(order);
  for (int lane = 0; lane < w; ++lane)
    for (int k = 0; k < N; ++k) check<S>("the number of the record of a lane", k, lanes[k][lane], 10 * order[lane] + k, 0);
  for (int k = 0; k < N; ++k) {
    in_record_order<N>(r.of[k]).store(order);
    for (int i = 0; i < w; ++i) check<S>("numbers in the order of records", i, order[i], 10 * i + k, 0);
  }
  in_record_order<N>(in_record_lanes<N>(P::load(index))).store(order);
  for (int i = 0; i < w; ++i) check<S>("lanes and back", i, order[i], i, 0);
  back[0] = -1;
  store_records(r, back + 1, storing::cached);
  check<S>("nothing before the records", 0, back[0], -1, 0);
  for (int i = 0; i < N * w; ++i) check<S>("load and store", i, back[i + 1], memory[i + 1], 0);
  alignas(64) S streamed[N * w];
  for (const storing how : {storing::streamed, storing::streamed_aligned}) {
    std::fill_n(streamed, N * w, S(0));
    store_records(r, streamed, how);
    for (int i = 0; i < N * w; ++i) check<S>("load and stream", i, streamed[i], memory[i + 1], 0);
  }
}

template <class S>
static void lanes_of_packs() {
  using P = native_pack<S>;
  constexpr int w = P::width;
  S memory[2 * w], first[w], second[w], back[2 * w];
  for (int i = 0; i < 2 * w; ++i) memory[i] = static_cast<S>(i);
  const auto apart = unzipped(P::load(memory), P::load(memory + w));
  apart.first.store(first);
  apart.second.store(second);
  for (int i = 0; i < w; ++i) {
    check<S>("numbers at even places", i, first[i], 2 * i, 0);
    check<S>("numbers at odd places", i, second[i], 2 * i + 1, 0);
  }
  const auto together = zipped(apart.first, apart.second);
  together.first.store(back);
  together.second.store(back + w);
  for (int i = 0; i < 2 * w; ++i) check<S>("apart and together", i, back[i], memory[i], 0);
  check<S>("sum of lanes", w, sum_of_lanes(P::load(memory)), w * (w - 1) / 2, 0);
  lane_numbers<P>().store(back);
  for (int i = 0; i < w; ++i) check<S>("number of a lane", i, back[i], i, 0);
}

int main() {
  packs<float>();
  packs<double>();
  several_variables<native_pack<float>>();
  several_variables<native_pack<double>>();
  records<float, 4>();
  records<float, 5>();
  records<double, 4>();
  records<double, 5>();
  lanes_of_packs<float>();
  lanes_of_packs<double>();
  kinks();
  zero_products();
  smooth();
  std::printf("%s: %d failures\n", FASTLOSS_ISA_NAME, failures);
  return failures != 0;
}

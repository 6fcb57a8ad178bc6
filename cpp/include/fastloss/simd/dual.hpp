// dual<T, D>: a value and its tangent, for derivatives of a formula that is written once.
//
// The tangent's type carries what is known at compile time. The variable itself has the tangent one_t; a tangent that
// is zero has the type zero_t and is never multiplied by anything, so that 0 * inf cannot appear; a constant derivative
// stays one double. Constants of a formula, and operands that are not differentiated, are plain numbers and packs and
// never become duals. one_t is also what a formula sees in place of an operand that was not given.
//
// T is a pack, or a dual of packs: dual<dual<pack, one_t>, one_t> yields exact second derivatives. A dual of a smaller
// depth than its partner's is a constant at that level.
#pragma once

#include <type_traits>

#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

struct zero_t {};
struct one_t {};

template <class T, class D>
struct dual {
  T value;
  D tangent;

  FASTLOSS_FN dual(T v, D d) : value(v), tangent(d) {}
  FASTLOSS_FN dual(const dual& o) : value(o.value), tangent(o.tangent) {}
  FASTLOSS_FN dual& operator=(const dual& o) {
    value = o.value;
    tangent = o.tangent;
    return *this;
  }
};

template <class T>
inline constexpr bool is_zero = std::is_same_v<T, zero_t>;
template <class T>
inline constexpr bool is_one = std::is_same_v<T, one_t>;
template <class T>
inline constexpr bool is_tag = is_zero<T> || is_one<T>;
template <class T>
inline constexpr bool is_number = std::is_arithmetic_v<T>;
template <class T>
inline constexpr bool is_pack = false;
template <class S, int W>
inline constexpr bool is_pack<pack<S, W>> = true;

// How many derivatives a type carries: 0 for packs, numbers and tags.
template <class T>
inline constexpr int depth = 0;
template <class T, class D>
inline constexpr int depth<dual<T, D>> = 1 + depth<T>;

template <class T>
inline constexpr bool is_dual = depth<T> != 0;

namespace detail {

template <class T>
inline constexpr bool is_operand = is_tag<T> || is_number<T> || is_pack<T> || is_dual<T>;
template <class A, class B>
concept with_tag = (is_tag<A> || is_tag<B>) && is_operand<A> && is_operand<B>;
template <class A, class B>
concept with_dual = (is_dual<A> || is_dual<B>) && is_operand<A> && is_operand<B> && !is_tag<A> && !is_tag<B>;
template <class A, class B>
inline constexpr int common_depth = depth<A> > depth<B> ? depth<A> : depth<B>;

FASTLOSS_FN constexpr double plain(zero_t) { return 0.0; }
FASTLOSS_FN constexpr double plain(one_t) { return 1.0; }
template <class T>
FASTLOSS_FN constexpr auto plain(T x) {
  if constexpr (is_number<T>) return static_cast<double>(x);  // an integer tangent would divide as integers do
  else return x;
}

// Value and tangent at derivative level N; what does not reach that level is a constant there.
template <int N, class T>
FASTLOSS_FN auto value_at(T x) {
  if constexpr (depth<T> == N) return x.value;
  else if constexpr (is_number<T>) return static_cast<double>(x);
  else return x;
}
template <int N, class T>
FASTLOSS_FN auto tangent_at(T x) {
  if constexpr (depth<T> == N) return x.tangent;
  else return zero_t{};
}

template <class T, class D>
FASTLOSS_FN dual<T, D> make_dual(T value, D tangent) {
  return {value, tangent};
}

// The value without any derivative: a pack, a number or a tag.
template <class T>
FASTLOSS_FN auto innermost(T x) {
  if constexpr (is_dual<T>) return innermost(x.value);
  else return x;
}

// The pack type behind a dual or a pack; void for numbers and tags.
template <class T>
struct pack_of {
  using type = void;
};
template <class S, int W>
struct pack_of<pack<S, W>> {
  using type = pack<S, W>;
};
template <class T, class D>
struct pack_of<dual<T, D>> : pack_of<T> {};
template <class A, class B>
using common_pack = std::conditional_t<std::is_void_v<typename pack_of<A>::type>, typename pack_of<B>::type, typename pack_of<A>::type>;

template <class P, class T>
FASTLOSS_FN P as_pack(T x) {
  return P(plain(x));
}

// Numbers and tags as packs; everything else as it is.
template <class P, class T>
FASTLOSS_FN auto lift(T x) {
  if constexpr (is_number<T> || is_tag<T>) return as_pack<P>(x);
  else return x;
}

}  // namespace detail

// ---- tags in arithmetic -------------------------------------------------------------------------------------------

FASTLOSS_FN constexpr zero_t operator-(zero_t) { return {}; }
FASTLOSS_FN constexpr double operator-(one_t) { return -1.0; }

template <class A, class B>
  requires detail::with_tag<A, B>
FASTLOSS_FN constexpr auto operator+(A a, B b) {
  if constexpr (is_zero<A>) return b;
  else if constexpr (is_zero<B>) return a;
  else return detail::plain(a) + detail::plain(b);
}

template <class A, class B>
  requires detail::with_tag<A, B>
FASTLOSS_FN constexpr auto operator-(A a, B b) {
  if constexpr (is_zero<B>) return a;
  else if constexpr (is_zero<A>) return -b;
  else if constexpr (is_one<A> && is_one<B>) return zero_t{};
  else return detail::plain(a) - detail::plain(b);
}

template <class A, class B>
  requires detail::with_tag<A, B>
FASTLOSS_FN constexpr auto operator*(A a, B b) {
  if constexpr (is_zero<A> || is_zero<B>) return zero_t{};
  else if constexpr (is_one<A>) return b;
  else return a;
}

template <class A, class B>
  requires detail::with_tag<A, B>
FASTLOSS_FN constexpr auto operator/(A a, B b) {
  static_assert(!is_zero<B>);
  if constexpr (is_zero<A> || is_one<B>) return a;
  else return 1.0 / detail::plain(b);
}

// ---- duals in arithmetic ------------------------------------------------------------------------------------------

template <class T, class D>
FASTLOSS_FN auto operator-(dual<T, D> a) {
  return detail::make_dual(-a.value, -a.tangent);
}
template <class T, class D>
FASTLOSS_FN auto operator+(dual<T, D> a) {
  return a;
}

template <class A, class B>
  requires detail::with_dual<A, B>
FASTLOSS_FN auto operator+(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  return detail::make_dual(detail::value_at<n>(a) + detail::value_at<n>(b), detail::tangent_at<n>(a) + detail::tangent_at<n>(b));
}

template <class A, class B>
  requires detail::with_dual<A, B>
FASTLOSS_FN auto operator-(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  return detail::make_dual(detail::value_at<n>(a) - detail::value_at<n>(b), detail::tangent_at<n>(a) - detail::tangent_at<n>(b));
}

template <class A, class B>
  requires detail::with_dual<A, B>
FASTLOSS_FN auto operator*(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  const auto x = detail::value_at<n>(a);
  const auto y = detail::value_at<n>(b);
  return detail::make_dual(x * y, detail::tangent_at<n>(a) * y + x * detail::tangent_at<n>(b));
}

template <class A, class B>
  requires detail::with_dual<A, B>
FASTLOSS_FN auto operator/(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  const auto x = detail::value_at<n>(a);
  const auto y = detail::value_at<n>(b);
  const auto quotient = x / y;
  return detail::make_dual(quotient, (detail::tangent_at<n>(a) - quotient * detail::tangent_at<n>(b)) / y);
}

// ---- comparisons: of values -----------------------------------------------------------------------------------------

#define FASTLOSS_COMPARE(OP)                                                           \
  template <class A, class B>                                                          \
    requires(detail::with_tag<A, B> || detail::with_dual<A, B>)                        \
  FASTLOSS_FN auto operator OP(A a, B b) {                                             \
    return detail::plain(detail::innermost(a)) OP detail::plain(detail::innermost(b)); \
  }
FASTLOSS_COMPARE(==)
FASTLOSS_COMPARE(!=)
FASTLOSS_COMPARE(<)
FASTLOSS_COMPARE(<=)
FASTLOSS_COMPARE(>)
FASTLOSS_COMPARE(>=)
#undef FASTLOSS_COMPARE

// ---- select: blends value and tangent, so that nothing leaks from the side not taken --------------------------------

template <class S, int W, class A, class B>
  requires(!(std::is_same_v<A, pack<S, W>> && std::is_same_v<B, pack<S, W>>))
FASTLOSS_FN auto select(mask<S, W> m, A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  if constexpr (is_tag<A> && std::is_same_v<A, B>) {
    return a;
  } else if constexpr (n == 0) {
    return select(m, detail::as_pack<pack<S, W>>(a), detail::as_pack<pack<S, W>>(b));
  } else {
    return detail::make_dual(select(m, detail::value_at<n>(a), detail::value_at<n>(b)),
                             select(m, detail::tangent_at<n>(a), detail::tangent_at<n>(b)));
  }
}

// A condition on constants: the same side in every lane.
template <class A, class B>
FASTLOSS_FN auto select(bool m, A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  if constexpr (std::is_same_v<A, B>) {
    return m ? a : b;
  } else if constexpr (n == 0) {
    using P = detail::common_pack<A, B>;
    if constexpr (std::is_void_v<P>) return m ? detail::plain(a) : detail::plain(b);
    else return m ? detail::as_pack<P>(a) : detail::as_pack<P>(b);
  } else {
    return detail::make_dual(select(m, detail::value_at<n>(a), detail::value_at<n>(b)),
                             select(m, detail::tangent_at<n>(a), detail::tangent_at<n>(b)));
  }
}

// ---- choose: one of two formulas, the same one for every element; the other is not computed ---------------------------

namespace detail {

// A pack, dual, number or tag as the wider type T, which select() has found for it and its alternative.
template <class T, class A>
FASTLOSS_FN T widened(A a) {
  if constexpr (std::is_same_v<T, A>) return a;
  else if constexpr (is_number<T>) return plain(a);
  else if constexpr (is_pack<T>) return as_pack<T>(a);
  else if constexpr (requires { T::widened_from(a); }) return T::widened_from(a);  // a tangent in several variables
  else return {widened<decltype(T::value)>(value_at<depth<T>>(a)), widened<decltype(T::tangent)>(tangent_at<depth<T>>(a))};
}

}  // namespace detail

template <class F, class G>
FASTLOSS_FN auto choose(bool first, F f, G g) {
  using T = decltype(select(first, f(), g()));
  if (first) return detail::widened<T>(f());
  return detail::widened<T>(g());
}

// ---- in and out -----------------------------------------------------------------------------------------------------

// x as the variable of differentiation, `Order` derivatives deep.
template <int Order, class P>
FASTLOSS_FN auto variable(P x) {
  if constexpr (Order == 0) return x;
  else return detail::make_dual(variable<Order - 1>(x), one_t{});
}

// The results of a formula as packs. What a formula does not depend on has derivative 0.
template <class P, class T>
FASTLOSS_FN P value_of(T x) {
  return detail::as_pack<P>(detail::innermost(x));
}
template <class P, class T>
FASTLOSS_FN P first_derivative(T x) {
  return value_of<P>(detail::tangent_at<depth<T> == 0 ? 1 : depth<T>>(x));
}
template <class P, class T>
FASTLOSS_FN P second_derivative(T x) {
  auto d1 = detail::tangent_at<depth<T> == 0 ? 1 : depth<T>>(x);
  if constexpr (is_dual<decltype(d1)>) return value_of<P>(d1.tangent);
  else return P(0);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

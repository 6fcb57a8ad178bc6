// partials<D...>: derivatives in several variables at once, the tangent of a dual. What is known of each of them at compile time is in its
// type, as it is for the one tangent of other duals (see dual.hpp): of a width, which is x2 - x1, the derivatives in the y's are of the
// type zero_t and cost nothing.
#pragma once

#include <utility>

#include "fastloss/simd/dual.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

namespace detail {

// Each derivative is a base of its own, so that an operation on all of them is one expansion and no recursion.
template <int I, class D>
struct partial {
  D d;

  FASTLOSS_FN partial(D x) : d(x) {}
  FASTLOSS_FN partial(const partial& o) : d(o.d) {}
  FASTLOSS_FN partial& operator=(const partial& o) {
    d = o.d;
    return *this;
  }
};

template <class Sequence, class... D>
struct all_partials;
template <int... I, class... D>
struct all_partials<std::integer_sequence<int, I...>, D...> : partial<I, D>... {
  FASTLOSS_FN all_partials(D... d) : partial<I, D>(d)... {}
};

template <int K, class D>
FASTLOSS_FN D partial_at(const partial<K, D>& p) {
  return p.d;
}

}  // namespace detail

template <class... D>
struct partials : detail::all_partials<std::make_integer_sequence<int, sizeof...(D)>, D...> {
  using detail::all_partials<std::make_integer_sequence<int, sizeof...(D)>, D...>::all_partials;

  FASTLOSS_FN static partials widened_from(zero_t a) { return {detail::widened<D>(a)...}; }
  template <class... A>
  FASTLOSS_FN static partials widened_from(const partials<A...>& a) {
    return widened_each(a, std::make_integer_sequence<int, sizeof...(D)>{});
  }

 private:
  template <class A, int... I>
  FASTLOSS_FN static partials widened_each(const A& a, std::integer_sequence<int, I...>) {
    return {detail::widened<D>(detail::partial_at<I>(a))...};
  }
};

namespace detail {

template <class... D>
FASTLOSS_FN partials<D...> make_partials(D... d) {
  return {d...};
}

template <class T>
concept factor = is_tag<T> || is_number<T> || is_pack<T>;

template <class F, int... I, class... D>
FASTLOSS_FN auto each(F f, const all_partials<std::integer_sequence<int, I...>, D...>& p) {
  return make_partials(f(partial_at<I>(p))...);
}
template <class F, int... I, class... A, class... B>
FASTLOSS_FN auto each(F f, const all_partials<std::integer_sequence<int, I...>, A...>& a,
                      const all_partials<std::integer_sequence<int, I...>, B...>& b) {
  return make_partials(f(partial_at<I>(a), partial_at<I>(b))...);
}

struct sum_of {
  template <class A, class B>
  FASTLOSS_FN auto operator()(A a, B b) const {
    return a + b;
  }
};
struct difference_of {
  template <class A, class B>
  FASTLOSS_FN auto operator()(A a, B b) const {
    return a - b;
  }
};
struct negative_of {
  template <class A>
  FASTLOSS_FN auto operator()(A a) const {
    return -a;
  }
};
template <class X>
struct multiple_of {
  X x;
  template <class A>
  FASTLOSS_FN auto operator()(A a) const {
    return a * x;
  }
};
template <class M>
struct one_of {
  M m;
  template <class A, class B>
  FASTLOSS_FN auto operator()(A a, B b) const {
    return select(m, a, b);
  }
};
template <class M>
struct or_zero_of {
  M m;
  template <class A>
  FASTLOSS_FN auto operator()(A a) const {
    return select(m, a, zero_t{});
  }
};

template <class M, class P>
struct or_nan_of {
  M m;
  template <class A>
  FASTLOSS_FN auto operator()(A a) const {
    return select(m, as_pack<P>(a), P(__builtin_nan("")));
  }
};

}  // namespace detail

template <class... D>
FASTLOSS_FN auto operator-(partials<D...> a) {
  return detail::each(detail::negative_of{}, a);
}

template <class... A, class... B>
FASTLOSS_FN auto operator+(partials<A...> a, partials<B...> b) {
  return detail::each(detail::sum_of{}, a, b);
}
template <class... D>
FASTLOSS_FN auto operator+(partials<D...> a, zero_t) {
  return a;
}
template <class... D>
FASTLOSS_FN auto operator+(zero_t, partials<D...> a) {
  return a;
}

template <class... A, class... B>
FASTLOSS_FN auto operator-(partials<A...> a, partials<B...> b) {
  return detail::each(detail::difference_of{}, a, b);
}
template <class... D>
FASTLOSS_FN auto operator-(partials<D...> a, zero_t) {
  return a;
}
template <class... D>
FASTLOSS_FN auto operator-(zero_t, partials<D...> a) {
  return -a;
}

template <class... D, detail::factor X>
FASTLOSS_FN auto operator*(partials<D...> a, X x) {
  if constexpr (is_zero<X>) return zero_t{};
  else if constexpr (is_one<X>) return a;
  else return detail::each(detail::multiple_of<X>{x}, a);
}
template <class... D, detail::factor X>
FASTLOSS_FN auto operator*(X x, partials<D...> a) {
  return a * x;
}
// One division for all of them.
template <class... D, detail::factor X>
FASTLOSS_FN auto operator/(partials<D...> a, X x) {
  return a * (1.0 / x);
}

template <class S, int W, class... A, class... B>
FASTLOSS_FN auto select(mask<S, W> m, partials<A...> a, partials<B...> b) {
  return detail::each(detail::one_of<mask<S, W>>{m}, a, b);
}
template <class... A, class... B>
FASTLOSS_FN auto select(bool m, partials<A...> a, partials<B...> b) {
  return detail::each(detail::one_of<bool>{m}, a, b);
}
template <class... A>
FASTLOSS_FN auto select(bool m, partials<A...> a, zero_t) {
  return detail::each(detail::or_zero_of<bool>{m}, a);
}
template <class... B>
FASTLOSS_FN auto select(bool m, zero_t, partials<B...> b) {
  return detail::each(detail::or_zero_of<bool>{!m}, b);
}
template <class S, int W, class... A>
FASTLOSS_FN auto select(mask<S, W> m, partials<A...> a, zero_t) {
  return detail::each(detail::or_zero_of<mask<S, W>>{m}, a);
}
template <class S, int W, class... B>
FASTLOSS_FN auto select(mask<S, W> m, zero_t, partials<B...> b) {
  return detail::each(detail::or_zero_of<mask<S, W>>{!m}, b);
}

template <class S, int W, class... A>
FASTLOSS_FN auto nan_unless(mask<S, W> valid, partials<A...> a) {
  return detail::each(detail::or_nan_of<mask<S, W>, pack<S, W>>{valid}, a);
}

namespace detail {

template <int K, int... I>
FASTLOSS_FN auto unit_partials(std::integer_sequence<int, I...>) {
  return make_partials(std::conditional_t<I == K, one_t, zero_t>{}...);
}

}  // namespace detail

// x as variable K of N.
template <int K, int N, class P>
FASTLOSS_FN auto variable_of(P x) {
  return detail::make_dual(x, detail::unit_partials<K>(std::make_integer_sequence<int, N>{}));
}

// N variables of a pair of operands: those of one operand are constants where nothing is differentiated in it.
template <int N, bool InInput, bool InTarget>
struct variables_of_pair {
  template <int K, class P>
  FASTLOSS_FN static auto of_both(P x) {
    return of < K, InInput || InTarget > (x);
  }
  template <int K, class P>
  FASTLOSS_FN static auto of_input(P x) {
    return of<K, InInput>(x);
  }
  template <int K, class P>
  FASTLOSS_FN static auto of_target(P x) {
    return of<K, InTarget>(x);
  }

 private:
  template <int K, bool Differentiated, class P>
  FASTLOSS_FN static auto of(P x) {
    if constexpr (Differentiated) return variable_of<K, N>(x);
    else return x;
  }
};

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

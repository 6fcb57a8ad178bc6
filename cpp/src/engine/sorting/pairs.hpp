// What a sort moves: a number to sort by, as an unsigned integer, beside where it came from.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace fastloss {

// A place is whatever is to be known of the number behind the sort; its bits are not looked at.
template <class K>
struct key_and_place {
  K key, place;
};

template <class S>
using key_of = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;

// Ascending keys are descending numbers: NaN of either sign, then from inf to -inf. 0 and -0 have one key.
template <class S>
constexpr key_of<S> descending_key(S x) {
  using K = key_of<S>;
  constexpr K sign = K{1} << (8 * sizeof(K) - 1);
  const K bits = std::bit_cast<K>(x + S(0));
  const K key = bits >= sign ? bits : static_cast<K>(sign - 1 - bits);
  return x != x ? K{0} : key;
}

template <class S>
constexpr S number_of_descending(key_of<S> key) {
  using K = key_of<S>;
  constexpr K sign = K{1} << (8 * sizeof(K) - 1);
  return std::bit_cast<S>(key >= sign ? key : static_cast<K>(sign - 1 - key));
}

}  // namespace fastloss

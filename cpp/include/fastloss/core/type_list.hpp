// Lists of types, for the registries.
#pragma once

#include <cstddef>

namespace fastloss {

template <class... Ts>
struct type_list {
  static constexpr std::size_t size = sizeof...(Ts);
};

template <std::size_t I, class First, class... Rest>
struct type_at : type_at<I - 1, Rest...> {};
template <class First, class... Rest>
struct type_at<0, First, Rest...> {
  using type = First;
};

}  // namespace fastloss

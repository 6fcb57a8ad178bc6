// A list of types, for the registries.
#pragma once

#include <cstddef>

namespace fastloss {

template <class... Ts>
struct type_list {
  static constexpr std::size_t size = sizeof...(Ts);
};

}  // namespace fastloss

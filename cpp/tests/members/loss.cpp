// A pointwise and a row-wise loss with what the macros put into them.
#include <array>

#include "fastloss/engine/loss_info.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "fastloss/simd/primitives.hpp"

#ifndef TRAITS
#define TRAITS
#endif
#ifndef ROW_TRAITS
#define ROW_TRAITS
#endif
#ifndef MEMBER
#define MEMBER
#endif
#ifndef ROW_MEMBER
#define ROW_MEMBER
#endif

namespace fastloss {
inline namespace FASTLOSS_ISA {

struct squared {
  MEMBER;
  static constexpr const char* name = "squared";
  static constexpr pointwise_traits traits{TRAITS};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return (input - target) * (input - target);
  }
};

struct negative_log {
  ROW_MEMBER;
  static constexpr const char* name = "negative_log";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp ROW_TRAITS};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", class_index}};
  template <class U, class T>
  FASTLOSS_FN auto value(U u, T t) const {
    return -mul0(t, u);
  }
};

constexpr loss_info of_elements = describe<squared>(-1);
constexpr loss_info of_rows = describe<negative_log>(-1);

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

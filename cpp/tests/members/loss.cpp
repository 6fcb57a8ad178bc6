// A pointwise loss, a row-wise one, one of boxes, one of keypoints, a Lovász loss and a contrastive one with what the macros put into them.
#include <headers.hpp>

#ifndef TRAITS
#define TRAITS
#endif
#ifndef ROW_TRAITS
#define ROW_TRAITS
#endif
#ifndef BOX_TRAITS
#define BOX_TRAITS
#endif
#ifndef MEMBER
#define MEMBER
#endif
#ifndef ROW_MEMBER
#define ROW_MEMBER
#endif
#ifndef BOX_MEMBER
#define BOX_MEMBER
#endif
#ifndef BOX_FORMAT
#define BOX_FORMAT fmt
#endif
#ifndef BOX_FORMULA
#define BOX_FORMULA value
#endif
#ifndef BOX_TARGET
#define BOX_TARGET {"target", differentiable}
#endif
#ifndef KEYPOINT_TRAITS
#define KEYPOINT_TRAITS
#endif
#ifndef KEYPOINT_MEMBER
#define KEYPOINT_MEMBER
#endif
#ifndef KEYPOINT_FORMULA
#define KEYPOINT_FORMULA value
#endif
#ifndef KEYPOINT_EPS
#define KEYPOINT_EPS eps
#endif
#ifndef KEYPOINT_OPERANDS
#define KEYPOINT_OPERANDS keypoint_operands
#endif
#ifndef LOVASZ_TRAITS
#define LOVASZ_TRAITS
#endif
#ifndef LOVASZ_MEMBER
#define LOVASZ_MEMBER
#endif
#ifndef LOVASZ_FORMULA
#define LOVASZ_FORMULA error
#endif
#ifndef LOVASZ_TARGET
#define LOVASZ_TARGET binary_mask
#endif
#ifndef DISTANCE_TRAITS
#define DISTANCE_TRAITS
#endif
#ifndef DISTANCE_FORMULA
#define DISTANCE_FORMULA value
#endif
#ifndef DISTANCE_MEASURE
#define DISTANCE_MEASURE measure
#endif
#ifndef DISTANCE_OPERANDS
#define DISTANCE_OPERANDS {"second", differentiable | embedding}, {"target"}
#endif
#ifndef DISTANCE_MEMBER
#define DISTANCE_MEMBER
#endif
#ifndef SIMILARITY_TRAITS
#define SIMILARITY_TRAITS
#endif
#ifndef SIMILARITY_FORMULA
#define SIMILARITY_FORMULA value
#endif
#ifndef SIMILARITY_OPERANDS
#define SIMILARITY_OPERANDS \
  {"positive", differentiable | embedding_rows}, { "temperature", differentiable | as_temperature }
#endif
#ifndef SIMILARITY_MEMBER
#define SIMILARITY_MEMBER
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

struct overlap {
  double eps = 1e-7;
  int BOX_FORMAT = 0;
  BOX_MEMBER;
  static constexpr const char* name = "overlap";
  static constexpr box_traits traits{BOX_TRAITS};
  static constexpr operand operands[] = {{"input", differentiable}, BOX_TARGET};
  static constexpr auto options() {
    return std::array{option<overlap>{"eps", &overlap::eps, above(0)}, option<overlap>{"fmt", &overlap::BOX_FORMAT, box_formats}};
  }
  template <class Pair>
  FASTLOSS_FN auto BOX_FORMULA(const Pair& pair) const {
    return 1.0 - pair.iou(eps);
  }
};

struct distance {
  double KEYPOINT_EPS = 1e-9;
  KEYPOINT_MEMBER;
  static constexpr const char* name = "distance";
  static constexpr keypoint_traits traits{KEYPOINT_TRAITS};
  static constexpr std::span<const operand> operands = KEYPOINT_OPERANDS;
  static constexpr auto options() { return std::array{option<distance>{"eps", &distance::KEYPOINT_EPS, above(0)}}; }
  template <class E>
  FASTLOSS_FN auto KEYPOINT_FORMULA(E e) const {
    return e;
  }
};

struct margin {
  bool per_image = false;
  LOVASZ_MEMBER;
  static constexpr const char* name = "margin";
  static constexpr lovasz_traits traits{LOVASZ_TRAITS};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", LOVASZ_TARGET}};
  static constexpr auto options() { return std::array{option<margin>{"per_image", &margin::per_image}}; }
  lovasz_form form() const { return {.per_image = per_image}; }
  template <class X, class T>
  FASTLOSS_FN auto LOVASZ_FORMULA(X x, T t) const {
    return 1.0 - x * (2.0 * t - 1.0);
  }
};

struct apart {
  DISTANCE_MEMBER;
  static constexpr const char* name = "apart";
  static constexpr distance_traits traits{DISTANCE_TRAITS};
  static constexpr operand operands[] = {{"first", differentiable | embedding}, DISTANCE_OPERANDS};
  distance_form DISTANCE_MEASURE() const { return {embedding_measure::distance, embedding_pairs::one}; }
  template <class Terms>
  FASTLOSS_FN auto DISTANCE_FORMULA(const Terms& of) const {
    return of.template measure<0>();
  }
};

struct contrast {
  SIMILARITY_MEMBER;
  static constexpr const char* name = "contrast";
  static constexpr similarity_traits traits{SIMILARITY_TRAITS};
  static constexpr operand operands[] = {{"input", differentiable}, SIMILARITY_OPERANDS};
  similarity_form form() const { return {}; }
  template <class U>
  FASTLOSS_FN auto SIMILARITY_FORMULA(U excess) const {
    return excess;
  }
};

constexpr loss_info of_elements = describe<squared>(-1);
constexpr loss_info of_rows = describe<negative_log>(-1);
constexpr loss_info of_boxes = describe<overlap>(-1);
constexpr loss_info of_keypoints = describe<distance>(-1);
constexpr loss_info of_images = describe<margin>(-1);
constexpr loss_info of_embeddings = describe<apart>(-1);
constexpr loss_info of_pairs = describe<contrast>(-1);

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

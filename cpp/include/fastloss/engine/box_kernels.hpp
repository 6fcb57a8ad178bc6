// The boundary between the box engine and the kernels of its losses.
#pragma once

#include <cstddef>

#include "fastloss/core/loss.hpp"

namespace fastloss {

// Pairs of a tile: what its kernel costs once, at both ends, is 4 % of it.
inline constexpr std::size_t tile_boxes = 1024;

// The numbers of a box: four in one of the formats below, or centre, width, height and angle.
inline constexpr int upright_numbers = 4, rotated_numbers = 5;
inline constexpr int most_box_numbers = rotated_numbers;
// The role of operands that are rotated boxes.
inline constexpr unsigned rotated = 1u << first_role;
inline constexpr const char* box_roles[] = {"rotated"};
constexpr int numbers_of(const operand& o) { return o.is(rotated) ? rotated_numbers : upright_numbers; }

// Boxes one behind the other, in the computation dtype. An output may be either operand: both are loaded, a pack of
// boxes at a time, before anything is stored.
struct box_tile {
  const void* boxes[2];  // of input and target
  std::size_t count;
  void* value;           // before it is multiplied by the factor
  void* gradients[2];    // in input and target; null: not wanted
  const void* factor;    // of each pair's gradient, which is 0 where this is; null: ones
  double scale = 1.0;    // of all gradients
  bool streams = false;  // gradients go past the caches; they are aligned to 16 bytes
};

using box_kernel = void (*)(const void* loss, const box_tile&);

// A gradient in the target alone is that of both, of which one is not stored: that takes 0 to 8 % longer than a kernel of its own.
struct box_kernels_of_dtype {
  box_kernel value, in_input, in_both;
};
struct box_kernels {
  box_kernels_of_dtype of[2];  // float32, float64
};

// The formats of two boxes, of the input's and of the target's.
enum class box_format : unsigned char { xyxy, xywh, cxcywh };
inline constexpr const char* box_formats[] = {"xyxy",      "xywh",        "cxcywh",      "xyxy,xywh",  "xyxy,cxcywh",
                                              "xywh,xyxy", "xywh,cxcywh", "cxcywh,xyxy", "cxcywh,xywh"};
constexpr box_format format_of(int choice, int operand) {
  using enum box_format;
  constexpr box_format all[][2] = {{xyxy, xyxy}, {xywh, xywh},   {cxcywh, cxcywh}, {xyxy, xywh},  {xyxy, cxcywh},
                                   {xywh, xyxy}, {xywh, cxcywh}, {cxcywh, xyxy},   {cxcywh, xywh}};
  return all[choice][operand];
}

}  // namespace fastloss

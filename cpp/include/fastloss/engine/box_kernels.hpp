// The boundary between the box engine and the kernels of its losses.
#pragma once

#include <cstddef>

namespace fastloss {

// Pairs of a tile: with values, factors and two gradients in flight a float32 working set stays within 24 KiB.
inline constexpr std::size_t tile_boxes = 256;
inline constexpr int box_numbers = 4;

// Boxes of four numbers each, one behind the other, in the computation dtype; `count` is a whole number of packs. An output may be
// either operand: both are loaded, a pack of boxes at a time, before anything is stored.
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

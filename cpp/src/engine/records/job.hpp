// One call of a loss whose units are records of numbers, such as pairs of boxes: where its arrays lie over the units.
#pragma once

#include <array>
#include <cstddef>

#include "engine/memory/layout.hpp"
#include "fastloss/engine/plan.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// An array with a number for each unit. Strides are in bytes, over the simplified axes of the units.
struct unit_view {
  char* base = nullptr;  // null: not given
  dtype type = dtype::float32;
  bool byteswapped = false;
  std::ptrdiff_t strides[max_rank];

  unit_view() {}
};

// An array with a record for each unit: the axes of a record are walked after those of the units, and join the last one where numbers and
// records follow each other at one distance.
struct record_view : unit_view {
  bool in_place = false;  // kernels can read and write it where it is
  std::size_t numbers;    // of a record
  int rank;
  std::ptrdiff_t shape[max_rank];

  strided_run run(std::size_t first, std::size_t n) const { return {rank, shape, strides, numbers * first, numbers * n}; }
};

inline constexpr std::size_t most_records = 4;

struct record_job {
  const tile_operations* tiles;
  std::size_t item;           // bytes of the computation dtype
  std::size_t tile_units;     // at most in a tile
  std::size_t tiles_of_part;  // with one partial sum: some 3 us of work
  std::size_t pack_numbers;   // what kernels take of an array of records at least: tiles are padded to whole ones
  std::size_t engine_bytes;   // of memory that the engine has for a tile

  int rank;  // of the axes of the units, as few as possible
  std::ptrdiff_t shape[max_rank];
  std::size_t count;

  std::size_t operands;  // that have records: the first ones of the call
  std::array<record_view, most_records> records, gradients;
  unit_view unit_gradient;  // in an operand with a number for each unit
  unit_view sample_weight, where, grad_output;
  unit_view value;  // of reduction::none
  bool streams, accumulate, check_finite;

  record_job() {}
  strided_run units(const unit_view& v, std::size_t first, std::size_t n) const { return {rank, shape, v.strides, first, n}; }
};

// Which operands of a call have records, and which of their axes are those of a record.
struct record_operands {
  std::size_t count;
  int axis;  // the first axis of a record, among those of the units
};

// Fills in all of a job but the sizes of its tiles. What an engine has beside these operands is added before build().
class record_builder {
 public:
  record_builder(const call_plan&, const loss_outputs&, const record_operands&, record_job&);

  // A number for each unit: aligned to the leading axes of the units. Nothing where it is not given.
  void add(unit_view&, const const_array&);
  // A record for each unit: an array with the axes of the units, and behind the first `axis` of them its own. Its shape and strides
  // outlive build().
  void add(record_view&, const const_array&);
  void build();

 private:
  static constexpr std::size_t most_views = 2 * most_records + 1;
  struct record_axes {
    record_view* view;
    int count;
    const std::ptrdiff_t *shape, *strides;
  };

  void set(unit_view&, const const_array&);
  void lay_out();
  void finish(const record_axes&) const;
  void choose_streaming();

  const call_plan& plan_;
  const loss_call& call_;
  const loss_outputs& outputs_;
  const unit_axes& units_;
  const int axis_;
  record_job& job_;
  joint_layout layout_;
  std::size_t view_count_ = 0;
  record_axes own_axes_[most_views];
};

}  // namespace fastloss

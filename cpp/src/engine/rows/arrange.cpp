#include "engine/rows/arrange.hpp"

#include <algorithm>
#include <cstdlib>

#include "engine/rows/segments.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Elements of a tile, measured: each is the size from which on larger ones are slower. Of long rows 128 KiB of float32, of which a
// pass has up to eight in a 2 MiB L2; of planes, where a tile needs long runs of each class, three times that; of short rows 32 KiB,
// so that the one tile that a thread goes over again and again stays in L1.
constexpr std::size_t elements_of_long_rows = 32768;
constexpr std::size_t elements_of_planes = 98304;
constexpr std::size_t elements_of_short_rows = 8192;
// Numbers for each row have slots of their own beside the tiles (some 40): 1024 doubles each are 320 KiB.
constexpr std::size_t most_rows = 1024;
constexpr std::size_t most_short_rows = 512;
// Rows are taken 64 at a time: a whole number of lines of every dtype of at least a byte, and of packs of every instruction set.
constexpr std::size_t strip = 64;
// Lanes are rows up to so many classes more than lanes, and classes above: at 10 classes rows win 17 to 1, at 32 classes do
// (docs/architecture.md).
constexpr std::size_t classes_beyond_lanes = 4;

// An odd number of strips: at a power of two of bytes from each other, classes would share few lines of the first cache.
std::size_t rows_of_planes(std::size_t rows) { return ((std::clamp<std::size_t>(rows / strip, 1, most_rows / strip) - 1) | 1) * strip; }

}  // namespace

void arrange(rows_of_call& r, const class_view& scores, const row_demands& demands) {
  const std::size_t lanes = active_kernels().vector_bytes / r.item;
  const std::ptrdiff_t along_classes = std::abs(scores.class_stride);
  const std::ptrdiff_t along_rows = r.rank == 0 ? PTRDIFF_MAX : std::abs(scores.strides[r.rank - 1]);
  const bool few = r.classes <= lanes + classes_beyond_lanes, lanes_are_rows = few || along_rows < along_classes;
  r.how = lanes_are_rows ? arrangement::row_contiguous : arrangement::class_contiguous;
  r.arranged = &r.rows->of[static_cast<int>(r.how)];
  const std::size_t classes = std::max<std::size_t>(r.classes, 1);
  r.run_rows = r.row_count;
  const std::size_t smaller = demands.second_softmax ? 4 : 1;  // more of its tiles are in L2 at a time
  if (!lanes_are_rows) {
    r.tile_rows = std::clamp<std::size_t>(elements_of_long_rows / smaller / classes, 1, most_rows);
  } else if (along_rows < along_classes) {
    r.tile_rows = rows_of_planes(elements_of_planes / smaller / classes);
    const std::size_t run = static_cast<std::size_t>(r.shape[r.rank - 1]);
    if (run >= strip) r.run_rows = run;  // shorter runs are gathered into whole tiles
  } else {
    r.tile_rows = std::clamp<std::size_t>(elements_of_short_rows / classes / strip * strip, strip, most_short_rows);
  }
  const bool cut = !lanes_are_rows && !demands.whole_rows && r.row_count <= most_cut_rows && r.classes >= least_cut_classes;
  r.cut_threads = !cut ? 0 : demands.threads > 0 ? demands.threads : get_num_threads();
  r.tiles_per_run = (r.run_rows + r.tile_rows - 1) / r.tile_rows;
  r.tile_count = r.row_count == 0 ? 0 : r.row_count / r.run_rows * r.tiles_per_run;
}

void choose_place(const rows_of_call& r, dtype computation, class_view& v) {
  const bool native = v.type == computation && !v.byteswapped && reinterpret_cast<std::uintptr_t>(v.base) % r.item == 0;
  if (v.base == nullptr || !native) return;
  const std::ptrdiff_t item = static_cast<std::ptrdiff_t>(r.item);
  bool whole = v.class_stride % item == 0;
  for (int i = 0; i < r.rank; ++i) whole &= v.strides[i] % item == 0;
  if (!whole) return;
  const bool contiguous_classes = v.class_stride == item && r.rank <= 1;
  if (r.how == arrangement::class_contiguous) v.in_place = contiguous_classes;
  else if (contiguous_classes && r.rank == 1 && v.strides[0] != 0) v.transposes = true;
  else
    v.in_place =
        r.rank > 0 && v.strides[r.rank - 1] == item && (r.rank == 1 || r.run_rows == static_cast<std::size_t>(r.shape[r.rank - 1]));
}

}  // namespace fastloss

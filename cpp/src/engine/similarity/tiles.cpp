#include "engine/similarity/tiles.hpp"

#include <cmath>
#include <limits>

#include "engine/similarity/schedule.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Blocks of a tile, which stays in a cache of 512 KiB with the panels of one of its blocks. There are some 32 blocks where there can
// be, so that a round has work for many threads.
constexpr std::size_t shortest_side = 64, longest_side = most_tile_columns, enough_blocks = 32;
constexpr double operations_per_nanosecond = 60.0;  // estimated, of one thread: decides about threads alone

template <class S>
constexpr int wide = sizeof(S) == sizeof(double);

std::size_t side_for(std::size_t rows) {
  return std::clamp(padded_to(shortest_side, (rows + enough_blocks - 1) / enough_blocks), shortest_side, longest_side);
}

std::size_t blocks_of(std::size_t rows, std::size_t side) { return (rows + side - 1) / side; }

// Rows at a multiple of the page size would share few sets of the L1 cache.
constexpr std::size_t stride_of(std::size_t side) { return side + most_pack; }

}  // namespace

anchor_sums::anchor_sums(std::size_t anchors) : maximum(anchors, -std::numeric_limits<double>::infinity()), sum(anchors, 0.0) {}

void anchor_sums::add(std::size_t anchor, double with_maximum, double more) {
  double &most = maximum[anchor], &total = sum[anchor];
  if (more == 0.0) return;
  if (with_maximum == most) {
    total += more;
  } else if (with_maximum > most) {
    total = total * std::exp(most - with_maximum) + more;
    most = with_maximum;
  } else {
    total += more * std::exp(with_maximum - most);
  }
}

double anchor_sums::logarithm(std::size_t anchor) const {
  return sum[anchor] == 0.0 ? -std::numeric_limits<double>::infinity() : maximum[anchor] + std::log(sum[anchor]);
}

template <class S>
similarity_tiles<S>::similarity_tiles(const paired_sets<S>& sets)
    : sets_(sets), products_(active_kernels().products[wide<S>]), operations_(active_kernels().similarities[wide<S>]) {
  const std::size_t rows = sets.rows->count(), columns = sets.columns->count() - sets.first_column, features = sets.rows->features();
  row_side_ = side_for(rows);
  column_side_ = side_for(columns) / sets.subcenters * sets.subcenters;
  column_lines_ = padded_to(shortest_side, column_side_);
  row_blocks_ = blocks_of(rows, row_side_);
  column_blocks_ = blocks_of(columns, column_side_);
  feature_lines_ = padded_to(products_.right_lines, features);
  left_.allocate(row_blocks_ * row_side_ * features * sizeof(S));
  right_.allocate(column_blocks_ * column_lines_ * features * sizeof(S));
  const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(features);
  const double numbers = static_cast<double>((rows + columns) * features);
  parallel_for(row_blocks_ + column_blocks_, numbers, sets.threads, [&](std::size_t b) {
    const bool of_rows = b < row_blocks_;
    const std::size_t i = of_rows ? b : b - row_blocks_;
    const block at = of_rows ? rows_of(i) : columns_of(i);
    S* const to = reinterpret_cast<S*>((of_rows ? left_ : right_).data()) + i * (of_rows ? row_side_ : column_lines_) * features;
    const S* const from = (of_rows ? sets_.rows : sets_.columns)->row(at.start);
    (of_rows ? products_.pack_left : products_.pack_right)(to, from, step, 1, at.size, features);
  });
}

template <class S>
typename similarity_tiles<S>::memory similarity_tiles<S>::take_memory() const {
  static thread_local row_scratch scratch;
  const std::size_t tile = row_side_ * stride_of(column_lines_), single = sets_.row_labels != nullptr ? tile : 0;
  S* const all = reinterpret_cast<S*>(scratch.at_least((tile + single + row_side_ * column_lines_) * sizeof(S)));
  return {all, all + single, all + tile + single};
}

template <class S>
std::size_t similarity_tiles<S>::anchors_among(const block& columns) const {
  if (sets_.one_set) return columns.size;
  return columns.start < sets_.column_anchors ? std::min(columns.size, sets_.column_anchors - columns.start) : 0;
}

template <class S>
similarity_tile similarity_tiles<S>::multiply(const memory& m, std::size_t i, std::size_t j) const {
  const block rows = rows_of(i), columns = columns_of(j);
  const std::size_t features = sets_.rows->features();
  product_task t{};
  t.result = m.tile;
  t.stride = stride_of(column_lines_);
  t.left = reinterpret_cast<const S*>(left_.data()) + i * row_side_ * features;
  t.right = reinterpret_cast<const S*>(right_.data()) + j * column_lines_ * features;
  t.rows = rows.size;
  t.columns = columns.size;
  t.depth = features;
  products_.multiply(t);
  const similarity_tile tile{m.tile, t.stride, rows.size, padded_to(most_pack, columns.size), sets_.scale, sets_.bounded};
  leave_out(tile, rows, columns, sets_.one_set && i == j);
  if (sets_.subcenters > 1) operations_.keep_largest(tile, sets_.subcenters);
  if (sets_.row_labels != nullptr)
    operations_.part_by_label(tile, static_cast<const std::byte*>(sets_.row_labels) + rows.start * sizeof(S),
                              static_cast<const std::byte*>(sets_.column_labels) + columns.start * sizeof(S), m.single);
  return tile;
}

// Minus infinity where a row meets itself or its positive, and behind the last column.
template <class S>
void similarity_tiles<S>::leave_out(const similarity_tile& tile, const block& rows, const block& columns, bool diagonal) const {
  constexpr S none = -std::numeric_limits<S>::infinity();
  S* const cosines = static_cast<S*>(tile.cosines);
  for (std::size_t i = 0; i < rows.size; ++i) {
    S* const row = cosines + i * tile.stride;
    std::fill(row + columns.size, row + tile.columns, none);
    if (diagonal) row[i] = none;
    if (sets_.column_of == nullptr || sets_.column_of[rows.start + i] < 0) continue;
    const std::size_t column = static_cast<std::size_t>(sets_.column_of[rows.start + i]);
    if (column >= columns.start && column < columns.start + columns.size)
      std::fill_n(row + (column - columns.start), sets_.subcenters, none);
  }
}

template <class S>
template <class Body>
void similarity_tiles<S>::each_tile(double products, const Body& body) const {
  const double pairs = static_cast<double>(row_side_) * static_cast<double>(column_side_);
  const double tile_ns = products * 2.0 * pairs * static_cast<double>(sets_.rows->features()) / operations_per_nanosecond + pairs;
  const auto run = [&](const auto& schedule) {
    for (std::size_t round = 0; round < schedule.rounds(); ++round) {
      const std::size_t pairs_of_round = schedule.pairs(round);
      parallel_for(pairs_of_round, static_cast<double>(pairs_of_round) * tile_ns, sets_.threads, [&](std::size_t k) {
        const block_pair p = schedule.pair(round, k);
        if (p.exists) body(p.row, p.column);
      });
    }
  };
  if (sets_.one_set) run(tournament(row_blocks_));
  else run(diagonals(row_blocks_, column_blocks_));
}

template <class S>
void similarity_tiles<S>::sum(anchor_sums& sums) const {
  each_tile(1.0, [&](std::size_t i, std::size_t j) { sum_tile(i, j, sums); });
}

template <class S>
void similarity_tiles<S>::sum_tile(std::size_t i, std::size_t j, anchor_sums& sums) const {
  const block rows = rows_of(i), columns = columns_of(j);
  const similarity_tile tile = multiply(take_memory(), i, j);
  // On the diagonal of one set every pair is there twice.
  const std::size_t anchors = sets_.one_set && i == j ? 0 : anchors_among(columns);
  double numbers[4][most_tile_columns];
  const exponential_sums of_rows{numbers[0], numbers[1]}, of_columns{numbers[2], anchors > 0 ? numbers[3] : nullptr};
  operations_.sum_exponentials(tile, of_rows, of_columns);
  for (std::size_t r = 0; r < rows.size; ++r) sums.add(rows.start + r, of_rows.maximum[r], of_rows.sum[r]);
  for (std::size_t c = 0; c < anchors; ++c) sums.add(anchor_of_column(columns.start + c), of_columns.maximum[c], of_columns.sum[c]);
}

template <class S>
void similarity_tiles<S>::sum_single(const loss_of_pairs<S>& loss, anchor_results& results) const {
  each_tile(1.0, [&](std::size_t i, std::size_t j) { sum_single_tile(i, j, loss, results); });
}

// The tile of pairs with losses of their own. Of one set its columns are anchors, too.
template <class S>
similarity_pairs similarity_tiles<S>::single_pairs(const memory& m, similarity_tile tile, std::size_t i, std::size_t j,
                                                   const loss_of_pairs<S>& loss) const {
  tile.cosines = m.single;
  similarity_pairs pairs{};
  pairs.tile = tile;
  pairs.rises = loss.rises;
  pairs.rows.logarithm = loss.logarithm.data() + rows_of(i).start;
  if (sets_.one_set) pairs.columns.logarithm = loss.logarithm.data() + columns_of(j).start;
  return pairs;
}

template <class S>
void similarity_tiles<S>::sum_single_tile(std::size_t i, std::size_t j, const loss_of_pairs<S>& loss, anchor_results& results) const {
  const block rows = rows_of(i), columns = columns_of(j);
  const memory m = take_memory();
  const similarity_tile tile = multiply(m, i, j);
  similarity_pairs pairs = single_pairs(m, tile, i, j, loss);
  double numbers[4][most_tile_columns] = {};
  pairs.rows.values = numbers[0];
  pairs.rows.d1 = numbers[1];
  pairs.columns.values = numbers[2];
  pairs.columns.d1 = numbers[3];
  // On the diagonal every pair is there twice.
  if (i == j) pairs.columns.logarithm = nullptr;
  loss.kernels->of_pairs[wide<S>](loss.options, pairs);
  const auto add = [&](const block& at, const double* values, const double* d1) {
    for (std::size_t k = 0; k < at.size; ++k) {
      results.values[at.start + k] += values[k];
      results.d1[at.start + k] += d1[k];
    }
  };
  add(rows, numbers[0], numbers[1]);
  if (pairs.columns.logarithm != nullptr) add(columns, numbers[2], numbers[3]);
}

template <class S>
void similarity_tiles<S>::add_gradients(const anchor_weights<S>& weights, const loss_of_pairs<S>* single, bool in_rows, bool in_columns) {
  const std::size_t features = sets_.rows->features();
  // Right operands of the products with weights: the features of a block, along its rows.
  const auto pack = [&](scratch_block& to, const embedding_set<S>& set, std::size_t blocks, std::size_t side, const auto& at) {
    to.allocate(blocks * side * feature_lines_ * sizeof(S));
    parallel_for(blocks, static_cast<double>(blocks * side * features), sets_.threads, [&](std::size_t i) {
      const block b = at(i);
      products_.pack_right(reinterpret_cast<S*>(to.data()) + i * side * feature_lines_, set.row(b.start), 1,
                           static_cast<std::ptrdiff_t>(features), features, b.size);
    });
  };
  if (features == 0 || !(in_rows || in_columns)) return;
  if (in_rows) pack(column_features_, *sets_.columns, column_blocks_, column_side_, [&](std::size_t j) { return columns_of(j); });
  if (in_columns && !sets_.one_set) pack(row_features_, *sets_.rows, row_blocks_, row_side_, [&](std::size_t i) { return rows_of(i); });
  each_tile(sets_.one_set || (in_rows && in_columns) ? 3.0 : 2.0,
            [&](std::size_t i, std::size_t j) { add_tile(i, j, weights, single, in_rows, in_columns); });
}

// Weights of pairs in the place of cosines.
template <class S>
void similarity_tiles<S>::weigh_tile(const memory& m, const similarity_tile& tile, std::size_t i, std::size_t j,
                                     const anchor_weights<S>& weights, const loss_of_pairs<S>* single) const {
  const block rows = rows_of(i), columns = columns_of(j);
  if (single != nullptr) {
    similarity_pairs pairs = single_pairs(m, tile, i, j, *single);
    pairs.weighs = true;
    pairs.rows.coefficient = single->coefficient.data() + rows.start;
    if (sets_.one_set) pairs.columns.coefficient = single->coefficient.data() + columns.start;
    single->kernels->of_pairs[wide<S>](single->options, pairs);
    if (m.single == m.tile) return;
  }
  similarity_weights w{weights.coefficient.data() + rows.start, weights.shift.data() + rows.start, nullptr, nullptr};
  S of_columns[2][most_tile_columns] = {};
  if (const std::size_t anchors = anchors_among(columns); anchors > 0) {
    const std::size_t first = anchor_of_column(columns.start);
    std::copy_n(weights.coefficient.data() + first, anchors, of_columns[0]);
    std::copy_n(weights.shift.data() + first, anchors, of_columns[1]);
    // Where there is no anchor, no exponential is to be infinite.
    std::fill(of_columns[1] + anchors, of_columns[1] + most_tile_columns, static_cast<S>(sets_.scale));
    w.column_coefficient = of_columns[0];
    w.column_shift = of_columns[1];
  }
  operations_.weigh_pairs(tile, w);
  if (single == nullptr) return;
  const tile_operations& tiles = active_kernels().tiles[wide<S>];
  for (std::size_t r = 0; r < rows.size; ++r) {
    S *const row = m.tile + r * tile.stride, *const more = m.single + r * tile.stride;
    tiles.axpby(row, 1.0, row, 1.0, more, tile.columns);
  }
}

template <class S>
void similarity_tiles<S>::add_tile(std::size_t i, std::size_t j, const anchor_weights<S>& weights, const loss_of_pairs<S>* single,
                                   bool in_rows, bool in_columns) const {
  const block rows = rows_of(i), columns = columns_of(j);
  const memory m = take_memory();
  const similarity_tile tile = multiply(m, i, j);
  weigh_tile(m, tile, i, j, weights, single);
  const std::size_t features = sets_.rows->features();
  const auto add = [&](embedding_set<S>& to, const block& lines, const S* panels, std::size_t depth) {
    product_task t{};
    t.result = to.gradient(lines.start);
    t.stride = features;
    t.left = m.panels;
    t.right = panels;
    t.rows = lines.size;
    t.columns = features;
    t.depth = depth;
    t.accumulate = true;
    products_.multiply(t);
  };
  const auto panels_of = [&](const scratch_block& all, std::size_t b, std::size_t side) {
    return reinterpret_cast<const S*>(all.data()) + b * side * feature_lines_;
  };
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(tile.stride);
  if (in_rows) {
    products_.pack_left(m.panels, m.tile, stride, 1, rows.size, columns.size);
    add(*sets_.rows, rows, panels_of(column_features_, j, column_side_), columns.size);
  }
  // On the diagonal of one set the weights of either order were added to both.
  if (in_columns && !(sets_.one_set && i == j)) {
    products_.pack_left(m.panels, m.tile, 1, stride, columns.size, rows.size);
    add(*sets_.columns, columns, panels_of(sets_.one_set ? column_features_ : row_features_, i, row_side_), rows.size);
  }
}

template class similarity_tiles<float>;
template class similarity_tiles<double>;

}  // namespace fastloss

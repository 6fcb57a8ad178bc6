// In which order the pairs of blocks of rows meet. Those of a round have no block in common, so that threads add to the sums of
// rows without locks, and the sums of each row are added in the order of the rounds, whatever the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>

namespace fastloss {

struct block_pair {
  std::size_t row, column;
  bool exists = true;
};

// Of one set: a tournament. One block stays where it is while the others move around the table; each of the first round meets itself.
class tournament {
 public:
  explicit tournament(std::size_t blocks) : blocks_(blocks), even_(blocks + blocks % 2) {}

  std::size_t rounds() const { return blocks_ < 2 ? blocks_ : even_; }
  std::size_t pairs(std::size_t round) const { return round == 0 ? blocks_ : even_ / 2; }
  block_pair pair(std::size_t round, std::size_t k) const {
    if (round == 0) return {k, k};
    const std::size_t others = even_ - 1, turn = round - 1;
    const std::size_t a = k == 0 ? others : (turn + k) % others, b = k == 0 ? turn : (turn + others - k) % others;
    return {std::min(a, b), std::max(a, b), std::max(a, b) < blocks_};
  }

 private:
  std::size_t blocks_, even_;
};

// Of two sets: the diagonals of the grid of their blocks.
class diagonals {
 public:
  diagonals(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns) {}

  std::size_t rounds() const { return rows_ == 0 || columns_ == 0 ? 0 : std::max(rows_, columns_); }
  std::size_t pairs(std::size_t) const { return rows_; }
  block_pair pair(std::size_t round, std::size_t k) const {
    const std::size_t column = (k + round) % rounds();
    return {k, column, column < columns_};
  }

 private:
  std::size_t rows_, columns_;
};

}  // namespace fastloss

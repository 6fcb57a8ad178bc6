// Rows of embeddings in the computation dtype, each divided by its length, and the way back from gradients in these.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "engine/memory/scratch_block.hpp"
#include "fastloss/engine/plan.hpp"

namespace fastloss {

// Where a row comes from: a row of an operand.
struct row_source {
  int operand;
  std::size_t row;
};

// A row has no direction where its length is 0: then it is like no other, and its gradient is 0.
template <class S>
class embedding_set {
 public:
  // Rows of operands that take part, in this order.
  void read(const call_plan&, std::vector<row_source> sources);
  void allocate_gradient();  // of zeros

  std::size_t count() const { return sources_.size(); }
  std::size_t features() const { return features_; }
  const row_source& source(std::size_t row) const { return sources_[row]; }
  const S* row(std::size_t i) const { return reinterpret_cast<const S*>(rows_.data()) + i * features_; }
  S* gradient(std::size_t i) const { return reinterpret_cast<S*>(gradient_.data()) + i * features_; }
  double length(std::size_t i) const { return lengths_[i]; }

 private:
  std::size_t features_ = 0;
  std::vector<row_source> sources_;
  std::vector<double> lengths_;
  scratch_block rows_, gradient_;
};

extern template class embedding_set<float>;
extern template class embedding_set<double>;

// A row in double, padded to whole packs: numbers behind the last are 0.
template <class S>
void widen_row(const S* row, std::size_t features, double* to);

}  // namespace fastloss

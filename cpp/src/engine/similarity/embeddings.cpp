#include "engine/similarity/embeddings.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/memory/layout.hpp"
#include "engine/memory/scratch.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

constexpr double read_ns = 2.0;  // estimated, of a number on one thread
// Lengths whose squares are far from the ends of the range of double; others are found of a row that was scaled before.
constexpr double shortest = 1e-100, longest = 1e100;

template <class S>
constexpr int type_of = static_cast<int>(sizeof(S) == sizeof(double) ? dtype::float64 : dtype::float32);

double length_of(const tile_operations& wide, const double* x, std::size_t padded) { return std::sqrt(wide.sum_of_products(x, x, padded)); }

// Divides a row by its length, which is returned.
double normalise(const tile_operations& wide, double* x, std::size_t padded) {
  double length = length_of(wide, x, padded), scale = 1.0;
  if (!(length >= shortest && length <= longest)) {
    double most = 0.0;
    for (std::size_t i = 0; i < padded; ++i) most = std::max(most, std::abs(x[i]));
    if (most == 0.0 && length == 0.0) return 0.0;
    if (most > 0.0 && std::isfinite(most)) {
      for (std::size_t i = 0; i < padded; ++i) x[i] /= most;
      scale = most;
      length = length_of(wide, x, padded);
    }
  }
  for (std::size_t i = 0; i < padded; ++i) x[i] /= length;
  return scale * length;
}

}  // namespace

template <class S>
void widen_row(const S* row, std::size_t features, double* to) {
  const std::ptrdiff_t extent = static_cast<std::ptrdiff_t>(features), step = sizeof(S);
  active_kernels().tiles[1].load[type_of<S>][0](to, row, {1, &extent, &step, 0, features});
  std::fill(to + features, to + padded_to(most_pack, features), 0.0);
}
template void widen_row(const float*, std::size_t, double*);
template void widen_row(const double*, std::size_t, double*);

template <class S>
void embedding_set<S>::read(const call_plan& plan, std::vector<row_source> sources) {
  const loss_call& call = plan.call();
  sources_ = std::move(sources);
  features_ = static_cast<std::size_t>(call.operands[0].shape[1]);
  const std::size_t padded = padded_to(most_pack, features_);
  // Whatever is made of the rows is no larger than as many blocks of rows of double.
  const std::ptrdiff_t most[2] = {static_cast<std::ptrdiff_t>(padded_to(most_tile_columns, count())), static_cast<std::ptrdiff_t>(padded)};
  byte_count(2, most, sizeof(double));
  lengths_.resize(count());
  rows_.allocate(count() * features_ * sizeof(S));
  const tile_operations& wide = active_kernels().tiles[1];
  parallel_for(count(), static_cast<double>(count() * features_) * read_ns, call.call.threads, [&](std::size_t i) {
    static thread_local row_scratch scratch;
    double* const x = reinterpret_cast<double*>(scratch.at_least(padded * sizeof(double)));
    const const_array& from = call.operands[static_cast<std::size_t>(sources_[i].operand)];
    wide.load[static_cast<int>(from.type)][from.byteswapped](x, from.data,
                                                             {from.rank, from.shape, from.strides, sources_[i].row * features_, features_});
    std::fill(x + features_, x + padded, 0.0);
    lengths_[i] = normalise(wide, x, padded);
    S* const to = const_cast<S*>(row(i));
    for (std::size_t k = 0; k < features_; ++k) to[k] = static_cast<S>(x[k]);
  });
}

template <class S>
void embedding_set<S>::allocate_gradient() {
  gradient_.allocate(count() * features_ * sizeof(S));
  std::fill_n(gradient(0), count() * features_, S(0));
}

template class embedding_set<float>;
template class embedding_set<double>;

}  // namespace fastloss

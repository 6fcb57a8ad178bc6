#include "engine/pointwise/domains.hpp"

#include <bit>
#include <string>

#include "engine/call/messages.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Numbers that are held against a domain together: 2 KiB of double on the stack.
constexpr std::size_t elements_at_once = 256;
constexpr double cost_ns_per_element = 0.1;  // estimated, on one thread

// One operand, and the mask, over the axes along which one of them changes: a scale of each row is a number for each row.
class domain_walk {
 public:
  domain_walk(const pointwise_job& job, int operand)
      : job_(job), x_(job.operands[operand]), allowed_(job.domains[operand]), filler_(job.filler[operand]) {
    const bool masked = job.where.how != walk::kind::none;
    for (int axis = 0; axis < job.rank; ++axis) {
      const std::ptrdiff_t own = x_.strides[axis], of_mask = masked ? job.where.strides[axis] : 0;
      if (own == 0 && of_mask == 0) continue;
      shape_[rank_] = job.shape[axis];
      strides_[rank_] = own;
      mask_strides_[rank_++] = of_mask;
      count_ *= static_cast<std::size_t>(job.shape[axis]);
    }
    mask_ = masked ? &job.where : nullptr;
    in_place_ = !masked && x_.how == walk::kind::contiguous;
  }

  bool finds_outside(int threads) const {
    const std::size_t blocks = (count_ + block_elements - 1) / block_elements;
    std::atomic<bool> outside{false};
    parallel_for(blocks, cost_ns_per_element * static_cast<double>(count_), threads, [&](std::size_t b) {
      const std::size_t first = b * block_elements, last = count_ - first < block_elements ? count_ : first + block_elements;
      if (!outside.load(std::memory_order_relaxed) && block_is_outside(first, last)) outside.store(true, std::memory_order_relaxed);
    });
    return outside.load();
  }

 private:
  bool block_is_outside(std::size_t first, std::size_t last) const {
    const std::size_t lanes = tile_alignment / job_.item;
    if (in_place_) {
      const std::size_t whole = (last - first) / lanes * lanes;
      if (job_.ops->outside(x_.base + first * job_.item, allowed_, whole)) return true;
      first += whole;
    }
    alignas(tile_alignment) std::byte tile[elements_at_once * sizeof(double)], mask[elements_at_once * sizeof(double)];
    for (; first < last; first += elements_at_once) {
      const std::size_t count = last - first < elements_at_once ? last - first : elements_at_once;
      const std::size_t padded = (count + lanes - 1) / lanes * lanes;
      load(x_, strides_, first, count, tile);
      job_.ops->fill(tile + count * job_.item, filler_, padded - count);
      if (mask_ != nullptr) {
        load(*mask_, mask_strides_, first, count, mask);
        job_.ops->fill(mask + count * job_.item, 0.0, padded - count);
        job_.ops->blend(tile, mask, tile, filler_, padded);
      }
      if (job_.ops->outside(tile, allowed_, padded)) return true;
    }
    return false;
  }

  void load(const walk& w, const std::ptrdiff_t* strides, std::size_t first, std::size_t count, void* to) const {
    job_.ops->load[static_cast<int>(w.type)][w.byteswapped](to, w.base, {rank_, shape_, strides, first, count});
  }

  const pointwise_job& job_;
  const walk& x_;
  const domain& allowed_;
  double filler_;
  const walk* mask_;
  bool in_place_;
  int rank_ = 0;
  std::size_t count_ = 1;
  std::ptrdiff_t shape_[max_rank], strides_[max_rank], mask_strides_[max_rank];
};

// Throws for the first element outside its operand's domain.
void check_each_element(const loss_call& call, const pointwise_job& job) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
  const tile_operations& wide = active_kernels().tiles[1];
  std::ptrdiff_t strides[max_rank], mask_strides[max_rank];
  const bool masked = !call.call.where.absent();
  if (masked) align_strides(call.call.where, alignment::leading, input.rank, input.shape, mask_strides);
  const auto read = [&](const const_array& a, const std::ptrdiff_t* s, std::size_t i) {
    double x;
    wide.load[static_cast<int>(a.type)][a.byteswapped](&x, a.data, {input.rank, input.shape, s, i, 1});
    return x;
  };
  for (std::size_t k = 0; k < loss.operands.size(); ++k) {
    if (!job.is_checked(static_cast<int>(k))) continue;
    const domain& allowed = job.domains[k];
    const operand& o = loss.operands[k];
    align_strides(call.operands[k], alignment_of(o), input.rank, input.shape, strides);
    for (std::size_t i = 0; i < element_count(input.rank, input.shape); ++i) {
      if (masked && read(call.call.where, mask_strides, i) == 0.0) continue;
      const double x = read(call.operands[k], strides, i);
      if (allowed.contains(x)) continue;
      std::ptrdiff_t index[max_rank];
      index_at(i, input.rank, input.shape, index);
      const std::string text = std::string(loss.name) + ": " + o.name + " must be " + domain_text(allowed) + ", got " +
                               number_text(x, call.operands[k].type) + " at index " + shape_text(input.rank, index);
      if (o.is(integer)) throw index_error(text);
      throw value_error(text);
    }
  }
}

}  // namespace

void check_numbers(const loss_call& call, pointwise_job& job) {
  for (unsigned left = job.checked; left != 0; left &= left - 1) {
    const int k = std::countr_zero(left);
    if (job.operands[k].how != walk::kind::constant || job.count == 0) continue;
    if (!job.domains[k].contains(job.operands[k].number)) check_each_element(call, job);
    job.checked &= ~(1u << k);
  }
}

void check_operands(const loss_call& call, pointwise_job& job, bool all, int threads) {
  for (int k = 0; k < job.operand_total; ++k) {
    if (!job.is_checked(k) || (job.domains[k].in_pass && !all)) continue;
    if (domain_walk(job, k).finds_outside(threads)) fail_domain(call, job);
    job.checked &= ~(1u << k);
  }
}

void fail_domain(const loss_call& call, const pointwise_job& job) {
  check_each_element(call, job);
  throw value_error(std::string(call.loss->name) + ": an operand was outside its domain, and changed while it was checked");
}

}  // namespace fastloss

#include "fastloss/engine/ufunc_loop.hpp"

#include <cstdint>
#include <limits>

#include "engine/call/ufunc_parts.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

// Elements gathered at a time: the scratch of all operands stays small on the stack of any thread.
constexpr std::ptrdiff_t chunk_elements = 512;

template <class S>
class element_loop {
 public:
  element_loop(const ufunc_loop& loop, char* const* data, std::ptrdiff_t count, const std::ptrdiff_t* steps)
      : loss_(*loop.loss),
        data_(data),
        steps_(steps),
        count_(count),
        operands_(ufunc_operand_count(loss_)),
        output_(operands_ + static_cast<int>(loss_.options.size())),
        options_(loss_, data + operands_, steps + operands_),
        tiles_(active_kernels().tiles[loop.wide]),
        gradient_(loop.gradient) {
    const formula_kernels& kernels = kernels_of<pointwise_kernels>(loss_, active_kernels()).element[loop.wide][has_optional_operands()];
    kernel_ = gradient_ ? kernels.gradient[0] : kernels.value;
    loss_.construct(loss_struct_);
    choose_domains();
    for (int i = 0; i <= output_; ++i) sequential_ |= reads_results(i);
    for (int i = 0; i < operands_; ++i)
      if (steps_[i] == 0) tiles_.fill(scratch_[i], static_cast<double>(read_element<S>(data_[i])), chunk_elements);
  }

  void run() {
    const std::ptrdiff_t largest = sequential_ ? 1 : chunk_elements;
    for (std::ptrdiff_t first = 0; first < count_;) {
      const bool allowed = options_.read(first, loss_struct_);
      const std::ptrdiff_t end = options_.end_of_equal(first, count_);
      for (; first < end; first += largest) {
        const std::ptrdiff_t chunk = end - first < largest ? end - first : largest;
        if (allowed) compute(first, chunk);
        else write_nan(first, chunk);
      }
      first = end;
    }
  }

 private:
  const loss_info& loss_;
  char* const* data_;
  const std::ptrdiff_t* steps_;
  std::ptrdiff_t count_;
  int operands_, output_;
  loop_options<S> options_;
  const tile_operations& tiles_;
  bool gradient_;
  tile_kernel kernel_;
  bool sequential_ = false;
  domain domains_[max_operands];
  alignas(double) unsigned char loss_struct_[max_loss_bytes];
  alignas(tile_alignment) S scratch_[max_operands + 1][chunk_elements];

  static constexpr int own_type = static_cast<int>(sizeof(S) == sizeof(double) ? dtype::float64 : dtype::float32);

  bool has_optional_operands() const {
    for (const operand& o : loss_.operands)
      if (o.is(optional) && !o.is(multiplies)) return true;
    return false;
  }

  // Of each operand of the formula, if it is always checked.
  void choose_domains() {
    int i = 0;
    for (std::size_t k = 0; k < loss_.operands.size(); ++k) {
      if (loss_.operands[k].is(multiplies)) continue;
      const domain values = loss_.values_of(loss_struct_, static_cast<int>(k));
      domains_[i++] = values.always ? values : domain{};
    }
  }

  char* at(int argument, std::ptrdiff_t i) const { return data_[argument] + i * steps_[argument]; }

  bool is_contiguous(int argument) const {
    return steps_[argument] == static_cast<std::ptrdiff_t>(sizeof(S)) &&
           reinterpret_cast<std::uintptr_t>(data_[argument]) % alignof(S) == 0;
  }

  // In reduce() and accumulate() an argument holds the result of the element before. Elsewhere NumPy sees to it that the
  // output is an argument as it stands, or shares no memory with any.
  bool reads_results(int argument) const {
    if (count_ < 2) return false;
    if (argument == output_) return steps_[output_] == 0;
    if (data_[argument] == data_[output_] && steps_[argument] == steps_[output_]) return false;
    const auto first = [&](int i) { return steps_[i] < 0 ? at(i, count_ - 1) : data_[i]; };
    const auto last = [&](int i) { return steps_[i] < 0 ? data_[i] : at(i, count_ - 1); };
    return first(argument) <= last(output_) && first(output_) <= last(argument);
  }

  void compute(std::ptrdiff_t first, std::ptrdiff_t count) {
    constexpr std::ptrdiff_t whole = tile_alignment / sizeof(S);
    const std::ptrdiff_t padded = (count + whole - 1) / whole * whole;
    tile t{};
    t.count = static_cast<std::size_t>(padded);
    for (int i = 0; i < operands_; ++i) t.operand[i] = operand_tile(i, first, count, padded);
    const bool direct = is_contiguous(output_) && count == padded;
    S* const result = direct ? reinterpret_cast<S*>(at(output_, first)) : scratch_[max_operands];
    for (int i = 0; i < operands_; ++i)
      if (!domains_[i].everything() && tiles_.outside(t.operand[i], domains_[i], t.count)) replace_outside(t, i);
    (gradient_ ? t.gradient : t.value) = result;
    kernel_(loss_struct_, t);
    if (!direct) store(result, first, count);
  }

  // The operand's elements as a tile: where they lie, or gathered. Numbers have theirs from the start.
  const S* operand_tile(int i, std::ptrdiff_t first, std::ptrdiff_t count, std::ptrdiff_t padded) {
    if (steps_[i] == 0 && !sequential_) return scratch_[i];
    if (is_contiguous(i) && count == padded) return reinterpret_cast<const S*>(at(i, first));
    tiles_.load[own_type][0](scratch_[i], at(i, first), {1, &count, &steps_[i], 0, static_cast<std::size_t>(count)});
    for (std::ptrdiff_t k = count; k < padded; ++k) scratch_[i][k] = scratch_[i][0];
    return scratch_[i];
  }

  // NaN where an operand is out of its domain: the kernels make NaN of it.
  void replace_outside(tile& t, int i) {
    const S* const from = static_cast<const S*>(t.operand[i]);
    S* const to = scratch_[i];
    for (std::size_t k = 0; k < t.count; ++k)
      to[k] = domains_[i].contains(static_cast<double>(from[k])) ? from[k] : std::numeric_limits<S>::quiet_NaN();
    t.operand[i] = to;
  }

  void store(const S* result, std::ptrdiff_t first, std::ptrdiff_t count) const {
    tiles_.store[own_type][0](result, at(output_, first), {1, &count, &steps_[output_], 0, static_cast<std::size_t>(count)}, 1.0, false);
  }

  void write_nan(std::ptrdiff_t first, std::ptrdiff_t count) {
    S* const result = scratch_[max_operands];
    for (std::ptrdiff_t k = 0; k < count; ++k) result[k] = std::numeric_limits<S>::quiet_NaN();
    store(result, first, count);
  }
};

}  // namespace

int ufunc_operand_count(const loss_info& loss) {
  int n = 0;
  for (const operand& o : loss.operands) n += !o.is(multiplies);
  return n;
}

void run_ufunc_loop(const ufunc_loop& loop, char* const* data, std::ptrdiff_t count, const std::ptrdiff_t* steps) {
  if (count == 0) return;  // the arguments may point nowhere
  const quiet_floating_point quiet;
  if (loop.wide) element_loop<double>(loop, data, count, steps).run();
  else element_loop<float>(loop, data, count, steps).run();
}

}  // namespace fastloss

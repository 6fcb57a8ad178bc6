#include "fastloss/engine/ufunc_loop.hpp"

#include <cfenv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "fastloss/engine/pointwise_kernels.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

// Elements gathered at a time: the scratch of all operands stays small on the stack of any thread.
constexpr std::ptrdiff_t chunk_elements = 256;

// Formulas compute both arms of a choice, which raises flags that NumPy would report as warnings.
class quiet_floating_point {
 public:
  quiet_floating_point() { std::feholdexcept(&environment_); }
  ~quiet_floating_point() { std::fesetenv(&environment_); }
  quiet_floating_point(const quiet_floating_point&) = delete;
  quiet_floating_point& operator=(const quiet_floating_point&) = delete;

 private:
  std::fenv_t environment_;
};

template <class S>
S read(const char* from) {
  S x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

bool option_allowed(const option_info& o, double x) {
  if (std::isnan(x)) return false;
  if (o.kind == option_kind::number) return o.values.contains(x);
  if (o.kind == option_kind::toggle) return true;
  return x >= 0 && x < o.choice_count && x == std::floor(x);
}

template <class S>
class element_loop {
 public:
  element_loop(const ufunc_loop& loop, char* const* data, const std::ptrdiff_t* steps)
      : loss_(*loop.loss),
        data_(data),
        steps_(steps),
        operands_(ufunc_operand_count(loss_)),
        options_(static_cast<int>(loss_.options.size())),
        output_(operands_ + options_) {
    const loss_kernels& all = loss_.kernels != nullptr ? *loss_.kernels : active_kernels().pointwise[loss_.index];
    const pointwise_kernels& kernels = all.elementwise[loop.wide][has_optional_operands()];
    kernel_ = loop.gradient ? kernels.gradient[0] : kernels.value;
    gradient_ = loop.gradient;
    loss_.construct(loss_struct_);
    choose_domains();
    for (int o = 0; o < options_; ++o) options_vary_ |= steps_[operands_ + o] != 0;
    direct_ = !checks_domains_;
    for (int i = 0; i < operands_; ++i) direct_ &= is_contiguous(i);
    direct_ &= is_contiguous(output_);
  }

  void run(std::ptrdiff_t count) {
    for (std::ptrdiff_t first = 0; first < count;) {
      const bool allowed = read_options(first);
      const std::ptrdiff_t end = options_vary_ ? end_of_equal_options(first, count) : count;
      if (allowed) compute(first, end);
      else write_nan(first, end);
      first = end;
    }
  }

 private:
  const loss_info& loss_;
  char* const* data_;
  const std::ptrdiff_t* steps_;
  int operands_, options_, output_;
  tile_kernel kernel_;
  bool gradient_;
  bool options_vary_ = false, direct_, checks_domains_ = false;
  domain domains_[max_operands];
  alignas(double) unsigned char loss_struct_[max_loss_bytes];
  alignas(tile_alignment) S scratch_[max_operands + 1][chunk_elements];

  bool has_optional_operands() const {
    for (const operand& o : loss_.operands)
      if (o.is(optional) && !o.is(multiplies)) return true;
    return false;
  }

  void choose_domains() {
    int i = 0;
    for (std::size_t k = 0; k < loss_.operands.size(); ++k) {
      if (loss_.operands[k].is(multiplies)) continue;
      domains_[i] = loss_.values(loss_struct_, static_cast<int>(k));
      checks_domains_ |= domains_[i++].always;
    }
  }

  char* at(int argument, std::ptrdiff_t i) const { return data_[argument] + i * steps_[argument]; }

  bool is_contiguous(int argument) const {
    return steps_[argument] == static_cast<std::ptrdiff_t>(sizeof(S)) &&
           reinterpret_cast<std::uintptr_t>(data_[argument]) % alignof(S) == 0;
  }

  bool read_options(std::ptrdiff_t i) {
    bool allowed = true;
    for (int o = 0; o < options_; ++o) {
      const double x = read<S>(at(operands_ + o, i));
      if (option_allowed(loss_.options[static_cast<std::size_t>(o)], x)) loss_.set(loss_struct_, o, x);
      else allowed = false;
    }
    return allowed;
  }

  std::ptrdiff_t end_of_equal_options(std::ptrdiff_t first, std::ptrdiff_t count) const {
    for (std::ptrdiff_t i = first + 1; i < count; ++i)
      for (int o = 0; o < options_; ++o)
        if (std::memcmp(at(operands_ + o, i), at(operands_ + o, first), sizeof(S)) != 0) return i;
    return count;
  }

  void compute(std::ptrdiff_t first, std::ptrdiff_t end) {
    constexpr std::ptrdiff_t whole = tile_alignment / sizeof(S);
    if (direct_) {
      const std::ptrdiff_t packs = (end - first) / whole * whole;
      tile t = tile_at(first);
      t.count = static_cast<std::size_t>(packs);
      if (packs > 0) kernel_(loss_struct_, t);
      first += packs;
    }
    for (; first < end; first += chunk_elements)
      compute_gathered(first, end - first < chunk_elements ? end - first : chunk_elements, whole);
  }

  tile tile_at(std::ptrdiff_t first) const {
    tile t{};
    for (int i = 0; i < operands_; ++i) t.operand[i] = at(i, first);
    (gradient_ ? t.gradient : t.value) = at(output_, first);
    return t;
  }

  void compute_gathered(std::ptrdiff_t first, std::ptrdiff_t count, std::ptrdiff_t whole) {
    const std::ptrdiff_t padded = (count + whole - 1) / whole * whole;
    tile t{};
    for (int i = 0; i < operands_; ++i) {
      for (std::ptrdiff_t k = 0; k < count; ++k) scratch_[i][k] = read<S>(at(i, first + k));
      for (std::ptrdiff_t k = count; k < padded; ++k) scratch_[i][k] = scratch_[i][0];
      t.operand[i] = scratch_[i];
    }
    S* const result = scratch_[max_operands];
    (gradient_ ? t.gradient : t.value) = result;
    t.count = static_cast<std::size_t>(padded);
    kernel_(loss_struct_, t);
    if (checks_domains_) mark_outside(result, count);
    for (std::ptrdiff_t k = 0; k < count; ++k) std::memcpy(at(output_, first + k), result + k, sizeof(S));
  }

  void mark_outside(S* result, std::ptrdiff_t count) const {
    for (int i = 0; i < operands_; ++i) {
      if (!domains_[i].always) continue;
      for (std::ptrdiff_t k = 0; k < count; ++k)
        if (!domains_[i].contains(static_cast<double>(scratch_[i][k]))) result[k] = std::numeric_limits<S>::quiet_NaN();
    }
  }

  void write_nan(std::ptrdiff_t first, std::ptrdiff_t end) const {
    const S nan = std::numeric_limits<S>::quiet_NaN();
    for (; first < end; ++first) std::memcpy(at(output_, first), &nan, sizeof nan);
  }
};

}  // namespace

int ufunc_operand_count(const loss_info& loss) {
  int n = 0;
  for (const operand& o : loss.operands) n += !o.is(multiplies);
  return n;
}

void run_ufunc_loop(const ufunc_loop& loop, char* const* data, std::ptrdiff_t count, const std::ptrdiff_t* steps) {
  const quiet_floating_point quiet;
  if (loop.wide) element_loop<double>(loop, data, steps).run(count);
  else element_loop<float>(loop, data, steps).run(count);
}

}  // namespace fastloss

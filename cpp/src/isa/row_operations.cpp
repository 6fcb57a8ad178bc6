// Operations on tiles of rows, and on what there is one of for each row, for one instruction set.
#include <algorithm>
#include <iterator>
#include <utility>

#include "fastloss/simd/log.hpp"
#include "isa/class_contiguous.hpp"
#include "isa/hess_class_contiguous.hpp"
#include "isa/hess_row_contiguous.hpp"
#include "isa/parts.hpp"
#include "isa/row_contiguous.hpp"
#include "isa/sparsemax.hpp"
#include "isa/strided.hpp"
#include "isa/transpose.hpp"

namespace fastloss {
namespace {

// Integers that do not lie side by side, or whose bytes are in the other order, side by side.
template <class T>
[[gnu::noinline]] void lay_side_by_side(T* to, const char* from, std::ptrdiff_t stride, std::size_t n, bool swapped) {
  for (std::size_t i = 0; i < n; ++i) {
    const char* const p = from + static_cast<std::ptrdiff_t>(i) * stride;
    to[i] = swapped ? read<T, true>(p) : read<T, false>(p);
  }
}

template <class S, class T>
[[gnu::noinline]] bool labels_from(void* to, const void* base, bool swapped, const strided_run& run, std::int64_t classes,
                                   std::int64_t ignored) {
  const char* const from = static_cast<const char*>(base);
  unsigned bad = 0;
  // An index of 64 bits that is not signed is out of range where the signed one is negative: no loss has 2^63 classes.
  const auto label = [&](T given) {
    const std::int64_t x = static_cast<std::int64_t>(given);
    const bool representable = T(-1) < T(0) || sizeof(T) < 8 || x >= 0;
    const bool inside = static_cast<std::uint64_t>(x) < static_cast<std::uint64_t>(classes), skip = x == ignored && representable;
    bad |= static_cast<unsigned>(!inside & !skip);
    return inside & !skip ? static_cast<label_of<S>>(x) : label_of<S>(-1);
  };
  for_each_row(run, [&](std::ptrdiff_t offset, std::ptrdiff_t stride, std::size_t first, std::size_t n) {
    const char* const p = from + offset;
    label_of<S>* const out = static_cast<label_of<S>*>(to) + first;
    if (stride == static_cast<std::ptrdiff_t>(sizeof(T)) && !swapped) {
      // The next tile's indices most likely lie behind these.
      for (std::size_t i = 0; i < n * sizeof(T); i += 64) __builtin_prefetch(p + n * sizeof(T) + i);
      for (std::size_t i = 0; i < n; ++i) out[i] = label(read<T, false>(p + i * sizeof(T)));
      return;
    }
    T gathered[256];
    for (std::size_t done = 0; done < n; done += std::size(gathered)) {
      const std::size_t some = std::min(n - done, std::size(gathered));
      lay_side_by_side(gathered, p + static_cast<std::ptrdiff_t>(done) * stride, stride, some, swapped);
      for (std::size_t i = 0; i < some; ++i) out[done + i] = label(gathered[i]);
    }
  });
  return bad == 0;
}

template <class S, class T, bool Swapped>
bool load_labels(void* to, const void* base, const strided_run& run, std::int64_t classes, std::int64_t ignored) {
  return labels_from<S, T>(to, base, Swapped, run, classes, ignored);
}

template <class S>
void leave_out(void* labels, void* counts, std::size_t rows, std::size_t padded) {
  label_of<S>* const l = static_cast<label_of<S>*>(labels);
  S* const c = static_cast<S*>(counts);
  for (std::size_t i = rows; i < padded; ++i) l[i] = -1;
  for (std::size_t i = 0; i < padded; ++i) {
    const S count = l[i] < 0 ? S(0) : c[i];
    l[i] = c[i] == S(0) ? label_of<S>(-1) : l[i];
    c[i] = count;
  }
}

template <class S>
double weighted_sum(const void* counts, const void* weights, const void* x, std::size_t count) {
  constexpr std::size_t lanes = 8;  // of which whole packs have a multiple
  const S *const c = static_cast<const S*>(counts), *const w = static_cast<const S*>(weights), *const v = static_cast<const S*>(x);
  double total[lanes] = {};
  const auto add = [&](const auto& value) {
    for (std::size_t i = 0; i < count; i += lanes)
      for (std::size_t k = 0; k < lanes; ++k) {
        const double product = static_cast<double>(c[i + k]) * value(i + k);
        total[k] += c[i + k] == S(0) ? 0.0 : product;
      }
  };
  if (w == nullptr) {
    add([&](std::size_t i) { return static_cast<double>(v[i]); });
  } else {
    add([&](std::size_t i) {
      const double product = static_cast<double>(w[i]) * static_cast<double>(v[i]);
      return w[i] == S(0) ? 0.0 : product;
    });
  }
  double sum = 0.0;
  for (const double t : total) sum += t;
  return sum;
}

template <class S>
void log1p_of_packs(const void* x, void* out, std::size_t count) {
  using P = native_pack<S>;
  for (std::size_t i = 0; i < count; i += P::width) log1p(P::load(static_cast<const S*>(x) + i)).store(static_cast<S*>(out) + i);
}

// For the most probable class 1 - p is the tail's part of the sum, to all its digits however small it is.
template <class S>
void coefficients(const coefficient_pass& p) {
  using P = native_pack<S>;
  const auto at = [](const void* numbers, std::size_t i) { return P::load(static_cast<const S*>(numbers) + i); };
  const P zero(0), smoothing(p.smoothing), weight_sum(p.weight_sum);
  const auto product = [&](P c, P x) { return select(c == zero, zero, c * x); };
  for (std::size_t i = 0; i < p.count; i += P::width) {
    const P tail = at(p.tail, i), label_score = at(p.label_score, i), sum = tail + 1;
    const P label_exp = p.label_exp == nullptr ? detail::exp_nonpositive(label_score) : at(p.label_exp, i);
    const P below = tail + (1 - label_exp), own = label_exp / sum;
    const P others = (p.label_exp == nullptr ? select(label_score == zero, tail, below) : below) / sum;
    const P factor = at(p.factor, i), row_factor = at(p.row_factor, i);
    const P d1 = product(factor, at(p.d1, i));
    P d_sum = -d1, at_label = product(d1, others);
    if (p.d_shift_term != nullptr) {
      const P term = product(row_factor, at(p.d_shift_term, i));
      d_sum += term;
      at_label += product(term, own);
    }
    if (p.constant != nullptr) {
      const P spread = row_factor * smoothing;
      const P weight = p.label_weight == nullptr ? P(1) : at(p.label_weight, i);
      d_sum += spread * weight_sum;
      at_label += product(spread, weight_sum * own - weight);
      (-spread).store(static_cast<S*>(p.constant) + i);
    }
    select(d_sum == zero, zero, d_sum / sum).store(static_cast<S*>(p.coef_exp) + i);
    at_label.store(static_cast<S*>(p.at_label) + i);
  }
}

template <class S>
void class_coefficients(std::size_t count, const void* tail, const void* factor, const void* d1_sum, const void* row_factor,
                        const void* d_shift_term, void* coef_exp) {
  using P = native_pack<S>;
  const P zero(0);
  const auto product = [&](const void* c, const void* x, std::size_t i) {
    if (x == nullptr) return zero;
    const P f = P::load(static_cast<const S*>(c) + i);
    return select(f == zero, zero, f * P::load(static_cast<const S*>(x) + i));
  };
  for (std::size_t i = 0; i < count; i += P::width) {
    const P sum = P::load(static_cast<const S*>(tail) + i) + 1;
    const P d_sum = product(row_factor, d_shift_term, i) - product(factor, d1_sum, i);
    select(d_sum == zero, zero, d_sum / sum).store(static_cast<S*>(coef_exp) + i);
  }
}

template <class S>
void take(const void* numbers, const void* labels, void* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const label_of<S> label = static_cast<const label_of<S>*>(labels)[i];
    static_cast<S*>(out)[i] = label < 0 ? S(0) : static_cast<const S*>(numbers)[label];
  }
}

template <class S>
constexpr row_operations_of_arrangement operations_along_classes() {
  using namespace class_contiguous;
  return {softmax<S>, sparsemax<S>, gradient<S>, hess<S>,  products_along_rows<S>, maximum<S>, largest<S>,
          gather<S>,  scatter<S>,   subtract<S>, scale<S>, broadcast<S>,           sum<S>,     add_to_classes<S>};
}

template <class S>
constexpr row_operations_of_arrangement operations_along_rows() {
  using namespace row_contiguous;
  return {softmax<S>,  sparsemax<S>, gradient<S>,  hess<S>, products_across_rows<S>, maximum<S>, largest<S>, gather<S>, scatter<S>,
          subtract<S>, scale<S>,     broadcast<S>, sum<S>,  add_to_classes<S>};
}

template <class S, dtype T>
constexpr void add_dtype(row_operations& o) {
  if constexpr (!is_floating(T) && T != dtype::boolean) {
    o.load_labels[static_cast<int>(T)][0] = load_labels<S, element<T>, false>;
    o.load_labels[static_cast<int>(T)][1] = load_labels<S, element<T>, true>;
  }
}

template <class S, int... T>
constexpr row_operations make_rows(std::integer_sequence<int, T...>) {
  row_operations o{};
  o.of[static_cast<int>(arrangement::class_contiguous)] = operations_along_classes<S>();
  o.of[static_cast<int>(arrangement::row_contiguous)] = operations_along_rows<S>();
  (add_dtype<S, static_cast<dtype>(T)>(o), ...);
  o.leave_out = leave_out<S>;
  o.coefficients = coefficients<S>;
  o.class_coefficients = class_coefficients<S>;
  o.weighted_sum = weighted_sum<S>;
  o.log1p = log1p_of_packs<S>;
  o.take = take<S>;
  o.transpose_in = transpose_in<S>;
  o.transpose_out = transpose_out<S>;
  return o;
}

}  // namespace

constexpr row_operations_of_dtypes FASTLOSS_ROW_OPERATIONS = {
    {make_rows<float>(std::make_integer_sequence<int, dtype_count>{}), make_rows<double>(std::make_integer_sequence<int, dtype_count>{})}};

}  // namespace fastloss

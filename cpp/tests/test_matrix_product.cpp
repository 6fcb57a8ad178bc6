// Products of matrices: every instruction set, shapes around the sizes of panels and blocks, layouts, dtypes, threads.
#include "fastloss/engine/matrix_product.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "fastloss/runtime/isa.hpp"

namespace {

using fastloss::dtype;
using fastloss::matrix;
using fastloss::multiply_matrices;
using fastloss::product_target;
using fastloss::product_workspace;

std::mt19937_64 generator(7);
product_workspace workspace;

template <class S>
constexpr dtype dtype_of = sizeof(S) == 8 ? dtype::float64 : dtype::float32;

template <class S>
std::vector<S> numbers(std::size_t n) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<S> v(n);
  for (S& x : v) x = static_cast<S>(uniform(generator));
  return v;
}

enum class layout { rows, columns, strided, reversed };

// A matrix of the numbers `dense` (in C order) that lies in memory in one of several ways.
template <class S>
struct stored {
  std::vector<S> memory;
  matrix view;

  stored(const std::vector<S>& dense, std::size_t rows, std::size_t columns, layout how) {
    const std::ptrdiff_t size = sizeof(S), r = static_cast<std::ptrdiff_t>(rows), c = static_cast<std::ptrdiff_t>(columns);
    std::ptrdiff_t row = c, column = 1, offset = 0;
    if (how == layout::columns) row = 1, column = r;
    if (how == layout::strided) row = 3 * c + 5, column = 3;
    if (how == layout::reversed) column = -1, offset = c - 1;
    memory.assign(static_cast<std::size_t>(r * std::max(row, std::ptrdiff_t{1}) + 3 * c + r * c + 8), std::numeric_limits<S>::quiet_NaN());
    for (std::ptrdiff_t i = 0; i < r; ++i)
      for (std::ptrdiff_t j = 0; j < c; ++j)
        memory[static_cast<std::size_t>(offset + i * row + j * column)] = dense[static_cast<std::size_t>(i * c + j)];
    view = {memory.data() + offset, rows, columns, row * size, column * size, dtype_of<S>};
  }
};

template <class S>
bool agrees(const std::vector<S>& left, const std::vector<S>& right, std::size_t m, std::size_t n, std::size_t k, const S* c,
            std::size_t stride, const std::vector<S>& before) {
  const double unit = std::numeric_limits<S>::epsilon();
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      long double sum = before.empty() ? 0 : before[i * n + j], size = std::fabs(sum);
      for (std::size_t d = 0; d < k; ++d) {
        const long double term = static_cast<long double>(left[i * k + d]) * right[d * n + j];
        sum += term;
        size += std::fabs(term);
      }
      // Worst case of sums of 256 terms, one after the other; 4: the additions of the parts.
      const long double bound = unit * static_cast<double>(std::min<std::size_t>(k, 256) + k / 256 + 4) * size;
      if (!(std::fabs(c[i * stride + j] - sum) <= bound)) return false;
    }
  return true;
}

template <class S>
void one_shape(std::size_t m, std::size_t n, std::size_t k, layout of_left, layout of_right) {
  const std::vector<S> a = numbers<S>(m * k), b = numbers<S>(k * n), row = numbers<S>(n), old = numbers<S>(m * n);
  const stored<S> left(a, m, k, of_left), right(b, k, n, of_right);
  const std::size_t stride = n + 3;
  const S mark = S(12345);
  std::vector<S> c(m * stride + 1, mark);
  const auto gap_untouched = [&] {
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = n; j < stride; ++j)
        if (c[i * stride + j] != mark) return false;
    return c.back() == mark;
  };
  multiply_matrices({c.data(), stride}, left.view, right.view, dtype_of<S>, 2, workspace);
  CHECK(agrees<S>(a, b, m, n, k, c.data(), stride, {}));
  CHECK(gap_untouched());

  std::vector<S> rows(m * n);
  for (std::size_t i = 0; i < m * n; ++i) rows[i] = row[i % n];
  multiply_matrices({c.data(), stride, false, row.data()}, left.view, right.view, dtype_of<S>, 2, workspace);
  CHECK(agrees<S>(a, b, m, n, k, c.data(), stride, rows));
  CHECK(gap_untouched());

  for (std::size_t i = 0; i < m; ++i) std::copy_n(old.data() + i * n, n, c.data() + i * stride);
  multiply_matrices({c.data(), stride, true}, left.view, right.view, dtype_of<S>, 2, workspace);
  CHECK(agrees<S>(a, b, m, n, k, c.data(), stride, old));
  CHECK(gap_untouched());
}

template <class S>
void shapes_and_layouts() {
  const std::size_t odd[] = {1, 2, 7, 8, 9, 31, 33, 64, 67};
  for (const std::size_t m : odd)
    for (const std::size_t n : odd)
      for (const std::size_t k : {std::size_t{1}, std::size_t{5}, std::size_t{16}, std::size_t{37}})
        one_shape<S>(m, n, k, layout::rows, layout::rows);
  const layout all[] = {layout::rows, layout::columns, layout::strided, layout::reversed};
  for (const layout l : all)
    for (const layout r : all) one_shape<S>(45, 83, 70, l, r);
  // Several blocks along each side, and a depth of several parts.
  one_shape<S>(20, 30, 2500, layout::rows, layout::rows);
  one_shape<S>(300, 140, 600, layout::columns, layout::columns);
  one_shape<S>(3, 9000, 260, layout::rows, layout::columns);
  one_shape<S>(9000, 3, 260, layout::columns, layout::rows);
}

template <class S>
std::vector<S> product(const matrix& left, const matrix& right, int threads, std::size_t m, std::size_t n) {
  std::vector<S> c(m * n);
  multiply_matrices({c.data(), n}, left, right, dtype_of<S>, threads, workspace);
  return c;
}

template <class S>
bool same_bits(const std::vector<S>& a, const std::vector<S>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(S)) == 0;
}

template <class S>
void any_number_of_threads_gives_the_same_bits() {
  const std::size_t m = 217, n = 1203, k = 2300;
  const std::vector<S> a = numbers<S>(m * k), b = numbers<S>(k * n);
  const stored<S> left(a, m, k, layout::rows), right(b, k, n, layout::rows);
  const std::vector<S> one = product<S>(left.view, right.view, 1, m, n);
  for (const int threads : {2, 3, 7}) CHECK(same_bits(one, product<S>(left.view, right.view, threads, m, n)));
  const stored<S> across(a, m, k, layout::columns), down(b, k, n, layout::columns);
  CHECK(same_bits(one, product<S>(across.view, down.view, 2, m, n)));
}

// Numbers that every dtype holds: small integers.
template <class S>
void other_dtypes() {
  const std::size_t m = 21, n = 50, k = 130;
  std::uniform_int_distribution<int> small(0, 3);
  std::vector<S> a(m * k), b(k * n);
  for (S& x : a) x = static_cast<S>(small(generator));
  for (S& x : b) x = static_cast<S>(small(generator));
  const stored<S> left(a, m, k, layout::rows), right(b, k, n, layout::columns);
  const std::vector<S> want = product<S>(left.view, right.view, 1, m, n);

  std::vector<std::uint8_t> bytes(a.begin(), a.end());
  CHECK(same_bits(want, product<S>({bytes.data(), m, k, static_cast<std::ptrdiff_t>(k), 1, dtype::uint8}, right.view, 2, m, n)));

  std::vector<std::uint16_t> brain(b.size());
  for (std::size_t i = 0; i < b.size(); ++i) {
    const float x = static_cast<float>(b[i]);
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    brain[i] = static_cast<std::uint16_t>(bits >> 16);
  }
  CHECK(same_bits(want, product<S>(left.view, {brain.data(), k, n, static_cast<std::ptrdiff_t>(2 * n), 2, dtype::bfloat16}, 2, m, n)));

  std::vector<unsigned char> swapped(a.size() * 8 + 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]);
    unsigned char word[8];
    std::memcpy(word, &x, 8);
    std::reverse(word, word + 8);
    std::memcpy(swapped.data() + 1 + 8 * i, word, 8);
  }
  const matrix other{swapped.data() + 1, m, k, static_cast<std::ptrdiff_t>(8 * k), 8, dtype::float64, true};
  CHECK(same_bits(want, product<S>(other, right.view, 2, m, n)));

  std::vector<unsigned char> shifted(a.size() * sizeof(S) + 1);
  std::memcpy(shifted.data() + 1, a.data(), a.size() * sizeof(S));
  const std::ptrdiff_t size = sizeof(S);
  const matrix unaligned{shifted.data() + 1, m, k, static_cast<std::ptrdiff_t>(k) * size, size, dtype_of<S>};
  CHECK(same_bits(want, product<S>(unaligned, right.view, 2, m, n)));
}

template <class S>
void nothing_to_add() {
  const S row[3] = {S(1), S(2), S(3)};
  std::vector<S> c(6, S(9));
  const matrix left{row, 2, 0, 0, sizeof(S), dtype_of<S>}, right{row, 0, 3, 0, sizeof(S), dtype_of<S>};
  multiply_matrices({c.data(), 3}, left, right, dtype_of<S>, 0, workspace);
  CHECK(c == std::vector<S>(6, S(0)));
  multiply_matrices({c.data(), 3, false, row}, left, right, dtype_of<S>, 0, workspace);
  CHECK((c == std::vector<S>{S(1), S(2), S(3), S(1), S(2), S(3)}));
  multiply_matrices({c.data(), 3, true}, left, right, dtype_of<S>, 0, workspace);
  CHECK((c == std::vector<S>{S(1), S(2), S(3), S(1), S(2), S(3)}));
  multiply_matrices({nullptr, 3}, {row, 0, 3, 0, sizeof(S), dtype_of<S>}, {row, 3, 3, 0, sizeof(S), dtype_of<S>}, dtype_of<S>, 0,
                    workspace);
}

// A row of infinities or NaN is its own affair: lines of a panel do not meet.
template <class S>
void rows_are_apart() {
  const std::size_t m = 19, n = 40, k = 33;
  const std::vector<S> good = numbers<S>(m * k), b = numbers<S>(k * n);
  std::vector<S> bad = good;
  for (std::size_t d = 0; d < k; ++d) bad[3 * k + d] = d % 2 ? std::numeric_limits<S>::quiet_NaN() : std::numeric_limits<S>::infinity();
  const stored<S> right(b, k, n, layout::rows);
  const std::vector<S> want = product<S>(stored<S>(good, m, k, layout::rows).view, right.view, 2, m, n);
  const std::vector<S> got = product<S>(stored<S>(bad, m, k, layout::rows).view, right.view, 2, m, n);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j) CHECK(i == 3 ? std::isnan(got[i * n + j]) : got[i * n + j] == want[i * n + j]);
}

template <class S>
void everything() {
  shapes_and_layouts<S>();
  any_number_of_threads_gives_the_same_bits<S>();
  other_dtypes<S>();
  nothing_to_add<S>();
  rows_are_apart<S>();
}

}  // namespace

int main() {
  for (const char* const* isa = fastloss::available_isas(); *isa != nullptr; ++isa) {
    fastloss::use_isa(*isa);
    everything<float>();
    everything<double>();
  }
  return report();
}

// signed_distance from C++: numbers worked out by hand, layouts, axes, threads and instruction sets, and what is refused.
#include "fastloss/engine/signed_distance.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/isa.hpp"

namespace {

using fastloss::const_array;
using fastloss::distance_options;
using fastloss::dtype;
using fastloss::mutable_array;
using fastloss::signed_distance;
using extents = std::vector<std::ptrdiff_t>;

extents contiguous(const extents& shape, std::ptrdiff_t item) {
  extents strides(shape.size());
  for (std::size_t i = shape.size(); i-- > 0; item *= shape[i]) strides[i] = item;
  return strides;
}

std::size_t count_of(const extents& shape) {
  std::size_t n = 1;
  for (const std::ptrdiff_t extent : shape) n *= static_cast<std::size_t>(extent);
  return n;
}

// A mask and a result in C order.
struct image {
  extents shape, mask_strides, out_strides;
  std::vector<std::uint8_t> mask;
  std::vector<double> out;

  image(extents with_shape, std::vector<std::uint8_t> numbers)
      : shape(std::move(with_shape)),
        mask_strides(contiguous(shape, 1)),
        out_strides(contiguous(shape, sizeof(double))),
        mask(std::move(numbers)),
        out(count_of(shape), std::numeric_limits<double>::quiet_NaN()) {}

  const_array from() const {
    return {.data = mask.data(),
            .shape = shape.data(),
            .strides = mask_strides.data(),
            .rank = static_cast<int>(shape.size()),
            .type = dtype::uint8};
  }
  mutable_array to() {
    return {.data = out.data(),
            .shape = shape.data(),
            .strides = out_strides.data(),
            .rank = static_cast<int>(shape.size()),
            .type = dtype::float64};
  }
  const std::vector<double>& measured(const distance_options& options = {}) {
    signed_distance(from(), to(), options);
    return out;
  }
};

std::vector<std::uint8_t> random_mask(std::size_t count, double share) {
  std::mt19937 generator(11);
  std::bernoulli_distribution inside(share);
  std::vector<std::uint8_t> mask(count);
  for (std::uint8_t& m : mask) m = inside(generator) ? 1 : 0;
  return mask;
}

void test_numbers() {
  image line({6}, {0, 0, 1, 1, 1, 0});
  CHECK((line.measured() == std::vector<double>{2, 1, -1, -2, -1, 1}));
  const double half[] = {0.5};
  CHECK((line.measured({.spacing = half}) == std::vector<double>{1, 0.5, -0.5, -1, -0.5, 0.5}));
  image corner({2, 3}, {1, 0, 0, 0, 0, 0});
  const double spacing[] = {3.0, 4.0};
  CHECK((corner.measured({.spacing = spacing}) == std::vector<double>{-3, 4, 8, 3, 5, std::sqrt(73.0)}));
  const int last[] = {-1}, swapped[] = {1, 0};
  const double reversed[] = {4.0, 3.0};
  CHECK((corner.measured({.axes = last}) == std::vector<double>{-1, 1, 2, 0, 0, 0}));
  CHECK((corner.measured({.spacing = reversed, .axes = swapped}) == std::vector<double>{-3, 4, 8, 3, 5, std::sqrt(73.0)}));
  image full({2, 2}, {1, 1, 1, 1});
  CHECK((full.measured() == std::vector<double>{0, 0, 0, 0}));
  image nothing({0, 3}, {});
  CHECK(nothing.measured().empty());
}

// Every other pixel, in the other direction, with a result of float32 in columns.
void test_layouts() {
  const extents shape = {23, 41};
  image dense(shape, random_mask(count_of(shape), 0.1));
  const std::vector<double> want = dense.measured();
  std::vector<std::int32_t> sparse(2 * count_of(shape), 7);
  for (std::size_t i = 0; i < dense.mask.size(); ++i) sparse[sparse.size() - 1 - 2 * i] = dense.mask[i];
  const std::ptrdiff_t mask_strides[] = {-41 * 8, -8}, out_strides[] = {4, 23 * 4};
  std::vector<float> out(count_of(shape));
  signed_distance({.data = &sparse.back(), .shape = shape.data(), .strides = mask_strides, .rank = 2, .type = dtype::int32},
                  {.data = out.data(), .shape = shape.data(), .strides = out_strides, .rank = 2, .type = dtype::float32});
  bool equal = true;
  for (std::size_t i = 0; i < 23; ++i)
    for (std::size_t j = 0; j < 41; ++j) equal &= out[j * 23 + i] == static_cast<float>(want[i * 41 + j]);
  CHECK(equal);
}

void test_threads_and_instruction_sets() {
  const std::string best = fastloss::active_isa();
  const double spacing[] = {0.5, 3.0, 0.5};
  const int planes[] = {1, 2};
  for (const double share : {0.0005, 0.5}) {
    image volume({40, 70, 60}, random_mask(40 * 70 * 60, share));
    const std::vector<double> want = volume.measured({.threads = 1}), apart = volume.measured({.axes = planes, .threads = 1}),
                              stretched = volume.measured({.spacing = spacing, .threads = 1});
    for (const int threads : {2, 3, 8}) {
      CHECK(volume.measured({.threads = threads}) == want);
      CHECK(volume.measured({.axes = planes, .threads = threads}) == apart);
      CHECK(volume.measured({.spacing = spacing, .threads = threads}) == stretched);
    }
    for (const char* const* isa = fastloss::available_isas(); *isa != nullptr; ++isa) {
      fastloss::use_isa(*isa);
      CHECK(volume.measured() == want);
      CHECK(volume.measured({.axes = planes}) == apart);
    }
    fastloss::use_isa(best.c_str());
  }
}

template <class Error>
void check_refused(image& of, const char* words, const std::function<void()>& call) {
  std::fill(of.out.begin(), of.out.end(), 9.0);
  std::string said;
  try {
    call();
  } catch (const Error& e) {
    said = e.what();
  }
  if (said.find(words) == std::string::npos) std::printf("'%s' is not in '%s'\n", words, said.c_str());
  CHECK(said.find(words) != std::string::npos);
  CHECK(std::all_of(of.out.begin(), of.out.end(), [](double x) { return x == 9.0; }));
}

void test_refusals() {
  using fastloss::type_error;
  using fastloss::value_error;
  image wrong({2, 3}, {0, 1, 0, 0, 5, 0});
  check_refused<value_error>(wrong, "mask must have no number but 0 and 1, got 5 at index (1, 1)", [&] { wrong.measured(); });
  image right({2, 3}, {0, 1, 0, 0, 1, 0});
  const auto refused = [&](const char* words, const distance_options& options) {
    check_refused<value_error>(right, words, [&] { right.measured(options); });
  };
  const double none[] = {0.0}, negative[] = {1.0, -1.0}, three[] = {1.0, 1.0, 1.0}, far[] = {1e-40, 1e40};
  const int outside[] = {2}, twice[] = {0, -2};
  refused("spacing must be finite and above 0, got 0.0", {.spacing = none});
  refused("spacing must be finite and above 0, got -1.0", {.spacing = negative});
  refused("one for each of the 2 measured axes, got 3", {.spacing = three});
  refused("over 2**100 times", {.spacing = far});
  refused("axes must be from -2 to 1 for mask of shape (2, 3), got 2", {.axes = outside});
  refused("axes names axis 0 twice", {.axes = twice});
  check_refused<value_error>(right, "no mask is given", [&] { signed_distance({}, right.to()); });
  check_refused<value_error>(right, "no memory for out", [&] { signed_distance(right.from(), {}); });
  check_refused<value_error>(right, "must have an axis of pixels", [&] {
    const_array number = right.from();
    number.rank = 0;
    signed_distance(number, right.to());
  });
  check_refused<value_error>(right, "at most 64 axes, got 65", [&] {
    const extents ones(65, 1);
    const_array deep = right.from();
    mutable_array out = right.to();
    deep.rank = out.rank = 65;
    deep.shape = deep.strides = out.shape = out.strides = ones.data();
    signed_distance(deep, out);
  });
  check_refused<type_error>(right, "out must have a floating dtype, got int64", [&] {
    mutable_array out = right.to();
    out.type = dtype::int64;
    signed_distance(right.from(), out);
  });
  check_refused<value_error>(right, "out must have the shape of mask, (2, 3), got (2,)", [&] {
    mutable_array out = right.to();
    out.rank = 1;
    signed_distance(right.from(), out);
  });
  check_refused<value_error>(right, "out shares memory with mask", [&] {
    const_array mask = right.from();
    mask.data = right.out.data();
    signed_distance(mask, right.to());
  });
}

}  // namespace

int main() {
  test_numbers();
  test_layouts();
  test_threads_and_instruction_sets();
  test_refusals();
  return report();
}

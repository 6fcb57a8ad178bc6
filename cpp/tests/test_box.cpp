// Every registered loss of boxes through the entry point. What the numbers should be is the Python suite's subject; here they must not
// depend on the layout, the number of threads, the dtype that holds the boxes, what their four numbers are, or what else is asked for.
#include <numeric>

#include "boxes.hpp"
#include "check.hpp"
#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/threads.hpp"

namespace {

using namespace box_tests;

// Nor does it matter what a gradient is written over, and whether there is one in the other box.
void layouts_change_nothing(const loss_info& loss, int choice) {
  for (const dtype type : {dtype::float16, dtype::float32, dtype::float64})
    for (const std::ptrdiff_t pairs : {1, 15, 16, 17, 255, 256, 257, 1023, 1024, 1025, 2048 + 5}) {
      double sum = 0.0;
      for (const reduction how : {reduction::none, reduction::mean}) {
        request r{.loss = &loss, .choice = choice, .type = type, .pairs = pairs, .gradients = 0, .reduction = how};
        const std::vector<double> values = results_of(r).values;
        if (how == reduction::none) sum = std::accumulate(values.begin(), values.end(), 0.0);
        else CHECK(near(values[0], sum / static_cast<double>(pairs), tolerance_of(type)));
        results each[in_both + 1];
        for (const unsigned gradients : {in_input, in_target, in_both}) {
          r.gradients = gradients;
          const results& expected = each[gradients] = results_of(r);
          CHECK(finite(expected.values) && finite(expected.gradients));
          CHECK(same_bits(expected.values, values));
          for (const layout l : layouts) {
            r.how = l;
            CHECK(same_bits(results_of(r), expected));
          }
          r.how = layout::contiguous;
          for (const layout l : {layout::contiguous, layout::spread}) {
            request over = r;
            over.how = l;
            over.in_place = true;
            CHECK(same_bits(results_of(over), expected));
          }
        }
        std::vector<double> apart = each[in_input].gradients;
        apart.insert(apart.end(), each[in_target].gradients.begin(), each[in_target].gradients.end());
        CHECK(alike(apart, each[in_both].gradients, tolerance_of(type)));
      }
    }
}

// Enough pairs for threads to pay.
void threads_change_nothing(const loss_info& loss, int choice) {
  for (const dtype type : {dtype::float32, dtype::float64})
    for (const reduction how : {reduction::none, reduction::mean}) {
      request r{.loss = &loss, .choice = choice, .type = type, .pairs = 30 * 2048 + 5, .gradients = in_both, .reduction = how};
      const results expected = results_of(r);
      for (const int threads : {2, 3, 7}) {
        r.threads = threads;
        CHECK(same_bits(results_of(r), expected));
      }
    }
}

// From derivatives in the corners, of which there are four for each pair, to those in the numbers of a format.
std::vector<double> in_numbers_of(box_format format, std::vector<double> g) {
  for (std::size_t i = 0; i < g.size(); i += upright_numbers)
    for (std::size_t axis = i; axis < i + 2; ++axis) {
      const double first = g[axis], last = g[axis + 2];
      if (format != box_format::xyxy) g[axis] = first + last;
      if (format == box_format::xywh) g[axis + 2] = last;
      if (format == box_format::cxcywh) g[axis + 2] = (last - first) / 2;
    }
  return g;
}

void formats_change_gradients_alone(const loss_info& loss, int choice) {
  for (const dtype type : {dtype::float16, dtype::float32, dtype::float64}) {
    request r{.loss = &loss, .choice = choice, .type = type, .pairs = 257, .gradients = in_input};
    const results of_input = results_of(r);
    r.gradients = in_target;
    const results of_target = results_of(r);
    for (r.fmt = 0; r.fmt < formats; ++r.fmt)
      for (const layout l : layouts) {
        r.how = l;
        r.gradients = in_both;
        const results found = results_of(r);
        std::vector<double> expected = in_numbers_of(format_of(r.fmt, 0), of_input.gradients);
        const std::vector<double> second = in_numbers_of(format_of(r.fmt, 1), of_target.gradients);
        expected.insert(expected.end(), second.begin(), second.end());
        CHECK(same_bits(found.values, of_input.values));
        CHECK(alike(found.gradients, expected, tolerance_of(type)));
        r.gradients = in_input;
        CHECK(same_bits(results_of(r).values, of_input.values));
      }
  }
}

// They are computed in float32.
void halves_have_the_values_of_float32(const loss_info& loss, int choice) {
  request r{.loss = &loss, .choice = choice, .type = dtype::float32, .pairs = 257, .gradients = in_both};
  const results expected = results_of(r);
  r.type = dtype::float16;
  const results found = results_of(r);
  CHECK(same_bits(found.values, expected.values));
  CHECK(alike(found.gradients, expected.gradients, 1e-3));
}

}  // namespace

int main() {
  set_adaptive_teams(false);
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &box_engine) continue;
      const int failed_before = failed_checks;
      for (int choice = 0; choice < choices_of(loss); ++choice) {
        layouts_change_nothing(loss, choice);
        threads_change_nothing(loss, choice);
        if (!loss.operands[0].is(rotated)) formats_change_gradients_alone(loss, choice);
        halves_have_the_values_of_float32(loss, choice);
      }
      ++found;
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

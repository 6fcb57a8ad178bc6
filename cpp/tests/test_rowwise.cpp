// Every registered row-wise loss through the entry point, in memory of exactly the size needed, so that the sanitizers see each
// access that is one element too far. What the numbers should be is the Python suite's subject; here they must be nearly the same
// wherever classes and rows lie, and exactly the same at any number of threads.
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/rowwise.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "check.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "fastloss/runtime/isa.hpp"

namespace {

using namespace fastloss;

enum class layout { classes_last, classes_first, spread, reversed };
constexpr layout other_layouts[] = {layout::classes_first, layout::spread, layout::reversed};

// An array of rows and classes, or of either alone, in a block of its own.
class table {
 public:
  table(dtype type, std::ptrdiff_t rows, std::ptrdiff_t classes, layout how) : type_(type), rows_(rows), classes_(classes) {
    const auto size = static_cast<std::ptrdiff_t>(itemsize(type));
    const std::ptrdiff_t step = how == layout::spread ? 2 : 1, direction = how == layout::reversed ? -1 : 1;
    const bool first = how == layout::classes_first;
    const std::ptrdiff_t count = rows * classes;
    memory_ = std::make_unique<unsigned char[]>(static_cast<std::size_t>(count == 0 ? 0 : ((count - 1) * step + 1) * size));
    of_class_ = (first ? rows : 1) * step * size * direction;
    of_row_ = (first ? 1 : classes) * step * size * direction;
    if (count == 0) of_class_ = of_row_ = 0;  // as of a number that all elements are, and there is none
    data_ = memory_.get() + (direction < 0 && count > 0 ? (count - 1) * size : 0);
    shape_[0] = first ? classes : rows;
    shape_[1] = first ? rows : classes;
    strides_[0] = first ? of_class_ : of_row_;
    strides_[1] = first ? of_row_ : of_class_;
  }

  template <class T>
  void put(std::ptrdiff_t row, std::ptrdiff_t c, T x) {
    std::memcpy(data_ + row * of_row_ + c * of_class_, &x, sizeof x);
  }
  void set(std::ptrdiff_t row, std::ptrdiff_t c, double x) {
    type_ == dtype::float32 ? put(row, c, static_cast<float>(x)) : put(row, c, x);
  }
  double get(std::ptrdiff_t row, std::ptrdiff_t c) const {
    float narrow;
    double wide;
    const unsigned char* const from = data_ + row * of_row_ + c * of_class_;
    if (type_ != dtype::float32) std::memcpy(&wide, from, sizeof wide);
    else std::memcpy(&narrow, from, sizeof narrow);
    return type_ == dtype::float32 ? static_cast<double>(narrow) : wide;
  }

  const_array input() const { return {data_, shape_, strides_, 2, type_}; }
  mutable_array output() { return {data_, shape_, strides_, 2, type_}; }
  // One number for each row, or for each class.
  const_array vector() const { return {data_, rows_ == 1 ? &classes_ : &rows_, rows_ == 1 ? &of_class_ : &of_row_, 1, type_}; }
  mutable_array vector_output() { return {data_, rows_ == 1 ? &classes_ : &rows_, rows_ == 1 ? &of_class_ : &of_row_, 1, type_}; }

  void append_to(std::vector<double>& all) const {
    for (std::ptrdiff_t r = 0; r < rows_; ++r)
      for (std::ptrdiff_t c = 0; c < classes_; ++c) all.push_back(get(r, c));
  }

 private:
  dtype type_;
  std::ptrdiff_t rows_, classes_;
  std::unique_ptr<unsigned char[]> memory_;
  std::ptrdiff_t of_row_, of_class_, shape_[2], strides_[2];
  unsigned char* data_;
};

struct request {
  const loss_info* loss;
  dtype type;
  std::ptrdiff_t rows, classes;
  layout how;
  bool by_index;  // where the loss takes either
  int threads;
};

bool is_index(const operand& o, const request& r) { return o.is(class_index) && (r.by_index || !o.is(distribution)); }

// The same numbers for every layout.
void fill(table& to, std::ptrdiff_t rows, std::ptrdiff_t classes, const domain& allowed, unsigned seed) {
  std::mt19937 random(seed);
  const double high = std::isfinite(allowed.upper) ? allowed.upper : 4.0, low = std::isfinite(allowed.lower) ? allowed.lower : high - 6.0;
  for (std::ptrdiff_t r = 0; r < rows; ++r)
    for (std::ptrdiff_t c = 0; c < classes; ++c) to.set(r, c, low + (high - low) * (static_cast<double>(random() % 4096) + 1.0) / 4097.0);
}

// Every element of every result. The same arrays take all results of a kind: there are as many as the loss has operands.
std::vector<double> results_of(const request& r) {
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  r.loss->construct(options);
  std::vector<std::unique_ptr<table>> tables;
  const auto make = [&](dtype type, std::ptrdiff_t rows, std::ptrdiff_t classes) -> table& {
    return *tables.emplace_back(std::make_unique<table>(type, rows, classes, r.how));
  };
  loss_call call;
  call.loss = r.loss;
  call.options = options;
  call.call.reduction = reduction::none;
  call.call.axis = r.how == layout::classes_first ? 0 : 1;
  call.call.threads = r.threads;
  call.hessian = true;
  for (std::size_t k = 0; k < r.loss->operands.size(); ++k) {
    const operand& o = r.loss->operands[k];
    if (o.is(optional) && o.is(class_index) && !r.by_index) continue;
    if (is_index(o, r)) {
      table& labels = make(dtype::int64, r.rows, 1);
      for (std::ptrdiff_t i = 0; i < r.rows; ++i)
        labels.put(i, 0, i % 7 == 3 || r.classes == 0 ? std::int64_t{-100} : static_cast<std::int64_t>(i * 5 % r.classes));
      call.operands[k] = labels.vector();
      continue;
    }
    if (o.is(class_list)) {
      table& lists = make(dtype::int64, r.rows, r.classes);
      for (std::ptrdiff_t i = 0; i < r.rows; ++i)
        for (std::ptrdiff_t c = 0; c < r.classes; ++c)
          lists.put(i, c, c == i % 19 ? std::int64_t{-1} : static_cast<std::int64_t>((i * 5 + c * 3) % r.classes));
      call.operands[k] = lists.input();
      continue;
    }
    const domain values = r.loss->values_of(options, static_cast<int>(k));
    const domain allowed = o.is(per_class) ? between(1.0, 2.0) : o.is(distribution) && !o.is(as_logits) ? between(0.1, 0.9) : values;
    table& numbers = o.is(per_class) ? make(r.type, 1, r.classes) : make(r.type, r.rows, r.classes);
    fill(numbers, o.is(per_class) ? 1 : r.rows, r.classes, allowed, static_cast<unsigned>(k));
    call.operands[k] = o.is(per_class) ? numbers.vector() : numbers.input();
    if (o.is(differentiable)) call.gradient_of[static_cast<std::size_t>(call.gradient_count++)] = static_cast<int>(k);
  }

  const call_plan plan(call);
  loss_outputs outputs;
  const std::size_t first = tables.size();
  outputs.value = make(r.type, r.rows, 1).vector_output();
  for (std::size_t i = 0; i < static_cast<std::size_t>(call.gradient_count); ++i) {
    const bool of_classes = r.loss->operands[static_cast<std::size_t>(call.gradient_of[i])].is(per_class);
    table& to = make(r.type, of_classes ? 1 : r.rows, r.classes);
    outputs.gradients[i] = of_classes ? to.vector_output() : to.output();
  }
  outputs.hessian = make(r.type, r.rows, r.classes).output();
  plan.run(outputs);

  // And the product with a vector.
  loss_call second = call;
  table& vector = make(r.type, r.rows, r.classes);
  fill(vector, r.rows, r.classes, between(-1.0, 1.0), 99);
  second.vector = vector.input();
  second.value = false;
  second.gradient_count = 0;
  second.gradient_of = {};
  loss_outputs product;
  table& to = make(r.type, r.rows, r.classes);
  product.hessian = to.output();
  const call_plan plan_of_product(second);
  plan_of_product.run(product);

  std::vector<double> all;
  for (std::size_t i = first; i < tables.size(); ++i) tables[i]->append_to(all);
  return all;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

bool alike(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  double most = 1.0;
  for (const double x : a) most = std::max(most, std::abs(x));
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= tolerance * most)) return false;
  return a.size() == b.size();
}

void layouts_and_threads_change_nothing(const loss_info& loss) {
  struct extent {
    std::ptrdiff_t rows, classes;
  };
  for (dtype type : {dtype::float32, dtype::float64})
    for (const extent e : {extent{0, 4}, {1, 1}, {5, 3}, {70, 10}, {33, 21}, {9, 40}, {130, 65}, {2, 70001}})
      for (bool by_index : {true, false}) {
        request r{&loss, type, e.rows, e.classes, layout::classes_last, by_index, 1};
        const std::vector<double> expected = results_of(r);
        CHECK(std::all_of(expected.begin(), expected.end(), [](double x) { return std::isfinite(x); }));
        r.threads = 3;
        CHECK(same_bits(results_of(r), expected));
        for (layout l : other_layouts) {
          r.how = l;
          CHECK(alike(expected, results_of(r), type == dtype::float32 ? 2e-5 : 1e-13));
        }
      }
}

// The address sanitizer sees to it: there is no memory, not even for the weights of the classes.
void no_classes_read_nothing(const loss_info& loss) {
  for (dtype type : {dtype::float32, dtype::float64})
    for (bool by_index : {true, false})
      for (layout l : {layout::classes_last, layout::classes_first}) CHECK(!results_of({&loss, type, 3, 0, l, by_index, 1}).empty());
}

// Those that functions are made of, too.
std::vector<const loss_info*> rowwise_losses() {
  std::vector<const loss_info*> found{find_function("logsumexp")};
  for (const loss_info& loss : registered_losses())
    if (loss.engine == &rowwise_engine) found.push_back(&loss);
  return found;
}

}  // namespace

int main() {
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    for (const loss_info* loss : rowwise_losses()) {
      const int failed_before = failed_checks;
      layouts_and_threads_change_nothing(*loss);
      no_classes_read_nothing(*loss);
      ++found;
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss->name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

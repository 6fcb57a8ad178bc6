// The errors of a class's pixels, sorted; the loss of the class and its gradient.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/lovasz/labels.hpp"
#include "engine/memory/scratch_block.hpp"
#include "engine/sorting/radix.hpp"

namespace fastloss {

// Where a number of each pixel of a unit lies, from that of its first pixel on, in numbers: pixels of the last axis `inner_step` apart.
struct pixel_places {
  std::size_t inner, inner_step, outer_step;

  std::size_t of(std::size_t pixel) const { return pixel / inner * outer_step + pixel % inner * inner_step; }
};

// A class of a unit.
template <class S>
struct class_of_unit {
  std::size_t unit, label;
  std::uint64_t positives;  // pixels of the class, those without an error too
  const S* probabilities;   // of the unit's pixels, to whole packs; null: the input has them
  S* gradient;              // where that in the probabilities, or the input, goes: zeros; null: it is not wanted
  double scale;             // of the gradient
};

// Memory to sort the errors of several classes in, each by itself.
template <class S, class K>
class error_sorter {
 public:
  // `shared`: threads share each sort; otherwise sorts of classes run beside each other.
  error_sorter(const lovasz_job& job, const pixel_places& places, std::size_t slots, bool shared, int threads);

  // Reads the errors of a class into a slot. Behind this, its gradient may be written where its input was.
  void read(const class_of_unit<S>& c, std::size_t slot) const;
  // The loss of the class that is in a slot; its gradient goes to where it is wanted. `nonfinite` is set where a number of that is not
  // finite.
  double evaluate(const class_of_unit<S>& c, std::size_t slot, std::atomic<bool>& nonfinite) const;

 private:
  using pair = key_and_place<K>;
  struct slot_memory {
    pair *pairs, *room;
    std::size_t *run_counts, *counters;
    std::uint64_t* positives;  // of each block of sorted pairs, and then in those before it
    double* sums;
  };

  slot_memory memory_of(std::size_t slot) const;
  void make_pairs(const class_of_unit<S>&, std::size_t run, const slot_memory&) const;
  double add_block(const class_of_unit<S>&, const pair* sorted, std::size_t first, std::size_t count, std::uint64_t positives_before,
                   bool missing, std::atomic<bool>& nonfinite) const;
  template <class Body>
  void each(std::size_t count, double ns, const Body& body) const;

  const lovasz_job& job_;
  const pixel_places places_;
  const int threads_;
  std::size_t stride_, runs_, blocks_, slot_bytes_;
  scratch_block memory_;
};

}  // namespace fastloss

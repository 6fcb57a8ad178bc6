// A block of neighbouring pixels of one sample on one thread: its masks, probabilities and targets class by class, in tiles of whole
// packs, and where its gradients go.
#pragma once

#include "engine/memory/scratch.hpp"
#include "engine/region/job.hpp"

namespace fastloss {

// What is kept of each pixel of a sample from the walk that makes sums to the way back: the label, the largest score, what is left of
// the exponentials, the score of the label, the slope of its term.
struct kept_pixels {
  char* memory = nullptr;  // null: nothing is kept
  bool filled = false;

  static constexpr std::size_t numbers = 5;
};

// What tiles with a number for each pixel are for: values and slopes of terms, what these are of beside the logit, and slopes of a class
// in the input and the target.
enum class pixel_tile : std::size_t { values, slopes, targets, input_slopes, target_slopes, count };

class region_block {
 public:
  region_block(const region_job&, std::size_t sample, std::size_t first, std::size_t count, const kept_pixels&);
  region_block(const region_block&) = delete;
  region_block& operator=(const region_block&) = delete;

  // Gives back memory of a thread that blocks of very many classes took.
  static void trim() { scratch().trim(); }

  std::size_t sample() const { return sample_; }
  std::size_t padded() const { return padded_; }

  // Of a class, 0 where a pixel is masked; null: none is. Good until that of another class is asked for.
  const void* mask(std::size_t c);
  const void* counts(std::size_t c);  // the same, and 1 everywhere else
  // 0 where no class of a pixel counts; null: all do.
  const void* mask_of_pixels();
  const void* probabilities(std::size_t c);
  const void* logits(std::size_t c);   // as they are given
  const void* targets(std::size_t c);  // good until a mask is asked for
  const void* error_weights(std::size_t c) const { return load_or_point(job_.error_weights, c, error_weight_tile); }
  // p (1 - p) of the class whose probabilities were asked for last, under a sigmoid.
  const void* derivative() const { return tile(derivative_tile); }

  // Under a softmax: what is left of the exponentials after they were made, and the logarithm of a class's probability.
  label_region labels() const;
  // Scores that exponentials are still to be made of, where pixels were kept; without data they are there.
  row_tile scores() const { return scores_; }
  const void* maximum() const { return maximum_; }
  const void* log_probability_of_label();
  // Of the terms of labels; where pixels are kept, the walk that makes sums makes them too.
  void* term_slopes() const { return term_slopes_; }
  bool makes_term_slopes() const { return kept_ == pixels_kept::now; }
  bool has_term_slopes() const { return kept_ == pixels_kept::before; }
  const void* log_probabilities(std::size_t c);

  // Tiles for slopes of a class, and for numbers of each pixel.
  void* slopes(std::size_t c) const { return class_tile(job_.classes + c); }
  void* logit_slopes(std::size_t c) const { return class_tile(2 * job_.classes + c); }
  void* of_pixels(pixel_tile i) const { return tile(pixel_tiles + static_cast<std::size_t>(i)); }
  void clear_padding(void* t) const { job_.tiles->fill(static_cast<char*>(t) + count_ * job_.item, 0.0, padded_ - count_); }
  std::size_t class_stride() const { return tile_bytes_ / job_.item; }

  // Where a kernel may write the gradient of a class itself; null: to a tile, for store().
  void* direct(int k, std::size_t c) const;
  // Whether a result of the tile was not finite, and someone asked.
  bool store(int k, std::size_t c, const void* gradient) const;

 private:
  enum : std::size_t {
    mask_tile,
    labelled_tile,
    any_tile,
    input_tile,
    target_tile,
    probability_tile,
    derivative_tile,
    kept_tiles,
    inverse_tile = kept_tiles + kept_pixels::numbers,
    logarithm_tile,
    error_weight_tile,
    pixel_tiles,
    single_tiles = pixel_tiles + static_cast<std::size_t>(pixel_tile::count)
  };
  enum class pixels_kept { never, now, before };
  static constexpr std::size_t no_class = static_cast<std::size_t>(-1);

  static row_scratch& scratch() {
    thread_local row_scratch of_thread;
    return of_thread;
  }
  bool has_softmax() const { return job_.activation == region_activation::softmax; }
  void* tile(std::size_t i) const { return memory_ + i * tile_bytes_; }
  void* class_tile(std::size_t c) const { return tile(single_tiles + c); }
  char* in_memory(const region_view& v, std::size_t c) const { return v.of(sample_, c) + first_ * job_.item; }
  bool is_whole(const region_view& v) const { return v.direct && count_ == padded_; }
  void load(const region_view&, std::size_t c, void* to) const;
  const void* load_or_point(const region_view&, std::size_t c, std::size_t i) const;
  void make_labels();
  void place_pixels(const kept_pixels&);
  void make_exponentials();
  void normalise();

  const region_job& job_;
  const std::size_t sample_, first_, count_, padded_;
  const pixels_kept kept_;
  std::size_t tile_bytes_, mask_class_ = no_class;
  void *labels_, *maximum_, *tail_, *label_score_, *term_slopes_;
  row_tile scores_{};
  bool normalised_ = false, has_union_ = false;
  char* memory_;
};

}  // namespace fastloss

// Distances along one line of pixels.
//
// A number of a line is the squared distance, over the axes that have been measured, to the nearest pixel of the other kind: negative
// where the pixel itself is inside of the region. One number is enough for both kinds, as a pixel is at distance 0 from its own.
// Neighbours of one kind are a run. Pixels of the other kind that are further off than the ends of a pixel's run are no nearer, so a
// run needs nothing but its own numbers and a 0 at each of its ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace fastloss {

// Of float where squared distances are integers that float holds, else of double.
template <class T>
struct squares {
  static constexpr T none = std::numeric_limits<T>::infinity();  // no pixel of the other kind has been met
  using index = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
};

// What a line may need beside itself: the sites whose parabolas are the lower envelope of a run.
template <class T>
struct envelope {
  typename squares<T>::index* place;
  T* height;
};

// Where a run that begins at `first` ends.
template <class T>
std::size_t end_of_run(const T* line, std::size_t first, std::size_t count) {
  const bool inside = line[first] < T(0);
  std::size_t end = first + 1;
  while (end < count && (line[end] < T(0)) == inside) ++end;
  return end;
}

// The first axis: of the pixels from `first` to `end`, a run in a line of `count`, nothing is known but their kind.
template <class T>
void measure_run(T* line, std::size_t first, std::size_t end, std::size_t count, bool inside, T step) {
  const T sign = inside ? T(-1) : T(1);
  const bool left = first > 0, right = end < count;
  if (!left && !right) {
    for (std::size_t i = first; i < end; ++i) line[i] = sign * squares<T>::none;
    return;
  }
  // From the left end up to the middle, and from there to the right end.
  const std::size_t middle = !left ? first : !right ? end : first + (end - first + 1) / 2;
  const T factor = sign * step;
  for (std::size_t i = first; i < middle; ++i) {
    const T d = static_cast<T>(i + 1 - first);
    line[i] = factor * (d * d);
  }
  for (std::size_t i = middle; i < end; ++i) {
    const T d = static_cast<T>(end - i);
    line[i] = factor * (d * d);
  }
}

// A further axis, of squared spacing `step`: the lower envelope of the parabolas over a run's numbers, in time linear in its length
// (P. Felzenszwalb and D. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8, 2012). Whether a
// parabola is below its neighbours anywhere is found without a division (C. Maurer, R. Qi and V. Raghavan, "A Linear Time Algorithm
// for Computing Exact Euclidean Distance Transforms of Binary Images in Arbitrary Dimensions", IEEE TPAMI 25(2), 2003): all terms of
// that comparison are positive, so that doubles are compared to a few ulp.
template <class T>
void measure_line(T* line, std::size_t count, T step, const envelope<T>& sites) {
  using index = typename squares<T>::index;
  for (std::size_t first = 0, end = 0; first < count; first = end) {
    end = end_of_run(line, first, count);
    std::size_t kept = 0;
    const auto add = [&](std::size_t at, T height) {
      const index w = static_cast<index>(at);
      for (; kept >= 2; --kept) {
        const index u = sites.place[kept - 2], v = sites.place[kept - 1];
        const double before = static_cast<double>(v - u), behind = static_cast<double>(w - v), both = before + behind;
        if (both * static_cast<double>(sites.height[kept - 1]) < behind * static_cast<double>(sites.height[kept - 2]) +
                                                                     before * static_cast<double>(height) +
                                                                     static_cast<double>(step) * before * behind * both)
          break;
      }
      sites.place[kept] = w;
      sites.height[kept++] = height;
    };
    const T sign = line[first] < T(0) ? T(-1) : T(1);
    if (first > 0) add(first - 1, T(0));
    for (std::size_t i = first; i < end; ++i)
      if (const T height = sign * line[i]; height != squares<T>::none) add(i, height);
    if (end < count) add(end, T(0));
    if (kept == 0) continue;
    const auto distance = [&](std::size_t site, std::size_t at) {
      const T d = static_cast<T>(static_cast<index>(at) - sites.place[site]);
      return sites.height[site] + step * (d * d);
    };
    for (std::size_t i = first, nearest = 0; i < end; ++i) {
      T least = distance(nearest, i);
      while (nearest + 1 < kept) {
        const T next = distance(nearest + 1, i);
        if (next > least) break;
        least = next;
        ++nearest;
      }
      line[i] = sign * least;
    }
  }
}

}  // namespace fastloss

// The boundary between the distance engine and the formulas of its losses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastloss {

inline constexpr std::size_t most_embeddings = 4, most_embedding_pairs = 3;

// Which embeddings of a unit a loss compares. Each is a walk of its own over the features.
enum class embedding_pairs : std::uint8_t {
  one,         // 0 with 1
  anchored,    // 0 with 1 and 2
  triplet,     // these, and 1 with 2
  quadruplet,  // 0 with 1 and 2, 2 with 3
};

struct embedding_pair {
  std::uint8_t first, second;
};
struct embedding_pair_list {
  std::size_t count, embeddings;
  embedding_pair of[most_embedding_pairs];
};

constexpr embedding_pair_list pairs_of(embedding_pairs pairs) {
  switch (pairs) {
    case embedding_pairs::anchored:
      return {2, 3, {{0, 1}, {0, 2}}};
    case embedding_pairs::triplet:
      return {3, 3, {{0, 1}, {0, 2}, {1, 2}}};
    case embedding_pairs::quadruplet:
      return {3, 4, {{0, 1}, {0, 2}, {2, 3}}};
    case embedding_pairs::one:
      break;
  }
  return {1, 2, {{0, 1}}};
}

// What a formula is of: a number for each pair of embeddings.
enum class embedding_measure : std::uint8_t {
  distance,           // (sum |x - y + eps|^p)^(1 / p), the largest of them where p is infinite
  squared_distance,   // sum (x - y)^2
  cosine,             // x.y / (max(|x|, eps) max(|y|, eps)), and 0 over 0
  cosine_eps_inside,  // x.y / sqrt((|x|^2 + eps) (|y|^2 + eps))
  dot,                // x.y
};

struct distance_form {
  embedding_measure measure;
  embedding_pairs pairs;
  double eps = 0.0, p = 2.0;
  const char* refusal = nullptr;  // why options do not go together, of which each by itself may be what it is
};

// Neighbouring units, in double; arrays go on to a whole pack of every instruction set.
struct distance_tile {
  const double* measures[most_embedding_pairs];  // zeros, of pairs that are not measured
  const double* target;                          // of each unit; null where the loss has none
  std::size_t count;
  double* value;
  double* d1[most_embedding_pairs];  // of the value in the measures
  double* d1_target;
};

using distance_kernel = void (*)(const void* loss, const distance_tile&);

// A formula is compiled once: what is done for each feature is the same for all of them.
struct distance_kernels {
  distance_kernel value, gradients;
};

}  // namespace fastloss

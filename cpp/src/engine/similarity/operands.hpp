// Which operand of a loss of similarities is which, and the units of a call.
#pragma once

#include <cstddef>

#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/similarity.hpp"

namespace fastloss {

// Positions of operands; -1: there is none, or it is not given.
struct similarity_operands {
  static constexpr int input = 0;
  int second = -1, further = -1, labels = -1, memory = -1, memory_labels = -1, proxies = -1, classes = -1;
  int number = -1, bias = -1;  // what similarities are scaled with, and what is added to them
  unsigned role = 0;           // of the number
  std::size_t embeddings = 1;  // the operands before this one are embeddings, or integers

  explicit similarity_operands(const loss_call& call) {
    for (std::size_t k = 1; k < call.loss->operands.size(); ++k) {
      const operand& o = call.loss->operands[k];
      if (o.is(embedding_rows | negative_rows | memory_rows | proxy_rows)) embeddings = k + 1;
      if (call.operands[k].absent()) continue;
      const int at = static_cast<int>(k);
      if (o.is(embedding_rows)) second = at;
      if (o.is(negative_rows)) further = at;
      if (o.is(group_index)) labels = at;
      if (o.is(proxy_rows)) proxies = at;
      if (o.is(class_index)) classes = at;
      if (o.is(memory_rows)) memory = at;
      if (o.is(memory_index)) memory_labels = at;
      if (o.is(as_bias)) bias = at;
      if (!o.is(as_temperature | as_log_scale | as_scale)) continue;
      number = at;
      role = o.flags & (as_temperature | as_log_scale | as_scale);
    }
  }
};

// Two rows of a sample are two units, or one.
inline bool has_two_units(const similarity_operands& of, const similarity_form& form) {
  return form.one_set && of.second >= 0 && !form.unit_of_pair;
}

}  // namespace fastloss

// Checks of outputs that the engines share.
#pragma once

#include "engine/call/ignored.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/engine/call.hpp"

namespace fastloss {

// In the order of row_extra.
inline constexpr const char* extra_names[row_extra_count] = {"lse", "probabilities", "log_probabilities", "prediction", "correct"};

[[noreturn]] void fail_ignored(const loss_call&, const loss_outputs&);
// Throws where an output is given that the call does not ask for: nothing would be written to it.
inline void check_ignored(const loss_call& call, const loss_outputs& outputs) {
  if (ignores_outputs(call, outputs)) fail_ignored(call, outputs);
}

// Collects the outputs of a call, then holds them against one another and against what the call reads.
class output_checker {
 public:
  explicit output_checker(const loss_info& loss) : loss_(loss) {}

  // Throws unless the output has this shape and dtype. `what` is said in front of the name of operand `of`, where it is not null.
  void add(const mutable_array& out, const array_spec& need, const char* what, const char* of);
  // Throws where two outputs share memory.
  void check_apart() const;
  // Throws where an output overlaps an array that the call reads without being exactly that array; true where one is.
  bool against_inputs(const loss_call&) const;

 private:
  static constexpr int most = max_operands + 2 + row_extra_count;
  const loss_info& loss_;
  const mutable_array* list_[most];
  extent extents_[most];
  int total_ = 0;
};

}  // namespace fastloss

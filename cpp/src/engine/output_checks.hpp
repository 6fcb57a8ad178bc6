// Checks of outputs that the engines share.
#pragma once

#include "engine/layout.hpp"
#include "fastloss/engine/call.hpp"

namespace fastloss {

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

// Prints the registry, for what is made of it before the Python package can be imported: a line for each loss with its name, its
// engine, the positions of the operands that it is differentiated in unless a call says otherwise, and the parts of its calls.
#include <cstddef>
#include <cstdio>
#include <iterator>

#include "fastloss/engine/plan.hpp"

int main() {
  for (const fastloss::loss_info& loss : fastloss::registered_losses()) {
    std::printf("%s %s", loss.name, loss.engine->name);
    char separator = ' ';
    for (std::size_t k = 0; k < loss.operands.size(); ++k) {
      if ((loss.default_wrt >> k & 1u) == 0) continue;
      std::printf("%c%zu", separator, k);
      separator = ',';
    }
    for (std::size_t i = 0; i < std::size(fastloss::part_names); ++i)
      if ((loss.parts >> i & 1u) != 0) std::printf(" %s", fastloss::part_names[i]);
    std::printf("\n");
  }
  return 0;
}

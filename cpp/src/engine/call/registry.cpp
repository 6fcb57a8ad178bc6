// The registered losses as data.
#include <cstring>

#include "fastloss/engine/loss_info.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/losses/registry.hpp"

namespace fastloss {
namespace {

template <class>
struct descriptions;
template <class... L>
struct descriptions<type_list<L...>> {
  template <int... I>
  static constexpr std::array<loss_info, sizeof...(L)> make(std::integer_sequence<int, I...>) {
    return {describe<L>(I)...};
  }
};

constexpr auto all = descriptions<all_losses>::make(std::make_integer_sequence<int, all_losses::size>{});

}  // namespace

std::span<const loss_info> registered_losses() { return all; }

const loss_info* find_loss(const char* name) {
  for (const loss_info& l : all)
    if (std::strcmp(l.name, name) == 0) return &l;
  return nullptr;
}

}  // namespace fastloss

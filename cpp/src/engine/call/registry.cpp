// The registered losses and the functions, as data.
#include <cstring>
#include <string_view>

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
  static constexpr std::array<loss_info, sizeof...(L)> make(int first, std::integer_sequence<int, I...>) {
    return {describe<L>(first + I)...};
  }
};

template <class Losses>
constexpr auto described(int first) {
  return descriptions<Losses>::make(first, std::make_integer_sequence<int, Losses::size>{});
}

constexpr auto all = described<all_losses>(0);
constexpr auto of_functions = described<losses_of_functions>(all_losses::size);

consteval loss_info loss_named(std::string_view name) {
  for (const loss_info& l : all)
    if (l.name == name) return l;
  for (const loss_info& l : of_functions)
    if (l.name == name) return l;
  throw "no loss has this name";
}

// A loss as it appears in the errors of a function.
consteval loss_info under(const char* name, argument_names arguments, loss_info loss) {
  loss.name = name;
  loss.arguments = arguments;
  return loss;
}

// The cross-entropy sum_c -t_c u_c of any numbers t, which are no class indices here.
constexpr operand numbers_of_classes[] = {{"input", differentiable}, {"grad_output", distribution}};

consteval loss_info of_numbers(loss_info loss) {
  loss.operands = numbers_of_classes;
  return loss;
}

constexpr argument_names of_scores{.axis = "dim", .vector = "grad_output", .out = "out"};

constexpr named_function all_functions[] = {
    {"softmax", under("softmax", of_scores, loss_named("logsumexp"))},
    {"log_softmax", under("log_softmax", of_scores, loss_named("logsumexp"))},
    {"log_softmax.grad", under("log_softmax", of_scores, of_numbers(loss_named("cross_entropy")))},
    {"logsumexp", under("logsumexp", {.out = "out"}, loss_named("logsumexp"))},
    {"box_iou", loss_named("box_iou")},
    {"pairwise_distance", under("pairwise_distance", {.out = "out"}, loss_named("pairwise_distance"))},
    // Of distances that come from elsewhere, the negative's first and the target 1.
    {"triplet_of_distances", under("triplet_margin_with_distance_loss", {}, loss_named("margin_ranking_loss"))},
    {"cosine_similarity", under("cosine_similarity", {.out = "out"}, loss_named("cosine_similarity"))},
};

}  // namespace

std::span<const loss_info> registered_losses() { return all; }

const loss_info* find_loss(const char* name) {
  for (const loss_info& l : all)
    if (std::strcmp(l.name, name) == 0) return &l;
  return nullptr;
}

std::span<const named_function> functions() { return all_functions; }

const loss_info* find_function(const char* key) {
  for (const named_function& f : all_functions)
    if (std::strcmp(f.key, key) == 0) return &f.loss;
  return nullptr;
}

}  // namespace fastloss

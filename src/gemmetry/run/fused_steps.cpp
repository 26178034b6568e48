#include "gemmetry/run/fused_steps.h"

#include <algorithm>
#include <map>
#include <utility>

namespace gemmetry::run {
namespace {

using measure::ActivatedProductKernel;
using measure::ActivationKernel;
using measure::AppendKernel;
using measure::ProductKernel;
using measure::RotaryAppendKernel;
using measure::RotaryKernel;
using op::TensorId;

/// The launch's kernel where it is of that kind, else null.
template <class One>
const One* kernel_of(const Launch& launch) {
  const auto* kernel = std::get_if<measure::Kernel>(&launch.work);
  return kernel ? std::get_if<One>(kernel) : nullptr;
}

/// Takes launches in order and keeps them, or lets those before do their work.
class Fuser {
 public:
  Fuser(Script& script, const Fusing& how) : script_(script), how_(how) {}

  void run() {
    std::vector<Launch> all = std::exchange(script_.launches, {});
    for (Launch& launch : all) {
      for (Argument& argument : launch.arguments)
        if (auto* tensor = std::get_if<TensorId>(&argument.what)) *tensor = renamed(*tensor);
      if (add_in_product(launch) ||
          (how_.decodes && (rotate_and_append(launch) || (how_.activates && activate_in_product(launch)))))
        continue;
      script_.launches.push_back(std::move(launch));
    }
    script_.result = renamed(script_.result);
  }

 private:
  TensorId renamed(TensorId id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? id : found->second;
  }

  /// The product that the launch `from_last` from the end is, where it makes what stands in `made`, with nothing added;
  /// else null.
  const ProductKernel* product_of(std::size_t from_last, const Argument& made) const {
    const auto& launches = script_.launches;
    if (launches.size() <= from_last) return nullptr;
    const Launch& launch = launches[launches.size() - 1 - from_last];
    const auto* product = kernel_of<ProductKernel>(launch);
    if (!product || product->accumulate || product->residual) return nullptr;
    return launch.arguments.back().what == made.what ? product : nullptr;
  }

  /// x + branch -> sum, where the launch before makes the branch.
  bool add_in_product(const Launch& launch) {
    const auto* op = std::get_if<op::Operator>(&launch.work);
    if (!op || !std::holds_alternative<op::Residual>(*op)) return false;
    const Argument& x = launch.arguments[0];
    const Argument& sum = launch.arguments[2];
    if (!product_of(0, launch.arguments[1])) return false;
    Launch& last = script_.launches.back();
    auto& product = std::get<ProductKernel>(std::get<measure::Kernel>(last.work));
    last.arguments.back() = x;
    last.detail = "and residual";
    if (how_.keeps_input) {
      product.residual = true;
      last.arguments.push_back(sum);
    } else {
      product.accumulate = true;
      names_[std::get<TensorId>(sum.what)] = std::get<TensorId>(x.what);
    }
    return true;
  }

  /// The rotations right before, of queries and keys together or one each, on the way into the cache.
  bool rotate_and_append(const Launch& launch) {
    const auto* append = kernel_of<AppendKernel>(launch);
    const auto rotates = [](const Launch& one) { return kernel_of<RotaryKernel>(one) != nullptr; };
    auto& launches = script_.launches;
    const auto first = std::find_if_not(launches.rbegin(), launches.rend(), rotates).base();
    if (!append || first == launches.end()) return false;
    const RotaryKernel& rotary = *kernel_of<RotaryKernel>(*first);
    const std::int64_t kv_heads = append->key_width / rotary.head_dim;
    RotaryAppendKernel kernel{rotary.rotary, kv_heads, rotary.head_dim, append->value_width / kv_heads};
    if (launches.end() - first == 1) kernel.rotary.heads -= kv_heads;
    kernel.q_stride = rotary.x_stride;
    kernel.k_stride = append->k_stride;
    kernel.v_stride = append->v_stride;
    kernel.capacity = append->capacity;
    const std::vector<Argument>& to = launch.arguments;  // positions, slots, k, v, key cache, value cache
    const Argument rotation = first->arguments[1];
    const Argument q = first->arguments[2];
    *first = {first->step,
              measure::Kernel(kernel),
              {to[0], to[1], rotation, q, to[2], to[3], to[4], to[5]},
              "rotary and append"};
    launches.erase(first + 1, launches.end());
    return true;
  }

  /// Gate and up are one product or two.
  bool activate_in_product(const Launch& launch) {
    constexpr std::int64_t few_rows = 2;  // of more the library's products are the faster ones
    const auto* activation = kernel_of<ActivationKernel>(launch);
    if (!activation || activation->activation.rows > few_rows) return false;
    const op::Activation& of = activation->activation;
    const bool apart = of.gated && launch.arguments[0].what != launch.arguments[1].what;
    const ProductKernel* last = product_of(0, launch.arguments[apart ? 1 : 0]);
    if (!last || (apart && !product_of(1, launch.arguments[0]))) return false;
    ActivatedProductKernel kernel{*last, of.function, activation->gelu, of.gated};
    kernel.product.gemm.n = of.width;
    auto& launches = script_.launches;
    const auto first = launches.end() - (apart ? 2 : 1);
    std::vector<Argument> arguments(first->arguments.begin(), first->arguments.end() - 1);
    if (apart) {
      arguments.insert(arguments.end(), launches.back().arguments.begin() + 1, launches.back().arguments.end() - 1);
    } else if (of.gated) {  // weights and bias again, from up's first row on
      const std::size_t gate = arguments.size();
      for (std::size_t i = 1; i < gate; ++i) {
        Argument up = arguments[i];
        up.offset += of.width * (i == 1 ? kernel.product.gemm.k : 1);
        arguments.push_back(std::move(up));
      }
    }
    arguments.push_back(launch.arguments.back());
    *first = {first->step, measure::Kernel(kernel), std::move(arguments),
              of.gated ? "gate, up and activation" : "up and activation"};
    launches.erase(first + 1, launches.end());
    return true;
  }

  Script& script_;
  Fusing how_;
  std::map<TensorId, TensorId> names_;  ///< of sums that stand in their first operand's place
};

}  // namespace

Script fuse_steps(Script script, const Fusing& how) {
  Fuser(script, how).run();
  return script;
}

}  // namespace gemmetry::run

#include "gemmetry/run/script.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/run/fused_steps.h"
#include "gemmetry/run/weight_names.h"

namespace gemmetry::run {
namespace {

using measure::Element;
using op::Module;
using op::TensorId;
using shape::Phase;

/// Where a matrix lies: rows `stride` elements apart, from element `offset` of a tensor on.
struct View {
  TensorId tensor = op::no_tensor;
  std::int64_t offset = 0;
  std::int64_t stride = 0;
  Element element = Element::bf16;
  bool by_head = false;  ///< [batch][head][token][dimension] rather than [token][head][dimension]

  Argument at(std::int64_t more = 0) const { return {tensor, offset + more, element}; }
};

/// Writes the script of one part, step by step.
class Writer {
 public:
  Writer(const op::Program& program, const op::Segment& segment, const shape::Model& model,
         const shape::Workload& workload, ScriptOptions options)
      : program_(program), segment_(segment), model_(model), workload_(workload), options_(options) {}

  Script write() {
    for (index_ = segment_.first_step; index_ < segment_.last_step; ++index_) {
      step_ = &program_.steps()[index_];
      std::visit([this](const auto& op) { add(op); }, step_->op);
    }
    const bool has_logits = segment_.part == op::Part::output && model_.head.present;
    script_.result = has_logits ? last_written_ : view(segment_.result).tensor;
    if (segment_.part == op::Part::attention && !model_.shared_norm) script_.branch_output = script_.hidden;
    return std::move(script_);
  }

 private:
  // Tensors

  Element element() const { return measure::element_of(workload_.dtype); }

  /// Where a tensor lies; one that no step has made comes from the part before.
  View view(TensorId id) {
    if (const auto known = views_.find(id); known != views_.end()) return known->second;
    const op::Tensor& tensor = program_.tensors()[static_cast<std::size_t>(id)];
    if (tensor.role == op::Role::carried) (tensor.name == "branch input" ? script_.branch_input : script_.hidden) = id;
    return views_[id] = {id, 0, tensor.columns, element()};
  }
  View input(std::size_t index = 0) { return view(step_->inputs[index]); }
  /// A new dense tensor, of elements of the workload's dtype unless said.
  View output() { return output(element()); }
  View output(Element of) {
    const TensorId id = step_->outputs[0];
    last_written_ = id;
    return views_[id] = {id, 0, program_.tensors()[static_cast<std::size_t>(id)].columns, of};
  }
  /// The step works in place, or not at all.
  void output_is(const View& place) { views_[step_->outputs[0]] = place; }

  Argument weight(const std::string& array, std::int64_t offset = 0) const { return {array, offset, element()}; }
  Argument fixed(Input input) const { return {input, 0, element()}; }

  void launch(Work work, std::vector<Argument> arguments) {
    script_.launches.push_back({index_, std::move(work), std::move(arguments)});
  }
  template <class One>
  void launch_kernel(const One& kernel, std::vector<Argument> arguments) {
    launch(measure::Kernel(kernel), std::move(arguments));
  }

  [[noreturn]] void refuse() const {
    throw Error(fmt::format("step '{}' {} ({}) cannot be executed yet", name(step_->module), step_->detail,
                            op::kind(step_->op)));
  }

  // Ends of the model

  void add(const op::Embedding& embedding) {
    const measure::EmbeddingKernel kernel{embedding, model_.vocab, model_.position_rows,
                                          model_.constants.position_offset};
    std::vector<Argument> arguments{fixed(Input::tokens), weight("tokens.weight")};
    if (embedding.positions) {
      arguments.push_back(fixed(Input::positions));
      arguments.push_back(weight("positions.weight"));
    }
    arguments.push_back(output().at());
    launch_kernel(kernel, std::move(arguments));
  }

  void pick_last() {
    const View x = input();
    // A decoded token is its sequence's last.
    if (workload_.phase == Phase::decode) return output_is(x);
    launch_kernel(measure::GatherKernel{workload_.batch, model_.hidden, x.stride, element()},
                  {x.at(), fixed(Input::last_rows), output().at()});
  }

  // Layers

  void add(const op::Gemm& gemm) {
    if (step_->module == Module::attention_score) return multiply_scores(gemm);
    if (step_->module == Module::attention_over_value) return multiply_values(gemm);
    const View x = input();
    const WeightRows rows = weight_of_product(*step_, model_);
    std::vector<Argument> arguments{x.at(), weight(rows.array + ".weight", rows.first_row * gemm.k)};
    if (gemm.epilogue == op::Epilogue::bias) {
      const std::string array = rows.array == "tokens" ? "head" : rows.array;
      arguments.push_back(weight(array + ".bias", rows.first_row));
    }
    const bool adapts =
        step_->module == Module::adapter && (step_->detail == "query up" || step_->detail == "value up");
    const View y = !adapts ? output() : step_->detail == "query up" ? query_ : value_;
    arguments.push_back(y.at());
    measure::ProductKernel product{gemm};
    product.a_stride = x.stride;
    product.constant_b = true;
    if (adapts) {  // into the projection beside it
      product.c_stride = y.stride;
      product.accumulate = true;
      output_is(y);
    }
    launch_kernel(product, std::move(arguments));
    if (step_->module == Module::qkv_transform) take_qkv(y);
  }

  /// Remembers where queries, keys and values lie: side by side in one product, or in one each.
  void take_qkv(View product) {
    const shape::AttentionShape& a = model_.attention;
    if (step_->detail == "query") {
      query_ = product;
    } else if (step_->detail == "key") {
      key_ = product;
    } else if (step_->detail == "value") {
      value_ = product;
    } else {
      query_ = key_ = value_ = product;
      key_.offset = a.heads * a.head_dim;
      value_.offset = (a.heads + a.kv_heads) * a.head_dim;
    }
  }

  void add(const op::Norm& norm) {
    measure::NormKernel kernel{norm, static_cast<float>(model_.constants.norm_epsilon)};
    const std::string array = weight_of_norm(*step_);
    const bool of_query = array == "query_norm";
    const bool of_heads = of_query || array == "key_norm";
    const View x = of_query ? query_ : of_heads ? key_ : input();
    if (of_heads) {  // in place
      output_is(input());
      kernel.norm.rows = shape::tokens(workload_);
      kernel.groups = norm.rows / kernel.norm.rows;
    }
    const View y = of_heads ? x : output();
    kernel.x_stride = x.stride;
    kernel.y_stride = y.stride;
    kernel.constant_weights = true;
    std::vector<Argument> arguments{x.at(), weight(array + ".weight")};
    if (norm.norm == shape::NormKind::layer_norm) arguments.push_back(weight(array + ".bias"));
    arguments.push_back(y.at());
    launch_kernel(kernel, std::move(arguments));
    if (model_.parallel_residual && model_.shared_norm && array == "norm_1") script_.branch_output = y.tensor;
  }

  /// In place; keys stand right behind the queries where one step rotates both.
  void add(const op::Rotary& rotary) {
    const View x = step_->detail == "key" ? key_ : query_;
    output_is(input());
    launch_kernel(measure::RotaryKernel{rotary, model_.attention.head_dim, x.stride},
                  {fixed(Input::positions), fixed(Input::rotation), x.at()});
  }

  void append() {
    const shape::AttentionShape& a = model_.attention;
    const op::Tensor& from = program_.tensors()[static_cast<std::size_t>(step_->inputs[0])];
    launch_kernel(measure::AppendKernel{from.rows, a.kv_heads * a.head_dim, a.kv_heads * a.value_dim, key_.stride,
                                        value_.stride, options_.capacity, element()},
                  {fixed(Input::positions), fixed(Input::slots), key_.at(), value_.at(), fixed(Input::key_cache),
                   fixed(Input::value_cache)});
  }

  void add(const op::Attention& attention) {
    measure::AttentionKernel kernel{attention};
    kernel.q_stride = query_.stride;
    const View o = output();
    if (workload_.phase != Phase::decode) {
      kernel.k_stride = key_.stride;
      kernel.v_stride = value_.stride;
      return launch_kernel(kernel, {query_.at(), key_.at(), value_.at(), o.at()});
    }
    kernel.lengths = true;
    kernel.slots = options_.any_slots;
    kernel.splits = options_.attention_splits;
    kernel.k_sequence = options_.capacity * attention.kv_heads * attention.head_dim;
    kernel.v_sequence = options_.capacity * attention.kv_heads * attention.value_dim;
    std::vector<Argument> arguments{query_.at(), fixed(Input::key_cache), fixed(Input::value_cache),
                                    fixed(Input::lengths)};
    if (kernel.slots) arguments.push_back(fixed(Input::sequence_slots));
    arguments.push_back(o.at());
    launch_kernel(kernel, std::move(arguments));
  }

  void add(const op::Activation& activation) {
    const View x = input();
    measure::ActivationKernel kernel{activation, model_.constants.gelu_tanh ? measure::Gelu::tanh : measure::Gelu::erf};
    kernel.x_stride = x.stride;
    std::vector<Argument> arguments{x.at()};
    if (activation.gated) arguments.push_back(step_->inputs.size() == 1 ? x.at(activation.width) : input(1).at());
    arguments.push_back(output().at());
    launch_kernel(kernel, std::move(arguments));
  }

  void add(const op::Residual& residual) {
    const View x = input();
    if (step_->detail == "query add" || step_->detail == "value add") return output_is(x);  // its product has added it
    launch(op::Operator(residual), {x.at(), input(1).at(), output().at()});
  }

  // Attention that is not fused

  /// Heads of one step's operand laid out on their own.
  void lay_out(View& operand, std::int64_t heads, std::int64_t dim) {
    const View from = operand;
    const std::int64_t all = model_.attention.heads;
    const View to = output();
    measure::HeadsKernel kernel{workload_.batch, workload_.sequence, heads, dim, all / heads};
    kernel.token_stride = from.stride;
    kernel.element = element();
    launch_kernel(kernel, {from.at(), to.at()});
    operand = to;
    operand.by_head = true;
  }

  void gather_context() {
    const shape::AttentionShape& a = model_.attention;
    const View from = input();
    measure::HeadsKernel kernel{workload_.batch, workload_.sequence, a.heads, a.value_dim};
    kernel.gather = true;
    kernel.element = element();
    launch_kernel(kernel, {from.at(), output().at()});
  }

  /// One operand of a product over heads: where the heads of sequence `sequence` begin, and its strides.
  struct Heads {
    Argument begin;
    std::int64_t row_stride = 0;
    std::int64_t head_stride = 0;
  };
  Heads heads_of(const View& x, std::int64_t sequence, std::int64_t dim) const {
    const std::int64_t tokens = workload_.sequence;
    if (x.by_head) return {x.at(sequence * model_.attention.heads * tokens * dim), dim, tokens * dim};
    return {x.at(sequence * tokens * x.stride), x.stride, dim};
  }
  Heads scores_of(const View& x, std::int64_t sequence, const op::Gemm& one, std::int64_t columns) const {
    return {x.at(sequence * one.batch * one.m * columns), columns, one.m * columns};
  }

  /// The products of the heads of each sequence. Heads that lie side by side in the tokens' rows have one stride within
  /// a sequence, not across sequences: then each sequence has a product of its own.
  template <class Operands>
  void multiply(op::Gemm gemm, bool by_sequence, Operands operands) {
    const std::int64_t products = by_sequence ? workload_.batch : 1;
    gemm.batch /= products;
    for (std::int64_t i = 0; i < products; ++i) {
      const auto [a, b, c] = operands(i, gemm);
      launch_kernel(measure::ProductKernel{gemm, a.row_stride, b.row_stride, c.row_stride, a.head_stride, b.head_stride,
                                           c.head_stride},
                    {a.begin, b.begin, c.begin});
    }
  }

  void multiply_scores(const op::Gemm& gemm) {
    const View scores = output();
    multiply(gemm, !(query_.by_head && key_.by_head), [&](std::int64_t sequence, const op::Gemm& one) {
      return std::tuple(heads_of(query_, sequence, one.k), heads_of(key_, sequence, one.k),
                        scores_of(scores, sequence, one, one.n));
    });
  }

  void multiply_values(const op::Gemm& gemm) {
    const View probabilities = input();
    View context = output();
    context.by_head = workload_.attention == shape::AttentionKind::eager;
    multiply(gemm, !(context.by_head && value_.by_head), [&](std::int64_t sequence, const op::Gemm& one) {
      return std::tuple(scores_of(probabilities, sequence, one, one.k), heads_of(value_, sequence, one.n),
                        heads_of(context, sequence, one.n));
    });
  }

  void add(const op::Softmax& softmax) {
    const shape::AttentionShape& a = model_.attention;
    const View x = input();
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(a.head_dim)));
    const std::int64_t window = segment_.kind.windowed && a.window < softmax.columns ? a.window : 0;
    launch_kernel(measure::SoftmaxKernel{softmax, workload_.sequence, scale, a.causal, window},
                  {x.at(), output(measure::element_of(softmax.dtype)).at()});
  }

  /// Scale and mask move their data here; the softmax kernel that follows applies both, in fp32.
  void pass(op::Pointwise pointwise) {
    const View x = input();
    if (pointwise.function != op::Function::cast) pointwise.function = op::Function::copy;
    const Element to = pointwise.write_bytes == 4 ? Element::fp32 : element();
    launch(op::Operator(pointwise), {x.at(), output(to).at()});
  }

  void add(const op::Pointwise& pointwise) {
    const shape::AttentionShape& a = model_.attention;
    if (step_->module == Module::key_value_cache) return append();
    if (step_->module == Module::attention_softmax) return pass(pointwise);
    if (step_->detail == "query layout") return lay_out(query_, a.heads, a.head_dim);
    if (step_->detail == "key layout") return lay_out(key_, a.kv_heads, a.head_dim);
    if (step_->detail == "value layout") return lay_out(value_, a.kv_heads, a.value_dim);
    if (step_->detail == "context layout") return gather_context();
    if (step_->detail == "last tokens") return pick_last();
    refuse();
  }

  void add(const op::GroupedGemm&) { refuse(); }
  void add(const op::CrossEntropy&) { refuse(); }
  void add(const op::Optimizer&) { refuse(); }
  void add(const op::Collective&) { refuse(); }

  const op::Program& program_;
  const op::Segment& segment_;
  const shape::Model& model_;
  const shape::Workload& workload_;
  ScriptOptions options_;

  std::size_t index_ = 0;
  const op::Step* step_ = nullptr;
  std::map<TensorId, View> views_;
  View query_, key_, value_;
  TensorId last_written_ = op::no_tensor;
  Script script_;
};

}  // namespace

Script script_of(const op::Program& program, const op::Segment& segment, const shape::Model& model,
                 const shape::Workload& workload, ScriptOptions options) {
  Script script = Writer(program, segment, model, workload, options).write();
  if (!options.fused_steps) return script;
  const bool keeps_input = segment.part == op::Part::attention && model.parallel_residual && !model.shared_norm;
  return fuse_steps(std::move(script), {workload.phase == Phase::decode, keeps_input, options.activated_products});
}

}  // namespace gemmetry::run

#include "gemmetry/op/module.h"

#include <array>
#include <utility>

#include "gemmetry/op/names.h"

namespace gemmetry::op {
namespace {

constexpr std::array<std::pair<Module, std::string_view>, 24> modules{
    {{Module::input_embedding, "Input Embedding"},
     {Module::layer_norm_1, "Layer Norm 1"},
     {Module::qkv_transform, "QKV Transform"},
     {Module::position_encoding, "Position Encoding"},
     {Module::key_value_cache, "KV Cache"},
     {Module::attention_score, "Attention Score"},
     {Module::attention_softmax, "Attention Softmax"},
     {Module::attention_over_value, "Attn over Value"},
     {Module::attention, "Attention"},
     {Module::linear_projection, "Linear Projection"},
     {Module::layer_norm_2, "Layer Norm 2"},
     {Module::router, "Router"},
     {Module::mlp_h_to_4h, "MLP h to 4h"},
     {Module::mlp_activation, "MLP Activation"},
     {Module::mlp_4h_to_h, "MLP 4h to h"},
     {Module::adapter, "Adapter"},
     {Module::residual, "Residual"},
     {Module::final_norm, "Final Norm"},
     {Module::linear_output, "Linear Output"},
     {Module::loss, "Loss"},
     {Module::optimizer, "Optimizer"},
     {Module::tensor_parallel, "Tensor Parallel"},
     {Module::pipeline_parallel, "Pipeline Parallel"},
     {Module::data_parallel, "Data Parallel"}}};

constexpr std::array<std::pair<Pass, std::string_view>, 6> passes{{{Pass::forward, "forward"},
                                                                   {Pass::recompute, "recompute"},
                                                                   {Pass::backward, "backward"},
                                                                   {Pass::data_gradient, "data_gradient"},
                                                                   {Pass::weight_gradient, "weight_gradient"},
                                                                   {Pass::update, "update"}}};

}  // namespace

std::string_view name(Module module) { return name_in<Module>(modules, module); }
std::string_view name(Pass pass) { return name_in<Pass>(passes, pass); }

}  // namespace gemmetry::op

#include "gemmetry/advise/start.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/edit.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

constexpr double least = 1e7, most = 1e13;
constexpr std::int64_t head_dim = 128;
constexpr std::int64_t vocab = 50304;

struct Member {
  double parameters;
  double hidden;
};

// The GPT-3 family, without its XL, whose 2048 wide and 24 deep shape is on the line of its neighbours.
constexpr std::array<Member, 7> family{
    {{125e6, 768}, {350e6, 1024}, {760e6, 1536}, {2.7e9, 2560}, {6.7e9, 4096}, {13e9, 5120}, {175e9, 12288}}};

/// Along the line through the two nearest members, in logarithms.
double family_hidden(double parameters) {
  std::size_t above = 1;
  while (above + 1 < family.size() && family[above].parameters < parameters) ++above;
  const Member& low = family[above - 1];
  const Member& high = family[above];
  const double slope = std::log(high.hidden / low.hidden) / std::log(high.parameters / low.parameters);
  return low.hidden * std::pow(parameters / low.parameters, slope);
}

shape::Model shape_of(std::int64_t hidden, std::int64_t layers) {
  shape::ModelEdit edit;
  edit.hidden = hidden;
  edit.layers = layers;
  edit.heads = hidden / head_dim;
  edit.vocab = vocab;
  edit.positions = "rotary";
  return shape::model_from_flags(edit);
}

}  // namespace

shape::Model start_from_parameters(double parameters) {
  if (!(parameters >= least && parameters <= most))
    throw Error(fmt::format("parameters = {:g}: use a count from {:g} to {:g}, as in 2.7e9", parameters, least, most));
  // Where the embedding alone is most of the count, a narrower model leaves room for layers.
  std::int64_t hidden = std::llround(family_hidden(parameters) / head_dim) * head_dim;
  hidden = std::max(hidden, head_dim);
  while (hidden > head_dim && static_cast<double>(vocab * hidden) > parameters / 2) hidden -= head_dim;

  const shape::Model one = shape_of(hidden, 1);
  const auto layer = static_cast<double>(shape::layer_parameters(one, shape::layer_kind(one, 0)));
  const double rest = static_cast<double>(shape::count_parameters(one).total) - layer;
  const auto layers = std::clamp<std::int64_t>(std::llround((parameters - rest) / layer), 1, 10'000);
  shape::Model model = shape_of(hidden, layers);
  model.name = fmt::format("gpt-{:.3g}B", parameters / 1e9);
  return model;
}

}  // namespace gemmetry::advise

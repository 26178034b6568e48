#include "gemmetry/cli/serve_options.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"

namespace gemmetry::cli {
namespace {

constexpr auto injected = "bernoulli:SHARE, as in bernoulli:0.45%, or forced:TOKENS, as in forced:8";

}  // namespace

std::string_view name(Pin pin) {
  constexpr std::string_view names[] = {"none", "products", "attention", "all"};
  return names[static_cast<std::size_t>(pin)];
}

run::PassShape pass_shape(std::string_view what, std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) refuse_text(what, text, "BATCHxWINDOW, as in 8x64");
  return {whole_number(what, text.substr(0, cross)), whole_number(what, text.substr(cross + 1))};
}

void ServeOptions::add_to(CLI::App& app) {
  constexpr auto group = "Serving";
  add_size(app, "--slots", slots_, "requests at the same time")->group(group);
  add_choice(app, "--dtype", dtype_, {shape::Dtype::bf16, shape::Dtype::fp16, shape::Dtype::tf32, shape::Dtype::fp32},
             "of weights and cache")
      ->group(group);
  const auto read_temperature = [this](const std::string& what, const std::string& text) {
    const double value = number(what, text);
    if (!(value >= 0 && value <= 100)) refuse_text(what, text, "a number from 0 to 100");
    temperature_ = static_cast<float>(value);
  };
  add_text(app, "--temperature", "T", "0: the likeliest token; above: drawn, the same for the same --seed",
           read_temperature)
      ->default_str("1")
      ->group(group);
  const auto read_share = [this](const std::string& what, const std::string& text) {
    deterministic_ = share(what, text);
    if (deterministic_ > 1) refuse_text(what, text, "at most 100 %");
  };
  add_text(app, "--deterministic", "SHARE", "of requests that are verified", read_share)
      ->default_str("100%")
      ->group(group);
  add_choice(app, "--pin", pin_, {Pin::none, Pin::products, Pin::attention, Pin::all},
             "what of decoding has one algorithm whatever the live batch, to tell where flips come from")
      ->group(group);
  const auto read_inject = [this](const std::string& what, const std::string& text) {
    inject_ = text;
    if (text.starts_with("bernoulli:"))
      bernoulli_ = share(what, text.substr(10));
    else if (text.starts_with("forced:"))
      forced_ = whole_number(what, text.substr(7));
    else
      refuse_text(what, text, injected);
    if (bernoulli_ && *bernoulli_ > 1) refuse_text(what, text, "a share of at most 100 %");
  };
  add_text(app, "--inject", "KIND:N", std::string("mismatches of known number, a synthetic run: ") + injected,
           read_inject)
      ->group(group);
}

run::DraftChange ServeOptions::change(std::int64_t window, std::uint64_t seed) const {
  if (bernoulli_) return run::bernoulli_changes(*bernoulli_, seed);
  if (forced_) return run::forced_changes(*forced_, window);
  return nullptr;
}

}  // namespace gemmetry::cli

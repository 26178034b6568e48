#include "gemmetry/shape/adapter.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/text_value.h"

namespace gemmetry::shape {
namespace {

constexpr std::array<std::pair<AdapterKind, std::string_view>, 4> kinds{{{AdapterKind::houlsby, "houlsby"},
                                                                         {AdapterKind::lin, "lin"},
                                                                         {AdapterKind::lora, "lora"},
                                                                         {AdapterKind::lora_merged, "lora-merged"}}};

}  // namespace

std::string_view name(AdapterKind kind) {
  for (const auto& [candidate, name] : kinds)
    if (candidate == kind) return name;
  return "?";
}

AdapterKind adapter_kind_from_name(std::string_view name) {
  if (name == "h" || name == "H") return AdapterKind::houlsby;
  if (name == "l" || name == "L") return AdapterKind::lin;
  std::vector<std::string> names;
  for (const auto& [kind, known] : kinds) {
    if (name == known) return kind;
    names.emplace_back(known);
  }
  refuse_word("adapter", name, names);
}

Adapter adapter_from_text(std::string_view text) {
  const std::size_t colon = text.find(':');
  const AdapterKind kind = adapter_kind_from_name(text.substr(0, colon));
  if (colon == std::string_view::npos)
    throw Error(fmt::format("adapter '{}' has no rank: say it as in {}:8", text, name(kind)));
  return {kind, whole_number(fmt::format("rank of adapter {}", name(kind)), text.substr(colon + 1), 0)};
}

std::string to_text(const Adapter& adapter) { return fmt::format("{}:{}", name(adapter.kind), adapter.rank); }

bool is_separate(const Model& model) { return model.adapter && model.adapter->kind != AdapterKind::lora_merged; }

}  // namespace gemmetry::shape

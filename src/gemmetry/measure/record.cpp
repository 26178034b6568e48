#include "gemmetry/measure/record.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/op/names.h"

namespace gemmetry::measure {
namespace {

using op::name_in;
using op::value_in;

constexpr std::array<std::pair<RecordStatus, std::string_view>, 4> statuses{{{RecordStatus::ok, "ok"},
                                                                             {RecordStatus::skipped, "skipped"},
                                                                             {RecordStatus::failed, "failed"},
                                                                             {RecordStatus::untrusted, "untrusted"}}};
constexpr std::array<std::pair<Policy, std::string_view>, 2> policies{
    {{Policy::first, "first"}, {Policy::tuned, "tuned"}}};
constexpr std::array<std::pair<Replay, std::string_view>, 2> replays{
    {{Replay::graph, "graph"}, {Replay::stream, "stream"}}};
constexpr std::array<std::pair<Ending, std::string_view>, 3> endings{
    {{Ending::precision, "precision"}, {Ending::time_cap, "time_cap"}, {Ending::samples, "samples"}}};
constexpr std::array<std::pair<bool, std::string_view>, 2> caches{{{false, "cold"}, {true, "warm"}}};
constexpr std::array<std::pair<gpu::Clocks, std::string_view>, 2> clocks{
    {{gpu::Clocks::sustained, "sustained"}, {gpu::Clocks::burst, "burst"}}};

template <class Value>
void append(std::string& text, std::string_view field, const Value& value) {
  if constexpr (std::is_enum_v<Value>)
    text += fmt::format(" {}={}", field, op::word(value));
  else
    text += fmt::format(" {}={}", field, value);
}

}  // namespace

std::string text_of(const op::Operator& op) {
  return std::visit(
      []<class Op>(const Op& one) {
        std::string text(Op::kind);
        op::for_each_field<Op>([&](const auto& field) { append(text, field.name, one.*field.member); });
        return text;
      },
      op);
}

std::string library_version(const op::Operator& op, const DeviceInfo& device, std::string_view tool) {
  const bool product = std::holds_alternative<op::Gemm>(op) || std::holds_alternative<op::GroupedGemm>(op);
  std::string_view library;
  if (product) library = device.products;
  if (std::holds_alternative<op::Attention>(op)) library = device.attention;
  return library.empty() ? fmt::format("gemmetry {}", tool) : std::string(library);
}

std::string identity(const Record& record) {
  const DeviceInfo& device = record.device;
  const std::string_view gpu = device.gpu[0] ? device.gpu : device.name;
  return fmt::format("{}; {} {} {} {}; take {}; {}; {}; method {}", text_of(record.op), name(record.setting.clocks),
                     name(record.setting.policy), name(record.setting.replay), cache_name(record.setting.warm),
                     record.take, gpu, library_version(record.op, device, record.tool), record.method);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string_view name(RecordStatus status) { return name_in<RecordStatus>(statuses, status); }
std::string_view name(Policy policy) { return name_in<Policy>(policies, policy); }
std::string_view name(Replay replay) { return name_in<Replay>(replays, replay); }
std::string_view name(Ending ending) { return name_in<Ending>(endings, ending); }
std::string_view cache_name(bool warm) { return name_in<bool>(caches, warm); }

RecordStatus status_from_name(std::string_view word) { return value_in<RecordStatus>(statuses, "status", word); }
Policy policy_from_name(std::string_view word) { return value_in<Policy>(policies, "policy", word); }
Replay replay_from_name(std::string_view word) { return value_in<Replay>(replays, "launch", word); }
Ending ending_from_name(std::string_view word) { return value_in<Ending>(endings, "ending", word); }
bool warm_from_name(std::string_view word) { return value_in<bool>(caches, "cache", word); }
gpu::Clocks clocks_from_name(std::string_view word) { return value_in<gpu::Clocks>(clocks, "clocks", word); }

}  // namespace gemmetry::measure

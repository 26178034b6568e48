#include "gemmetry/cli/sample_section.h"

#include <fmt/format.h>

namespace gemmetry::cli {
namespace {

using calibrate::SampleCount;
using report::Column;
using report::Value;

std::vector<Column<SampleCount>> columns() {
  const auto count = [](std::size_t SampleCount::*member, bool always) {
    return [member, always](const SampleCount& c) {
      return c.*member == 0 && !always ? Value() : Value(static_cast<std::int64_t>(c.*member));
    };
  };
  return {
      {{.key = "used", .heading = "records"}, count(&SampleCount::used, true)},
      {{.key = "held_out", .heading = "of them held out"}, count(&SampleCount::held_out, true)},
      {{.key = "not_ok", .heading = "left out: not measured well"}, count(&SampleCount::not_ok, false)},
      {{.key = "other_gpu", .heading = "left out: of another GPU"}, count(&SampleCount::other_gpu, false)},
      {{.key = "other_way", .heading = "left out: tuned, or with a warm cache"}, count(&SampleCount::other_way, false)},
      {{.key = "again", .heading = "left out: measured before"}, count(&SampleCount::again, false)},
  };
}

}  // namespace

report::Section sample_section(const SampleCount& count) {
  return {"records", "", report::Facts{make_table(columns(), count)}};
}

std::string why_none(const SampleCount& c) {
  return fmt::format(
      "{} can be used, {} of them held out; {} were not measured well, {} are of another GPU, {} are tuned "
      "or with a warm cache",
      c.used, c.held_out, c.not_ok, c.other_gpu, c.other_way);
}

}  // namespace gemmetry::cli

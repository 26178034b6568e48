#include "gemmetry/report/wave_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gemmetry::report {
namespace {

constexpr std::int64_t widest = 66;
constexpr std::int64_t most_rows = 8;

/// The SMs of one wave in lines of equal length, the first `busy` of them filled. On a machine of very many SMs a mark
/// stands for several.
std::string wave(const std::string& label, std::int64_t busy, std::int64_t sms) {
  const std::int64_t per_mark = (sms + widest * most_rows - 1) / (widest * most_rows);
  const std::int64_t marks = (sms + per_mark - 1) / per_mark;
  const std::int64_t lines = (marks + widest - 1) / widest;
  const std::int64_t length = (marks + lines - 1) / lines;
  std::string text;
  for (std::int64_t line = 0; line < lines; ++line) {
    text += fmt::format("{:<13}", line == 0 ? label : "");
    for (std::int64_t mark = line * length; mark < std::min(marks, (line + 1) * length); ++mark)
      text += mark * per_mark < busy ? "■" : "·";
    if (line == 0) text += fmt::format("  {} of {} SMs", busy, sms);
    text += "\n";
  }
  return text;
}

}  // namespace

std::string wave_picture(const Waves& waves) {
  if (waves.sms < 1 || waves.waves < 1) return "";
  const double use = std::clamp(waves.last_wave_use, 0.0, 1.0);
  const std::int64_t in_last = std::max<std::int64_t>(1, std::llround(use * static_cast<double>(waves.sms)));
  const std::int64_t full = in_last == waves.sms ? waves.waves : waves.waves - 1;
  std::string text;
  if (full == 1) text += wave("wave 1", waves.sms, waves.sms);
  if (full > 1) text += wave(fmt::format("waves 1-{}", full), waves.sms, waves.sms);
  if (full < waves.waves) text += wave(fmt::format("wave {}", waves.waves), in_last, waves.sms);
  return text;
}

}  // namespace gemmetry::report

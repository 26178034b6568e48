#pragma once

#include <cstdint>
#include <string>

#include "cli/program.h"

namespace gemmetry::cli {

using Json = nlohmann::ordered_json;

/// Operands stay in the cache and clocks are those of short bursts: one small shape takes some twenty milliseconds.
inline const std::string quick = " --device cpu --warm --clocks burst --time-cap 20ms --precision 50%";
/// A sweep of small products.
inline const std::string shapes = "gemm --m 8,16,32 --n 8:80:8 --k 16,32";
inline constexpr std::int64_t shape_count = 3 * 10 * 2;

/// The command that measures the sizes, "gemm --m 8 ...", on the CPU.
inline std::string measure(const std::string& sizes, const std::string& database) {
  return "measure " + sizes + quick + " --db " + database;
}

/// A model whose operators take no time.
inline const std::string small_model = " --hidden 16 --layers 2 --heads 2 --vocab 24 --seq 4 --batch 1";

}  // namespace gemmetry::cli

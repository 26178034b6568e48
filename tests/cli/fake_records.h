#pragma once

#include <fmt/format.h>

#include "cli/program.h"

namespace gemmetry::cli {

using Json = nlohmann::ordered_json;

/// Writes records.csv: products of many sizes that take `factor` times what is predicted for a burst. Returns how many.
inline std::size_t write_records(const Scratch& scratch, const std::string& gpu, double factor) {
  std::string shapes = "m,n,k\n";
  for (const int m : {1, 16, 64, 512, 1024, 2048, 8192})
    for (const int n : {512, 1024, 2048, 4096, 4099, 11008})
      for (const int k : {1024, 4096, 8192}) shapes += fmt::format("{},{},{}\n", m, n, k);
  scratch.write("shapes.csv", shapes);
  const Json predicted =
      gemmetry("predict gemm --clocks burst --format json --gpu " + gpu + " --from " + scratch.path("shapes.csv"))
          .json();
  std::string records = "kind,m,n,k,clocks,gpu,time_s\n";
  for (const Json& row : predicted.at("rows"))
    records += fmt::format("gemm,{},{},{},burst,{},{}\n", row.at("m").get<int>(), row.at("n").get<int>(),
                           row.at("k").get<int>(), gpu, row.at("time_s").get<double>() * factor);
  scratch.write("records.csv", records);
  return predicted.at("rows").size();
}

}  // namespace gemmetry::cli

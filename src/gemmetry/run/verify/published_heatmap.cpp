#include "gemmetry/run/verify/published_heatmap.h"

#include "gemmetry/base/json.h"
#include "gemmetry/run/embedded_verified_decoding.h"

namespace gemmetry::run {

const PublishedCell* PublishedHeatmap::find(const PassShape& shape) const {
  for (const PublishedCell& cell : cells)
    if (cell.shape == shape) return &cell;
  return nullptr;
}

PublishedHeatmap published_heatmap() {
  const EmbeddedFile& file = embedded_verified_decoding()[0];
  const std::string name(file.name);
  const nlohmann::json json = parse_json(file.text, name);
  const JsonObject object(json, name);
  PublishedHeatmap heatmap;
  heatmap.source = object.string("source");
  heatmap.model = object.string("model");
  heatmap.gpu = object.string("gpu");
  heatmap.rate_per_s = object.number("rate_per_s");
  heatmap.mean_new_tokens = object.number("mean_new_tokens");
  for (const nlohmann::json& row : object.array("cells")) {
    const JsonObject cell(row, name, "cells");
    heatmap.cells.push_back({{cell.integer("batch"), cell.integer("window")},
                             cell.number("recompute_cost"),
                             cell.number("end_to_end_p99_s")});
  }
  return heatmap;
}

}  // namespace gemmetry::run

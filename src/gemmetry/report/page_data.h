#pragma once

#include <nlohmann/json.hpp>

#include "gemmetry/report/chart.h"
#include "gemmetry/report/table.h"

namespace gemmetry::report {

/// What the page's script needs for all charts and tables: the scales of each Unit in their order, the charts' themes
/// and dashes.
nlohmann::ordered_json page_constants();

/// A chart for the page's script: specification, data, titles. Its lines are thinned to 1600 points in all.
nlohmann::ordered_json page_chart(const Chart& chart);

/// A table by columns: plain numbers and texts, and the ends of intervals. A column of few distinct texts holds each
/// once.
nlohmann::ordered_json page_table(const Table& table);

/// JSON that may stand in a <script> of HTML: no '<' in it. Bytes that are not UTF-8 are replaced.
std::string script_json(const nlohmann::ordered_json& json);

}  // namespace gemmetry::report

#pragma once

#include <string>

#include "error_of.h"
#include "gemmetry/base/json.h"
#include "gemmetry/study/study_file.h"

namespace gemmetry::study {

/// A study of products, to be changed by a test.
inline nlohmann::ordered_json product_study() {
  return nlohmann::ordered_json::parse(R"({
    "title": "Scores",
    "figures": ["7a"],
    "source": "a paper",
    "notes": ["a note"],
    "axes": {"h": "512:2048:512", "a": "8,32"},
    "let": {"b": "4", "s": 2048, "d": "h/a"},
    "where": "d >= 32",
    "operator": {"kind": "bmm", "batch": "b*a", "m": "s", "n": "s", "k": "d", "layout": "nt"},
    "series": [{"label": "bf16"}, {"label": "fp16", "fields": {"dtype": "fp16"}, "clocks": "sustained"}],
    "chart": {"x": "h", "color": "a"},
    "claims": [{"id": "aligned", "text": "Aligned is faster.",
                "condition": {"type": "ratio", "of": {"where": "d % 64 == 0"}, "over": {"where": "d % 64 != 0"},
                              "at_least": 1.1}}]
  })");
}

/// A study of a model, to be changed by a test.
inline nlohmann::ordered_json model_study() {
  return nlohmann::ordered_json::parse(R"({
    "title": "A layer",
    "source": "a paper",
    "axes": {"h": "1024,2048"},
    "let": {"a": "16"},
    "model": {"sizes": {"hidden": "h", "layers": 2, "heads": "a", "vocab": "50304"},
              "workload": {"batch": 4, "sequence": 1024}, "part": "layer"},
    "series": [{"label": "forward"}, {"label": "training", "fields": {"phase": "training"}}],
    "chart": {"x": "h", "y": "time_per_token"}
  })");
}

/// A heatmap of what an adapter slows down, to be changed by a test.
inline nlohmann::ordered_json slowdown_study() {
  return nlohmann::ordered_json::parse(R"({
    "title": "Adapters",
    "source": "a paper",
    "axes": {"s": "128,256", "r": "0,8,16", "b": "1,2,4"},
    "model": {"model": "gpt2", "sizes": {"adapter": "houlsby", "adapter_rank": "r"},
              "workload": {"batch": "b", "sequence": "s"}, "part": "model"},
    "baseline": {"r": 0},
    "series": [{"label": "H"}, {"label": "L", "fields": {"adapter": "lin"}}],
    "chart": {"x": "b", "y": "slowdown", "mark": "heatmap", "row": "r", "row_title": "rank", "panel": "s"}
  })");
}

inline Study study_of(const nlohmann::ordered_json& document) {
  return study_from_json(document.dump(), "x", "studies/x.json");
}

}  // namespace gemmetry::study

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/report/chart.h"
#include "gemmetry/report/document.h"

namespace gemmetry::report {

/// What one GPU's numbers say of a claim.
struct PageVerdict {
  std::string on;           ///< "H200, measured"
  std::string standing;     ///< in words: "holds"
  Tone tone = Tone::faint;  ///< good: it holds; bad: it does not; warn: in part; faint: that is not known
  std::string merit;        ///< the figure that decided, as text: "1.32x, ratio of medians"
  std::string reason;       ///< one sentence
  std::string command;      ///< that gives the numbers again
};

struct PageClaim {
  std::string text;
  std::vector<PageVerdict> verdicts;
};

struct PageStudy {
  std::string name;                  ///< anchor and file name of downloads; one of its kind on the page
  std::vector<std::string> figures;  ///< as the source numbers them: "7a"
  std::string title, source;
  std::vector<std::string> notes;
  std::vector<PageClaim> claims;
  Chart chart;                          ///< without lines: none is drawn
  Table table;                          ///< without rows: none is shown
  std::vector<std::string> provenance;  ///< a line each: where the numbers come from
};

struct Page {
  std::string title, lead;
  Table facts;  ///< one row
  std::vector<PageStudy> studies;
  std::vector<Section> sections;  ///< after the studies: a model's operators, wave pictures
};

/// What the page carries beside its content.
struct PageAssets {
  std::string_view style, script, vega;
};

/// Those compiled into the program. Error, with the fix, where it was built without Vega.
PageAssets page_assets();

/// One HTML file that needs no other and no network.
std::string to_html(const Page& page, const PageAssets& assets);
}  // namespace gemmetry::report

#include "gemmetry/base/error.h"
#include "gemmetry/report/embedded_page.h"
#include "gemmetry/report/page.h"

namespace gemmetry::report {
namespace {

std::string_view asset(std::string_view name) {
  for (const EmbeddedFile& file : embedded_page())
    if (file.name == name) return file.text;
  return {};
}

}  // namespace

PageAssets page_assets() {
  const PageAssets assets{asset("page.css"), asset("page.js"), asset("vega.js")};
  if (assets.vega.empty())
    throw Error(
        "this program was built without Vega, which draws the page's charts: run ./dev build where PyPI can be "
        "reached, "
        "which fetches it, or put a bundle of Vega, Vega-Lite and Vega-Embed at build/third_party/vega/vega.js and "
        "build "
        "again");
  return assets;
}

}  // namespace gemmetry::report

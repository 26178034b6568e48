#include "gemmetry/cli/calibration_option.h"

#include "gemmetry/base/json.h"

namespace gemmetry::cli {

CLI::Option* CalibrationOption::add_to(CLI::App& app) {
  return app.add_option("--calibration", file_, "a file that gemmetry calibrate wrote, instead of the shipped one")
      ->type_name("FILE");
}

gpu::Calibration CalibrationOption::calibration(const gpu::Gpu& gpu) const {
  if (file_.empty()) return gpu::calibration_for(gpu);
  return gpu::lent(gpu::calibration_from_json(read_text_file(file_), file_), gpu);
}

}  // namespace gemmetry::cli

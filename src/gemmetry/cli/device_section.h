#pragma once

#include "gemmetry/measure/record.h"
#include "gemmetry/measure/recordings.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

// The section "device" that answers of measurements begin with.

/// On which device, and how unless that is null.
report::Section device_section(const measure::DeviceInfo& device, const measure::Setting* setting);

/// Which device was recorded, and which of its recordings answer.
report::Section device_section(const measure::Recordings& recordings, const measure::Setting& setting);

}  // namespace gemmetry::cli

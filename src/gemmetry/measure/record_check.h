#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/measure/record.h"

// Whether files of records can be relied on: each record for itself, once each, not above what the GPU can do, and
// not faster for more work.

namespace gemmetry::measure {

/// A record as it stands in a file.
struct FiledRecord {
  Record record;
  std::int64_t line = 0;
  std::optional<bool> held_out;  ///< as the file says; absent where it does not
};

/// What is wrong with a file.
struct RecordFinding {
  std::string file;
  std::int64_t line = 0;
  std::string what;  ///< "schema", "duplicate", "failed", "above peak", "held out", "algorithm", "falls"
  std::string why;
};

/// What is to be known of a file and is not wrong: records of one kind and reason, counted.
struct RecordNote {
  std::string file;
  std::int64_t line = 0;  ///< of the first
  std::string what;       ///< "skipped", "untrusted", "clocks", "algorithm"
  std::int64_t records = 0;
  std::string why;
};

/// What could not be read.
struct RecordMistake {
  std::int64_t line = 0;
  std::string why;
};

struct RecordFile {
  std::string name;
  std::vector<FiledRecord> records;
  std::vector<RecordMistake> mistakes;
};

/// What is in a file.
struct RecordFileSummary {
  std::string file;
  std::int64_t records = 0;
  std::int64_t ok = 0;
  std::int64_t skipped = 0;
  std::int64_t failed = 0;
  std::int64_t untrusted = 0;
  std::int64_t held_out = 0;
  std::int64_t steps = 0;  ///< from a size to the next greater one of its work_series
  std::int64_t falls = 0;  ///< those on which the time falls notably and that are no finding
  std::int64_t findings = 0;
};

struct RecordCheck {
  std::vector<RecordFinding> findings;  ///< file by file, in order of lines
  std::vector<RecordNote> notes;        ///< likewise
  std::vector<RecordFileSummary> files;
};

/// Time at a size over that at a smaller one, all else equal, below which something is wrong with one of them.
/// Libraries do choose a kernel for the larger size that is a fifth faster (0.3-3 % of the steps of public tables), not
/// one that is nearly twice as fast.
inline constexpr double impossible_fall = 0.6;
/// What a fall to under that share is at least in seconds, else it is none to wonder at: whether k, or a cache, is
/// split over the SMs makes 15 of 30 us. Of 161,340 steps of public tables of an H200's products one is a finding by
/// this, of 47,453 of its attention over caches none.
inline constexpr double impossible_fall_s = 20e-6;
/// Below this a step that is no finding counts as one that falls: far outside the noise of two measurements.
inline constexpr double notable_fall = 0.8;
/// Share of the highest clock that a burst is meant to run at: the sampler's own limit.
inline constexpr double burst_clock_share = 0.97;

RecordCheck check_records(const std::vector<RecordFile>& files);

}  // namespace gemmetry::measure

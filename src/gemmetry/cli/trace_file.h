#pragma once

#include <cstdint>
#include <string>

#include "gemmetry/run/serve/trace.h"

namespace gemmetry::cli {

/// Requests of a file, by arrival: CSV with a heading line, or JSON objects line by line where the name ends in .jsonl.
/// arrival_s and new_tokens must be there, and prompt (token ids, in CSV with blanks between them) or prompt_tokens
/// (how many random ones); seed, deterministic (true or false) and cancel_s may. `seed` is that of requests without
/// one. Error naming file and line for anything else, and for tokens outside of the vocabulary.
run::Trace read_trace(const std::string& path, std::int64_t vocab, std::uint64_t seed);

}  // namespace gemmetry::cli

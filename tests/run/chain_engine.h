#pragma once

#include <fmt/format.h>

#include <optional>
#include <set>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/run/serve/priced_engine.h"
#include "gemmetry/run/serve/trace.h"

namespace gemmetry::run {

/// An engine whose tokens hang on all tokens in front of them, through what stands in the cache, and whose decoding now
/// and then draws another token, depending on how many are live. It refuses whatever the interface does not allow.
class ChainEngine final : public TokenEngine {
 public:
  struct Options {
    std::int64_t slots = 4;
    std::int64_t capacity = 64;
    double flips = 0;                        ///< share of decode draws that differ from the verifier's
    std::optional<std::int64_t> fails_at{};  ///< the call, from 0, that throws
    double pass_s = 0.01;
  };

  ChainEngine(const Options& options, VirtualClock& clock) : options_(options), clock_(clock) {
    cache_.resize(static_cast<std::size_t>(options.slots),
                  std::vector<Entry>(static_cast<std::size_t>(options.capacity)));
  }

  std::int64_t slots() const override { return options_.slots; }
  std::int64_t capacity() const override { return options_.capacity; }

  std::int32_t prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) override {
    begin_call();
    for (std::size_t i = 0; i < prompt.size(); ++i) write(slot, static_cast<std::int32_t>(i), prompt[i], true);
    return drawn(at(slot, static_cast<std::int32_t>(prompt.size()) - 1), draw, std::ssize(prompt));
  }

  std::vector<std::int32_t> decode(std::span<const DecodeRow> rows) override {
    begin_call();
    require(!rows.empty() && std::ssize(rows) <= options_.slots, "rows");
    std::set<std::int32_t> seen;
    std::vector<std::int32_t> tokens;
    for (const DecodeRow& row : rows) {
      if (row.slot < 0) {
        tokens.push_back(-1);
        continue;
      }
      require(seen.insert(row.slot).second, "a slot twice");
      write(row.slot, row.position, row.token, false);
      const Entry& entry = at(row.slot, row.position);
      const std::int32_t token = drawn(entry, row.draw, row.position + 1);
      const double place = measure::random_word(entry.state ^ 77, static_cast<std::uint64_t>(rows.size()));
      tokens.push_back(place < options_.flips * 4294967296.0 ? (token + 1) % vocab : token);
    }
    return tokens;
  }

  std::vector<std::int32_t> verify(std::span<const WindowRows> windows, std::int64_t window) override {
    begin_call();
    std::set<std::int32_t> seen;
    std::vector<std::int32_t> tokens(windows.size() * static_cast<std::size_t>(window), -1);
    for (std::size_t w = 0; w < windows.size(); ++w) {
      const WindowRows& rows = windows[w];
      require(rows.slot < 0 ? rows.tokens.empty() : !rows.tokens.empty(), "tokens of a window");
      if (rows.slot < 0) continue;
      require(std::ssize(rows.tokens) <= window, "a long window");
      require(seen.insert(rows.slot).second, "a slot twice");
      for (std::int32_t p = 0; p < rows.first_position; ++p)
        require(at(rows.slot, p).verified, "keys and values that nobody verified");
      for (std::size_t i = 0; i < rows.tokens.size(); ++i) {
        const std::int32_t position = rows.first_position + static_cast<std::int32_t>(i);
        write(rows.slot, position, rows.tokens[i], true);
        tokens[w * static_cast<std::size_t>(window) + i] = drawn(at(rows.slot, position), rows.draw, position + 1);
      }
    }
    return tokens;
  }

  /// What the verifier alone would answer.
  static std::vector<std::int32_t> reference(const Request& request) {
    std::uint64_t state = 0;
    for (const std::int32_t token : request.prompt) state = after(state, token);
    std::vector<std::int32_t> tokens;
    for (std::int64_t i = 0; i < request.new_tokens; ++i) {
      if (i > 0) state = after(state, tokens.back());
      tokens.push_back(drawn({state, true}, {request.seed, 0}, std::ssize(request.prompt) + i));
    }
    return tokens;
  }

  std::int64_t calls() const { return calls_; }

 private:
  /// Keys and values of one token: they hang on those in front.
  struct Entry {
    std::uint64_t state = 0;
    bool verified = false;
  };
  static constexpr std::int32_t vocab = 50;

  static std::uint64_t after(std::uint64_t state, std::int32_t token) {
    return static_cast<std::uint64_t>(measure::random_word(state, static_cast<std::uint64_t>(token))) << 32 |
           measure::random_word(~state, static_cast<std::uint64_t>(token));
  }
  static std::int32_t drawn(const Entry& entry, const Draw& draw, std::int64_t position) {
    return measure::random_index(entry.state ^ draw.seed, static_cast<std::uint64_t>(position), vocab);
  }
  static void require(bool right, const char* what) {
    if (!right) throw Error(fmt::format("the engine was given what it does not take: {}", what));
  }
  void begin_call() {
    if (options_.fails_at && calls_ == *options_.fails_at) throw Error("the device is gone");
    ++calls_;
    clock_.wait_s(options_.pass_s);
  }
  Entry& at(std::int32_t slot, std::int32_t position) {
    require(slot >= 0 && slot < options_.slots && position >= 0 && position < options_.capacity, "a place");
    return cache_[static_cast<std::size_t>(slot)][static_cast<std::size_t>(position)];
  }
  void write(std::int32_t slot, std::int32_t position, std::int32_t token, bool verified) {
    Entry& entry = at(slot, position);
    entry = {after(position > 0 ? at(slot, position - 1).state : 0, token), verified};
  }

  Options options_;
  VirtualClock& clock_;
  std::vector<std::vector<Entry>> cache_;
  std::int64_t calls_ = 0;
};

}  // namespace gemmetry::run

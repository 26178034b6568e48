#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gemmetry::run {

/// What a verification pass said of a request's window.
struct WindowOutcome {
  std::int64_t tokens = 0;       ///< n: drafts that were compared
  std::int64_t kept = 0;         ///< committed, the verifier's at a mismatch among them
  std::int64_t rolled_back = 0;  ///< drafts behind a mismatch: n - kept
  bool mismatch = false;
};

/// The new tokens of one request: first those that are committed, then drafts of decoding that the verifier has not
/// seen. The first token is the prefill's own, which depends on the prompt alone: it is committed as it comes.
class Drafts {
 public:
  /// A request for `wanted` tokens, at least 1, whose prefill drew `first`.
  Drafts(std::int64_t wanted, std::int32_t first);

  /// Takes a token of decoding as a draft. Error where the request has all it wants.
  void add(std::int32_t token);

  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t wanted() const { return wanted_; }
  std::int64_t unverified() const { return size() - committed_; }
  /// Whether no token is to be decoded, though drafts may have to be verified.
  bool complete() const { return size() == wanted_; }
  /// Whether every token is committed.
  bool done() const { return committed_ == wanted_; }
  /// Whether the drafts fill a window or are the last ones.
  bool ready(std::int64_t window) const { return unverified() > 0 && (unverified() >= window || complete()); }

  std::int32_t last() const { return tokens_.back(); }
  std::span<const std::int32_t> committed() const { return {tokens_.data(), static_cast<std::size_t>(committed_)}; }

  /// The tokens that a pass draws behind: the last committed one and the drafts but the last of the window. Their
  /// number is that of drafts compared, at most `window`; none without drafts.
  std::span<const std::int32_t> to_verify(std::int64_t window) const;

  /// Compares the verifier's tokens with as many drafts. Where all agree they are committed and nothing else: there is
  /// no bonus token. At the first that differs, the drafts before it and the verifier's token there are committed and
  /// all behind it are dropped: decoding goes on with the verifier's token, be it the last of the window.
  WindowOutcome commit(std::span<const std::int32_t> drawn);

  /// Commits the drafts as they are, as for requests that nobody verifies.
  void commit_unverified() { committed_ = size(); }

 private:
  std::int64_t wanted_ = 0;
  std::int64_t committed_ = 1;
  std::vector<std::int32_t> tokens_;
};

}  // namespace gemmetry::run

#include "gemmetry/measure/site.h"

#include <fmt/format.h>

#include <algorithm>

namespace gemmetry::measure {
namespace {

/// One site in so many is held out.
constexpr std::uint64_t held_out_one_in = 5;

struct Site {
  /// The gradients of a product swap its sizes: the weight's are n and k in nt and nn, m and n in tn.
  std::string operator()(const op::Gemm& g) const {
    const std::int64_t other = g.layout == op::Layout::tn ? g.m : g.k;
    if (g.batch == 1) return unordered("gemm", g.n, other);
    return fmt::format("bmm {} {}", std::min(g.n, other), g.batch);
  }
  /// c[e][n,k] even where it is the result.
  std::string operator()(const op::GroupedGemm& g) const { return unordered("grouped_gemm", g.n, g.k); }
  std::string operator()(const op::Attention& a) const { return fmt::format("attention {} {}", a.head_dim, a.heads); }
  std::string operator()(const op::Softmax& s) const { return fmt::format("softmax {}", s.columns); }
  std::string operator()(const op::Rotary& r) const { return fmt::format("rotary {} {}", r.dim, r.heads); }
  std::string operator()(const op::CrossEntropy& c) const { return fmt::format("cross_entropy {}", c.vocab); }
  std::string operator()(const op::Optimizer& o) const { return fmt::format("optimizer {}", o.parameters); }
  std::string operator()(const op::Pointwise& p) const { return fmt::format("pointwise {}", p.elements); }
  std::string operator()(const op::Collective& c) const { return fmt::format("collective {:.0f}", c.size_bytes); }
  /// Norms, activations, residuals, embeddings.
  template <class Op>
  std::string operator()(const Op& op) const {
    return fmt::format("{} {}", Op::kind, op.width);
  }

 private:
  static std::string unordered(std::string_view kind, std::int64_t a, std::int64_t b) {
    return fmt::format("{} {} {}", kind, std::min(a, b), std::max(a, b));
  }
};

}  // namespace

std::string site_of(const op::Operator& op) { return std::visit(Site{}, op); }

bool is_held_out(const op::Operator& op) { return site_hash(site_of(op)) % held_out_one_in == 0; }

std::uint64_t site_hash(std::string_view site) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : site) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

}  // namespace gemmetry::measure

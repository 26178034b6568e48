#include "gemmetry/run/serve/slot_decoder.h"

#include <gtest/gtest.h>

#include <numeric>

#include "error_of.h"
#include "gemmetry/run/decoder.h"
#include "run/tiny.h"

namespace gemmetry::run {
namespace {

using shape::Dtype;

/// Grouped heads, rotary positions, two layers.
shape::Model small() {
  const nlohmann::json config{
      {"model_type", "llama"},   {"hidden_size", 32}, {"num_hidden_layers", 2},   {"num_attention_heads", 4},
      {"intermediate_size", 80}, {"vocab_size", 211}, {"num_key_value_heads", 2}, {"max_position_embeddings", 256}};
  return shape::model_from_hf_config(config.dump(), "small");
}

/// Products whose rows do not hang on each other, in every pass.
std::string by_rows(const op::Operator&) { return "loops"; }

/// As split kernels are chosen on a GPU: in how many parts k is summed hangs on the number of rows.
std::string by_batch(const op::Operator& op) { return "rounded:" + std::to_string(2 + std::get<op::Gemm>(op).m % 3); }

/// A request as a server would keep it.
struct Asked {
  std::int32_t slot = 0;
  Draw draw;
  Tokens prompt;
  Tokens answer;  ///< drawn so far

  DecodeRow row() const {
    return {slot, static_cast<std::int32_t>(prompt.size() + answer.size()) - 1, answer.back(), draw};
  }
  /// Tokens of the answer from `first` on, `count` of them.
  WindowRows window(std::size_t first, std::size_t count) const {
    const auto from = answer.begin() + static_cast<std::ptrdiff_t>(first);
    return {slot,
            static_cast<std::int32_t>(prompt.size() + first),
            {from, from + static_cast<std::ptrdiff_t>(count)},
            draw};
  }
};

std::vector<Asked> some_requests(std::int64_t vocab, float temperature,
                                 std::vector<std::int32_t> slots = {2, 0, 3, 1}) {
  std::vector<Asked> all;
  for (const std::int64_t length : {4, 4, 9, 1}) {
    const std::size_t i = all.size();
    all.push_back({slots[i], {5 + i, temperature}, some_tokens(length, vocab, 11 + i), {}});
  }
  return all;
}

void fill_in(TokenEngine& engine, std::vector<Asked>& requests) {
  for (Asked& one : requests) one.answer = {engine.prefill(one.slot, one.prompt, one.draw)};
}

void step(TokenEngine& engine, std::vector<Asked>& requests) {
  std::vector<DecodeRow> rows;
  for (const Asked& one : requests) rows.push_back(one.row());
  const std::vector<std::int32_t> drawn = engine.decode(rows);
  for (std::size_t i = 0; i < requests.size(); ++i) requests[i].answer.push_back(drawn[i]);
}

/// What is drawn behind the first `count` tokens of each answer, verified in one pass.
std::vector<Tokens> verified(TokenEngine& engine, const std::vector<Asked>& requests, std::size_t first,
                             std::size_t count, std::int64_t window) {
  std::vector<WindowRows> windows;
  for (const Asked& one : requests) windows.push_back(one.window(first, count));
  const std::vector<std::int32_t> drawn = engine.verify(windows, window);
  EXPECT_EQ(std::ssize(drawn), std::ssize(windows) * window);
  std::vector<Tokens> all;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto begin = drawn.begin() + static_cast<std::ptrdiff_t>(i) * window;
    all.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return all;
}

Tokens behind(const Asked& one, std::size_t first, std::size_t count) {
  const auto begin = one.answer.begin() + static_cast<std::ptrdiff_t>(first) + 1;
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

class SlotDecoderTest : public Tiny {
 protected:
  SlotDecoderOptions pinned(std::vector<PassShape> windows = {}) const {
    SlotDecoderOptions options{.slots = 4, .capacity = 48, .windows = std::move(windows), .pinned_products = true};
    options.decode_splits = options.verify_splits;
    return options;
  }
};

TEST_F(SlotDecoderTest, DrawsWhatTheDecoderDraws) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
    for (const float temperature : {0.0f, 0.8f}) {
      std::vector<Asked> requests = some_requests(model.vocab, temperature);
      std::vector<Tokens> prompts;
      for (const Asked& one : requests) prompts.push_back(one.prompt);
      Decoder decoder(*backend, model, weights, {.slots = 4, .capacity = 24, .sampling = {temperature, 5}});
      const std::vector<Tokens> expected = decoder.generate(prompts, 9);
      SlotDecoder engine(*backend, model, weights, {.slots = 4, .capacity = 24});
      fill_in(engine, requests);
      for (int i = 1; i < 9; ++i) step(engine, requests);
      for (std::size_t i = 0; i < requests.size(); ++i)
        EXPECT_EQ(requests[i].answer, expected[i]) << family << " " << i;
    }
  }
}

TEST_F(SlotDecoderTest, PinnedVerificationDrawsWhatWasDecoded) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    for (const Dtype dtype : {Dtype::fp32, Dtype::bf16}) {
      const Weights weights = Weights::random(*backend, model, dtype, 3);
      for (const float temperature : {0.0f, 1.0f}) {
        SlotDecoder engine(*backend, model, weights, pinned({{4, 6}, {4, 16}, {4, 1}}));
        std::vector<Asked> requests = some_requests(model.vocab, temperature);
        fill_in(engine, requests);
        for (int i = 0; i < 14; ++i) step(engine, requests);
        const std::string what = family + " " + std::string(shape::name(dtype));
        for (const auto& [first, count, window] : std::vector<std::tuple<std::size_t, std::size_t, std::int64_t>>{
                 {0, 6, 6}, {3, 4, 6}, {0, 14, 16}, {13, 1, 1}}) {
          const std::vector<Tokens> drawn = verified(engine, requests, first, count, window);
          for (std::size_t i = 0; i < requests.size(); ++i)
            EXPECT_EQ(drawn[i], behind(requests[i], first, count)) << what << " request " << i << " window " << window;
        }
        step(engine, requests);
        step(engine, requests);
      }
    }
  }
}

TEST_F(SlotDecoderTest, RequestsStepOnAfterVerificationOverwroteTheirCache) {
  const shape::Model model = small();
  const Weights weights = Weights::random(*backend, model, Dtype::bf16, 3);
  std::vector<Asked> expected = some_requests(model.vocab, 1);
  SlotDecoder plain(*backend, model, weights, pinned());
  fill_in(plain, expected);
  for (int i = 0; i < 12; ++i) step(plain, expected);
  std::vector<Asked> requests = some_requests(model.vocab, 1);
  SlotDecoder engine(*backend, model, weights, pinned({{4, 4}}));
  fill_in(engine, requests);
  for (int i = 0; i < 12; ++i) {
    step(engine, requests);
    if (i % 4 == 3) verified(engine, requests, static_cast<std::size_t>(i) - 3, 4, 4);
  }
  for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(requests[i].answer, expected[i].answer);
}

/// A draft that is another token is drawn behind as if it had been decoded, and so on after it was taken back.
TEST_F(SlotDecoderTest, TakesTokensBack) {
  const shape::Model model = small();
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
  SlotDecoder engine(*backend, model, weights, pinned({{4, 4}}));
  std::vector<Asked> requests = some_requests(model.vocab, 1);
  fill_in(engine, requests);
  for (int i = 0; i < 4; ++i) step(engine, requests);
  const std::vector<Asked> right = requests;
  requests[1].answer[2] = (requests[1].answer[2] + 1) % 211;
  const std::vector<Tokens> drawn = verified(engine, requests, 0, 4, 4);
  EXPECT_EQ(drawn[0], behind(right[0], 0, 4));
  EXPECT_EQ(Tokens(drawn[1].begin(), drawn[1].begin() + 2), behind(right[1], 0, 2)) << "in front of it";
  requests[1].answer = {right[1].answer.begin(), right[1].answer.begin() + 3};
  std::vector<Asked> one{requests[1]};
  step(engine, one);
  step(engine, one);
  EXPECT_EQ(one[0].answer, right[1].answer);
}

TEST_F(SlotDecoderTest, SlotsDummiesAndFillingChangeNothing) {
  for (const char* family : {"llama", "mistral", "gpt2"}) {
    const shape::Model model = tiny(family);
    const Weights weights = Weights::random(*backend, model, Dtype::bf16, 3);
    const SlotDecoderOptions options = pinned({{4, 8}, {2, 8}, {7, 8}});
    SlotDecoder engine(*backend, model, weights, options);
    std::vector<Asked> requests = some_requests(model.vocab, 1);
    fill_in(engine, requests);
    for (int i = 0; i < 10; ++i) step(engine, requests);
    const std::vector<Tokens> together = verified(engine, requests, 0, 5, 8);

    SlotDecoder alone(*backend, model, weights, options);
    for (const std::int32_t slot : {3, 0}) {
      std::vector<Asked> one{some_requests(model.vocab, 1)[2]};
      one[0].slot = slot;
      fill_in(alone, one);
      for (int i = 0; i < 10; ++i) {
        std::vector<DecodeRow> rows(4, DecodeRow{-1, 0, 0, {}});
        rows[static_cast<std::size_t>(i % 4)] = one[0].row();
        if (i < 5) rows.resize(static_cast<std::size_t>(i % 4) + 1);
        one[0].answer.push_back(alone.decode(rows)[static_cast<std::size_t>(i % 4)]);
      }
      EXPECT_EQ(one[0].answer, requests[2].answer) << family << " in slot " << slot;
      for (const std::size_t place : {0, 1}) {
        std::vector<WindowRows> windows(2, WindowRows{-1, 0, {}, {}});
        windows[place] = one[0].window(0, 5);
        const std::vector<std::int32_t> drawn = alone.verify(windows, 8);
        const auto begin = drawn.begin() + static_cast<std::ptrdiff_t>(place) * 8;
        EXPECT_TRUE(std::equal(begin, begin + 5, together[2].begin())) << family << " at place " << place;
      }
    }
    EXPECT_EQ(engine.verify(std::vector<WindowRows>(7, WindowRows{-1, 0, {}, {}}), 8).size(), 56u);
  }
}

/// The same rows again are replayed without a copy; this is so also where other passes ran in between.
TEST_F(SlotDecoderTest, BatchesComeAndGo) {
  const shape::Model model = small();
  const Weights weights = Weights::random(*backend, model, Dtype::bf16, 3);
  SlotDecoder engine(*backend, model, weights, pinned({{4, 4}}));
  std::vector<Asked> requests = some_requests(model.vocab, 1);
  fill_in(engine, requests);
  for (int i = 0; i < 12; ++i) step(engine, requests);
  SlotDecoder other(*backend, model, weights, pinned({{4, 4}}));
  std::vector<Asked> again = some_requests(model.vocab, 1, {0, 1, 2, 3});
  fill_in(other, again);
  const auto step_some = [&](std::vector<std::size_t> which) {
    std::vector<DecodeRow> rows;
    for (const std::size_t i : which) rows.push_back(again[i].row());
    const std::vector<std::int32_t> drawn = other.decode(rows);
    for (std::size_t k = 0; k < which.size(); ++k) again[which[k]].answer.push_back(drawn[k]);
  };
  for (const std::vector<std::size_t>& which : std::vector<std::vector<std::size_t>>{
           {0, 1}, {0, 1}, {1, 0}, {3}, {0, 1}, {3}, {2, 1, 0, 3}, {2, 1, 0}, {2, 1, 0}, {0, 2}, {2}, {1, 2, 3, 0}})
    step_some(which);
  for (std::size_t i = 0; i < again.size(); ++i)
    EXPECT_TRUE(std::equal(again[i].answer.begin(), again[i].answer.end(), requests[i].answer.begin())) << i;
}

TEST_F(SlotDecoderTest, OtherOrdersOfSummingFlipTokensAndPinnedProductsNone) {
  const shape::Model model = small();
  const Weights weights = Weights::random(*backend, model, Dtype::bf16, 3);
  const auto flips = [&](SlotDecoderOptions options) {
    options.slots = 4;
    options.capacity = 240;
    options.windows = {{4, 16}};
    SlotDecoder engine(*backend, model, weights, options);
    std::vector<Asked> requests = some_requests(model.vocab, 0.2f);
    fill_in(engine, requests);
    std::int64_t count = 0;
    for (std::size_t first = 0; first < 208; first += 16) {
      for (int i = 0; i < 16; ++i) step(engine, requests);
      const std::vector<Tokens> drawn = verified(engine, requests, first, 16, 16);
      for (std::size_t i = 0; i < requests.size(); ++i) {
        const Tokens decoded = behind(requests[i], first, 16);
        for (std::size_t k = 0; k < 16; ++k) count += decoded[k] == drawn[i][k] ? 0 : 1;
      }
    }
    return count;
  };
  EXPECT_EQ(flips(pinned()), 0);
  EXPECT_GT(flips({.tuned = by_batch, .decode_splits = 1}), 0);
}

TEST_F(SlotDecoderTest, PaddedPrefillsDrawAndLeaveTheSame) {
  const shape::Model model = small();
  const Weights weights = Weights::random(*backend, model, Dtype::bf16, 3);
  for (const std::int64_t length : {3, 16, 19}) {
    std::vector<Tokens> answers;
    for (const std::int64_t capacity : {length + 8, std::int64_t{64}}) {  // a pass is no longer than a slot
      SlotDecoderOptions options = pinned();
      options.capacity = capacity;
      options.tuned = by_rows;
      SlotDecoder engine(*backend, model, weights, options);
      std::vector<Asked> one{{1, {9, 1}, some_tokens(length, model.vocab), {}}};
      fill_in(engine, one);
      for (int i = 0; i < 7; ++i) step(engine, one);
      answers.push_back(one[0].answer);
    }
    EXPECT_EQ(answers[0], answers[1]) << length;
  }
}

TEST_F(SlotDecoderTest, KeepsFewPrefillsAndLogsEachPassOnce) {
  const shape::Model model = small();
  const Weights weights = Weights::random(*backend, model, Dtype::bf16, 3);
  SlotDecoderOptions options = pinned({{2, 8}});
  options.prefills = 1;
  SlotDecoder engine(*backend, model, weights, options);
  const Draw draw{1, 1};
  const auto prompt = [&](std::int64_t length) { return some_tokens(length, model.vocab); };
  const std::int32_t first = engine.prefill(0, prompt(5), draw);
  engine.prefill(0, prompt(20), draw);
  EXPECT_EQ(engine.prefill(0, prompt(5), draw), first);
  const std::size_t of_prefills = engine.algorithms().size();
  engine.make_ready(4, 48);
  const std::vector<AlgorithmUse> log = engine.algorithms();
  EXPECT_GT(log.size(), of_prefills);
  const auto named = [&](const std::string& pass, const std::string& module, std::int64_t m) {
    return std::count_if(log.begin(), log.end(), [&](const AlgorithmUse& one) {
      return one.pass == pass && one.module == module && one.m == m;
    });
  };
  EXPECT_EQ(named("prefill", "QKV Transform", 16), 1);
  EXPECT_EQ(named("prefill", "QKV Transform", 32), 1);
  for (const std::int64_t rows : {1, 2, 3, 4}) EXPECT_EQ(named("decode", "QKV Transform", rows), 1);
  EXPECT_EQ(named("verify", "QKV Transform", 16), 1);
  EXPECT_EQ(named("verify", "Linear Output", 16), 1) << "every row is drawn";
  for (const AlgorithmUse& one : log)
    if (one.pass != "prefill" && one.k != 8) EXPECT_STREQ(one.algorithm.key, "loops") << one.pass << " " << one.module;
}

TEST_F(SlotDecoderTest, SaysWhatDoesNotFit) {
  const shape::Model model = small();
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
  const auto make = [&](SlotDecoderOptions options) { SlotDecoder(*backend, model, weights, std::move(options)); };
  const auto expect = [](const std::string& message, std::initializer_list<std::string> parts) {
    for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(error_of([&] { make({.slots = 0}); }), {"slots = 0", "1 to"});
  expect(error_of([&] { make({.slots = 1 << 20, .capacity = 1 << 30}); }), {"GiB", "slots", "use at most"});
  SlotDecoder engine(*backend, model, weights, {.slots = 2, .capacity = 12, .windows = {{1, 4}}});
  const Draw draw;
  const Tokens prompt{1, 2, 3};
  expect(error_of([&] { engine.prefill(2, prompt, draw); }), {"slot 2", "0 to 1"});
  expect(error_of([&] { engine.prefill(-1, prompt, draw); }), {"slot -1"});
  expect(error_of([&] { engine.prefill(0, {}, draw); }), {"no tokens"});
  expect(error_of([&] { engine.prefill(0, some_tokens(13, 211), draw); }), {"13 tokens", "12"});
  expect(error_of([&] { engine.prefill(0, Tokens{1, 211}, draw); }), {"token 211", "0 to 210"});
  const auto decode = [&](std::vector<DecodeRow> rows) { return error_of([&] { engine.decode(rows); }); };
  expect(decode({}), {"0 rows", "1 to 2"});
  expect(decode({{0, 3, 1, draw}, {0, 3, 1, draw}}), {"slot 0", "twice"});
  expect(decode({{0, 12, 1, draw}}), {"position 12", "slot 0"});
  expect(decode({{5, 0, 1, draw}}), {"slot 5"});
  const auto verify = [&](std::vector<WindowRows> windows, std::int64_t window) {
    return error_of([&] { engine.verify(windows, window); });
  };
  expect(verify({{0, 3, {1, 2, 3, 4, 5}, draw}}, 4), {"5 tokens", "window of 4"});
  expect(verify({{0, 3, {}, draw}}, 4), {"0 tokens"});
  expect(verify({{-1, 3, {1}, draw}}, 4), {"slot -1", "0 for a dummy"});
  expect(verify({{0, 9, {1, 2, 3, 4}, draw}}, 4), {"position 9", "12 tokens"});
  expect(verify({{0, 3, {1}, draw}}, 5), {"1 x 5", "not announced"});
  expect(verify({}, 4), {"0 x 4"});
  EXPECT_EQ(engine.verify(std::vector<WindowRows>{{0, 9, {1, 2, 3}, draw}}, 4).size(), 4u)
      << "a window may end where its slot does";
}

}  // namespace
}  // namespace gemmetry::run

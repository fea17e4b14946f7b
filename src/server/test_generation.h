// For the tests of routes that generate: answers as the engine would stream them.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "server/test_context.h"

namespace vecton::server {

struct GenerationContext : TestContext {
  GenerationContext() { serve({Task::kGenerate}); }

  // What a model that says `pieces` one after the other makes of `plan`: all that is sent.
  static std::string sent(const CallPlan& plan, const std::vector<std::string>& pieces,
                          FinishReason reason = FinishReason::kStop, StopReason stop = {}) {
    std::string out;
    const std::vector<int32_t> prompt = {7, 8, 9};
    const std::vector<TokenLogprobs> logprobs = {token("b"), token("c")};
    for (size_t i = 0; i < pieces.size(); ++i) {
      GenerationDelta delta{.text = pieces[i], .token_ids = {static_cast<int32_t>(i)}};
      delta.logprobs = {token(pieces[i])};
      delta.prompt_tokens = 3;
      delta.completion_tokens = static_cast<int64_t>(i) + 1;
      if (i == 0) delta.prompt_token_ids = &prompt;
      if (i == 0) delta.prompt_logprobs = &logprobs;
      if (i + 1 == pieces.size()) {
        delta.finish_reason = reason;
        delta.stop_reason = stop;
      }
      out += plan.stream->add(delta);
    }
    return out + plan.stream->end(results(pieces, reason, stop));
  }

  // The answer that is not streamed.
  static json::value whole(const CallPlan& plan, const std::vector<std::string>& pieces,
                           FinishReason reason = FinishReason::kStop, StopReason stop = {}) {
    return json::parse(plan.render(results(pieces, reason, stop)).body);
  }

  static std::vector<Result> results(const std::vector<std::string>& pieces, FinishReason reason,
                                     StopReason stop) {
    Completion completion{.finish_reason = reason, .stop_reason = stop};
    for (const std::string& piece : pieces) {
      completion.token_ids.push_back(static_cast<int32_t>(completion.token_ids.size()));
      completion.text += piece;
      completion.logprobs.push_back(token(piece));
    }
    Generation generation{.completions = {completion},
                          .prompt_token_ids = {7, 8, 9},
                          .prompt_logprobs = {token("b"), token("c")},
                          .cached_tokens = 2};
    return {{.answer = std::move(generation), .usage = {.prompt_tokens = 3}}};
  }

  static TokenLogprobs token(const std::string& text) {
    return {.token = {.id = 5, .logprob = -0.5F, .rank = 1, .text = text, .bytes = text},
            .top = {{.id = 6, .logprob = -0.25F, .rank = 1, .text = "x", .bytes = "x"}}};
  }

  // The documents of "data:" lines, without the last that is "[DONE]".
  static std::vector<json::value> events(const std::string& text) {
    std::vector<json::value> all;
    for (size_t at = 0; (at = text.find("data: ", at)) != std::string::npos;) {
      const size_t end = text.find('\n', at);
      const std::string data = text.substr(at + 6, end - at - 6);
      if (data != "[DONE]") all.push_back(json::parse(data));
      at = end;
    }
    return all;
  }
};

}  // namespace vecton::server

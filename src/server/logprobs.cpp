#include "server/logprobs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json_text.h"
#include "base/utf8.h"
#include "server/render.h"

namespace vecton::server {

namespace {

constexpr float kLeast = -9999.0F;  // stands for -infinity, which JSON has not

void append_logprob(std::string& out, float logprob) {
  append_float(out, std::isfinite(logprob) ? logprob : kLeast);
}

void append_token(std::string& out, const TokenLogprob& token, bool as_ids) {
  base::append_json_string(out, as_ids ? "token_id:" + std::to_string(token.id) : token.text);
}

void append_entry(std::string& out, const TokenLogprob& token, bool as_ids) {
  out += "{\"token\":";
  append_token(out, token, as_ids);
  out += ",\"logprob\":";
  append_logprob(out, token.logprob);
  out += ",\"bytes\":[";
  for (size_t i = 0; i < token.bytes.size(); ++i) {
    if (i) out += ',';
    append_number(out, static_cast<int64_t>(static_cast<unsigned char>(token.bytes[i])));
  }
  out += ']';
}

// Appends `append(i)` of each, with commas between.
template <typename Append>
void list(std::string& out, size_t count, const Append& append) {
  out += '[';
  for (size_t i = 0; i < count; ++i) {
    if (i) out += ',';
    append(i);
  }
  out += ']';
}

}  // namespace

void append_token_logprobs(std::string& out, std::span<const TokenLogprobs> tokens, bool as_ids) {
  list(out, tokens.size(), [&](size_t i) {
    append_entry(out, tokens[i].token, as_ids);
    out += ",\"top_logprobs\":";
    list(out, tokens[i].top.size(), [&](size_t k) {
      append_entry(out, tokens[i].top[k], as_ids);
      out += '}';
    });
    out += '}';
  });
}

void append_chat_logprobs(std::string& out, std::span<const TokenLogprobs> tokens, bool as_ids) {
  out += "{\"content\":";
  append_token_logprobs(out, tokens, as_ids);
  out += '}';
}

int64_t TextOffset::add(const TokenLogprob& token) {
  const std::string& bytes = token.bytes.empty() ? token.text : token.bytes;
  const auto pass = [&](std::string_view text) {
    characters_ += static_cast<int64_t>(utf8::count(utf8::repair(text)));
  };
  if (!open_.empty() && !bytes.empty() && utf8::begins_character(bytes.front()))
    pass(std::exchange(open_, {}));  // nothing completed it: it is U+FFFD in the text
  const int64_t place = characters_;
  open_ += bytes;
  const size_t whole = open_.size() - utf8::unfinished_tail(open_);
  pass(std::string_view(open_).substr(0, whole));
  open_.erase(0, whole);
  return place;
}

void append_text_logprobs(std::string& out, std::span<const TokenLogprobs> tokens,
                          TextOffset& offset, bool as_ids) {
  out += "{\"tokens\":";
  list(out, tokens.size(), [&](size_t i) { append_token(out, tokens[i].token, as_ids); });
  // The first token of a prompt, whose rank is 0, has none.
  out += ",\"token_logprobs\":";
  list(out, tokens.size(), [&](size_t i) {
    if (tokens[i].token.rank == 0) {
      out += "null";
    } else {
      append_logprob(out, tokens[i].token.logprob);
    }
  });
  out += ",\"top_logprobs\":";
  list(out, tokens.size(), [&](size_t i) {
    const TokenLogprobs& one = tokens[i];
    if (one.token.rank == 0) {
      out += "null";
      return;
    }
    std::vector<const TokenLogprob*> all;
    for (const TokenLogprob& token : one.top) all.push_back(&token);
    const bool there = std::any_of(all.begin(), all.end(),
                                   [&](const auto* token) { return token->id == one.token.id; });
    if (!there) all.push_back(&one.token);
    out += '{';
    for (size_t k = 0; k < all.size(); ++k) {
      if (k) out += ',';
      append_token(out, *all[k], as_ids);
      out += ':';
      append_logprob(out, all[k]->logprob);
    }
    out += '}';
  });
  out += ",\"text_offset\":";
  list(out, tokens.size(), [&](size_t i) { append_number(out, offset.add(tokens[i].token)); });
  out += '}';
}

void append_prompt_logprobs(std::string& out, std::span<const TokenLogprobs> tokens) {
  out += "[null";
  for (const TokenLogprobs& one : tokens) {
    out += ",{";
    bool there = false, first = true;
    const auto append = [&](const TokenLogprob& token) {
      out += first ? "\"" : ",\"";
      first = false;
      out += std::to_string(token.id) + "\":{\"logprob\":";
      append_logprob(out, token.logprob);
      out += ",\"rank\":" + std::to_string(token.rank) + ",\"decoded_token\":";
      base::append_json_string(out, token.text);
      out += '}';
      there = there || token.id == one.token.id;
    };
    for (const TokenLogprob& token : one.top) append(token);
    if (!there) append(one.token);
    out += '}';
  }
  out += ']';
}

void append_ids(std::string& out, std::span<const int32_t> ids) {
  list(out, ids.size(), [&](size_t i) { append_number(out, static_cast<int64_t>(ids[i])); });
}

}  // namespace vecton::server

#include "tokenizer/special_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace vecton::tokenizer {

namespace {

// The order in which the reference adds them.
constexpr std::array<std::string_view, 7> kNames = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

bool contains(std::span<const AddedToken> tokens, std::string_view content) {
  return std::ranges::find(tokens, content, &AddedToken::content) != tokens.end();
}

// A string, or an object of which the files leave `special` out.
AddedToken read_special(const Field& field) {
  if (!field.value().is_object()) return AddedToken::plain_special(field.string());
  AddedToken token = AddedToken::read(field);
  token.special = field.boolean_or("special", true);
  if (!field.has("normalized")) token.normalized = !token.special;
  return token;
}

bool is_token(const Field& field) {
  return field.value().is_string() || (field.value().is_object() && field.has("content"));
}

}  // namespace

AddedToken AddedToken::read(const Field& field) {
  AddedToken token;
  token.content = field["content"].string();
  token.single_word = field.boolean_or("single_word", false);
  token.lstrip = field.boolean_or("lstrip", false);
  token.rstrip = field.boolean_or("rstrip", false);
  token.special = field.boolean_or("special", false);
  token.normalized = field.boolean_or("normalized", !token.special);
  return token;
}

AddedToken AddedToken::plain_special(std::string_view content) {
  AddedToken token;
  token.content = content;
  token.normalized = false;
  token.special = true;
  return token;
}

void SpecialTokens::read(const Field& config, const Field& map, const Field& added) {
  if (!config.is_null()) {
    if (config.has("added_tokens_decoder")) read_numbered(config["added_tokens_decoder"]);
    for (const auto& [key, value] : config.object()) {
      const std::string_view name(key.data(), key.size());
      if (name.ends_with("_token") || name == "extra_special_tokens" ||
          name == "additional_special_tokens") {
        read_named(config, name, config[name]);
      }
    }
    if (config.has("added_tokens_decoder")) return;
  }
  if (!map.is_null()) read_map(map);
  if (!added.is_null()) read_added(added);
}

void SpecialTokens::read_numbered(const Field& decoder) {
  for (const auto& [key, value] : decoder.object()) {
    int64_t id = 0;
    const char* const end = key.data() + key.size();
    if (const auto parsed = std::from_chars(key.data(), end, id);
        parsed.ec != std::errc() || parsed.ptr != end || id < 0) {
      decoder.fail(ErrorCode::kCorrupt, "has the key \"" + std::string(key) + "\": ids are wanted");
    }
    numbered_.emplace_back(id, AddedToken::read(decoder[std::string_view(key.data(), key.size())]));
  }
  std::ranges::stable_sort(numbered_, {}, &std::pair<int64_t, AddedToken>::first);
}

void SpecialTokens::read_named(const Field& root, std::string_view key, const Field& value) {
  const bool list = !key.ends_with("_token");
  if (value.is_null()) {
    if (!list) unset_.emplace_back(key);
  } else if (!list) {
    // Keys such as add_bos_token say something else.
    if (is_token(value)) set(key, read_special(value), value.value().is_string());
  } else if (value.value().is_object()) {  // of names that only this model has
    for (const auto& [name, token] : value.object()) {
      const std::string_view text(name.data(), name.size());
      set(text, read_special(value[text]), value[text].value().is_string());
    }
  } else if (key == "extra_special_tokens" || !root.has("extra_special_tokens") ||
             root["extra_special_tokens"].value().is_object() ||
             root["extra_special_tokens"].array().empty()) {
    has_extra_ = true;
    for (size_t i = 0; i < value.array().size(); ++i) {
      add_extra(read_special(value[i]));
    }
  }
}

void SpecialTokens::read_map(const Field& map) {
  for (const auto& [key, value] : map.object()) {
    const std::string_view name(key.data(), key.size());
    if (!value.is_null()) read_named(map, name, map[name]);
  }
}

void SpecialTokens::read_added(const Field& added) {
  for (const auto& [key, value] : added.object()) {
    AddedToken token;
    token.content = std::string(key.data(), key.size());
    token.special = is_named(token.content) || contains(extra_, token.content);
    token.normalized = !token.special;
    numbered_.emplace_back(added[token.content].id(), std::move(token));
  }
  std::ranges::stable_sort(numbered_, {}, &std::pair<int64_t, AddedToken>::first);
}

const AddedToken* SpecialTokens::find_numbered(std::string_view content) const {
  for (const auto& [id, token] : numbered_) {
    if (token.content == content) return &token;
  }
  return nullptr;
}

void SpecialTokens::set(std::string_view name, AddedToken token, bool bare) {
  if (const AddedToken* numbered = find_numbered(token.content)) {
    token = *numbered;
    bare = false;
  }
  for (Named& known : named_) {
    if (known.name == name) {
      known = {std::string(name), std::move(token), bare};
      return;
    }
  }
  named_.push_back({std::string(name), std::move(token), bare});
}

void SpecialTokens::set_default(std::string_view name, AddedToken token) {
  const auto known = std::ranges::find(named_, name, &Named::name);
  if (known == named_.end()) {
    if (std::ranges::find(unset_, name) == unset_.end()) set(name, std::move(token), true);
  } else if (known->bare) {
    token.content = known->token.content;
    known->token = std::move(token);
  }
}

void SpecialTokens::add_extra(AddedToken token) {
  if (!contains(extra_, token.content)) extra_.push_back(std::move(token));
}

const AddedToken* SpecialTokens::find(std::string_view name) const {
  const auto known = std::ranges::find(named_, name, &Named::name);
  return known == named_.end() ? nullptr : &known->token;
}

bool SpecialTokens::is_named(std::string_view content) const {
  return std::ranges::any_of(named_, [&](const Named& n) { return n.token.content == content; });
}

std::vector<AddedToken> SpecialTokens::missing(std::span<const AddedToken> existing) const {
  std::vector<AddedToken> out;
  for (const auto& [id, token] : numbered_) {
    if (std::ranges::find(existing, token) != existing.end()) continue;
    out.push_back(token);
    out.back().special |= is_named(token.content);
  }
  // Of named and extra tokens with one content the last one counts.
  const size_t numbered = out.size();
  const auto add = [&](const AddedToken& token) {
    const bool known = contains(existing, token.content) ||
                       contains(std::span(out).first(numbered), token.content);
    if (!known) out.push_back(token);
  };
  const auto add_named = [&](AddedToken token) {
    token.special = true;
    add(token);
  };
  for (const std::string_view name : kNames) {
    if (const AddedToken* token = find(name)) add_named(*token);
  }
  for (const Named& named : named_) {
    if (std::ranges::find(kNames, named.name) == kNames.end()) add_named(named.token);
  }
  for (const AddedToken& token : extra_) add(token);
  return out;
}

}  // namespace vecton::tokenizer

#include "grammar/structural_tag.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "grammar/json_schema.h"
#include "grammar/limits.h"
#include "grammar/structured_output.h"
#include "grammar/token_trie.h"
#include "vecton/error.h"

namespace vecton::grammar {

namespace {

using Texts = std::vector<std::string>;

// An object of the document: reads its fields, and refuses those that nobody has read.
class TagFields {
 public:
  TagFields(const json::value& value, std::string place)
      : object_(value.if_object()), place_(std::move(place)) {
    if (!object_) wrong("expected an object");
  }

  const std::string& place() const { return place_; }

  [[noreturn]] void wrong(const std::string& what) const {
    throw Error(ErrorCode::kInvalidArgument, place_ + ": " + what, "structured_outputs");
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kUnsupported, place_ + ": " + what + " is not taken",
                "structured_outputs");
  }

  // Null where it is not there, or null.
  const json::value* any(std::string_view name) {
    read_.push_back(name);
    const json::value* value = object_->if_contains(name);
    return value && !value->is_null() ? value : nullptr;
  }
  const json::value& needed(std::string_view name) {
    const json::value* value = any(name);
    if (!value) wrong("'" + std::string(name) + "' is missing");
    return *value;
  }
  std::string at(std::string_view name) const { return place_ + "." + std::string(name); }

  std::string text(std::string_view name) { return text_of(needed(name), name); }
  std::string text_of(const json::value& value, std::string_view name) const {
    if (!value.is_string()) wrong("'" + std::string(name) + "' has to be a text");
    return std::string(value.get_string());
  }
  const json::array& list(std::string_view name) {
    const json::array* list = needed(name).if_array();
    if (!list || list->empty()) wrong("'" + std::string(name) + "' has to be a list of some");
    return *list;
  }
  Texts texts(std::string_view name) {
    Texts out;
    const json::value* value = any(name);
    if (!value) return out;
    if (!value->is_array()) wrong("'" + std::string(name) + "' has to be a list of texts");
    for (const json::value& text : value->get_array()) {
      out.push_back(text_of(text, name));
      if (out.back().empty()) wrong("'" + std::string(name) + "' has an empty text");
    }
    return out;
  }
  bool flag(std::string_view name) {
    const json::value* value = any(name);
    if (value && !value->is_bool()) wrong("'" + std::string(name) + "' has to be true or false");
    return value && value->get_bool();
  }
  std::optional<int64_t> number(std::string_view name, int64_t least) {
    const json::value* value = any(name);
    if (!value) return {};
    if (!value->is_int64() || value->get_int64() < least)
      wrong("'" + std::string(name) + "' has to be a whole number from " + std::to_string(least));
    return value->get_int64();
  }
  // A setting of which the usual value alone is taken.
  void plain(std::string_view name, const json::value& usual) {
    const json::value* value = any(name);
    if (value && *value != usual) refuse("'" + std::string(name) + "'");
  }

  void finish() const {
    for (const auto& member : *object_) {
      if (std::find(read_.begin(), read_.end(), std::string_view(member.key())) == read_.end())
        refuse("'" + std::string(member.key()) + "'");
    }
  }

 private:
  const json::object* object_;
  std::string place_;
  std::vector<std::string_view> read_;
};

class TagCompiler {
 public:
  TagCompiler(Grammar& grammar, const NamedTokens& tokens, const JsonOptions& options)
      : grammar_(grammar), pool_(grammar.pool), tokens_(tokens), options_(options) {}

  Symbol document(const json::value& document) {
    TagFields fields(document, "structural_tag");
    if (const json::value* type = fields.any("type"); type && *type != "structural_tag")
      fields.wrong("'type' has to be 'structural_tag'");
    const json::value* form = fields.any("format");
    const Symbol symbol = form ? format(*form, fields.at("format"), 0) : structures(fields);
    fields.finish();
    return symbol;
  }

 private:
  // Free text, then one of `marks`, then what its branch has to be.
  struct Dispatch {
    struct Branch {
      std::string mark, begin;  // the mark, and what may follow it at once
      Symbol rest{};
    };
    std::vector<Branch> branches;
    Texts marks;       // none of them stands in free text
    Texts excludes{};  // nor do these
  };
  struct Tag {
    std::string begin;
    Symbol content{};  // and its end
  };
  // Of tags.
  struct HowMany {
    bool at_least_one = false, stop_after_first = false;
  };

  Symbol structures(TagFields& fields) {
    std::vector<Tag> tags;
    const json::array& list = fields.list("structures");
    for (size_t i = 0; i < list.size(); ++i) {
      TagFields tag(list[i], fields.at("structures") + "[" + std::to_string(i) + "]");
      tags.push_back({tag.text("begin"), json(tag.needed("schema"), tag)});
      tags.back().content = grammar_.sequence({tags.back().content, mark(tag.text("end"))});
      tag.finish();
    }
    return dispatched(tags, fields, {}, {});
  }

  Symbol format(const json::value& value, const std::string& place, int depth) {
    if (depth > kMaxNesting)
      throw Error(ErrorCode::kInvalidArgument, "structural_tag: nested too deep",
                  "structured_outputs");
    TagFields fields(value, place);
    const std::string type = fields.text("type");
    const Symbol symbol = of_type(type, fields, depth + 1);
    fields.finish();
    return symbol;
  }

  Symbol of_type(const std::string& type, TagFields& fields, int depth) {
    if (type == "const_string") return mark(fields.text("value"));
    if (type == "json_schema") {
      fields.plain("style", "json");
      fields.plain("any_order", false);
      fields.plain("excludes", json::array());
      fields.plain("max_whitespace_cnt", nullptr);
      return json(fields.needed("json_schema"), fields);
    }
    if (type == "regex") {
      fields.plain("excludes", json::array());
      return regex(grammar_, fields.text("pattern"));
    }
    if (type == "grammar") {
      fields.any("syntax");  // its own signs tell
      return ebnf(grammar_, fields.text("grammar"), tokens_, options_);
    }
    if (type == "any_text") return any_text(fields);
    if (type == "token") return token(fields);
    if (type == "sequence") return grammar_.sequence(elements(fields, depth));
    if (type == "or") return grammar_.any_of(elements(fields, depth));
    if (type == "optional") return grammar_.repeat(content(fields, depth), 0, 1);
    if (type == "star") return grammar_.repeat(content(fields, depth), 0, kUnbounded);
    if (type == "plus") return grammar_.repeat(content(fields, depth), 1, kUnbounded);
    if (type == "repeat") {
      const int64_t least = fields.number("min", 0).value_or(0);
      const int64_t most = fields.number("max", -1).value_or(-1);
      return grammar_.repeat(content(fields, depth), least, most < 0 ? kUnbounded : most);
    }
    if (type == "tag") {
      const Tag tag = this->tag(fields, depth);
      return grammar_.sequence({mark(tag.begin), tag.content});
    }
    if (type == "triggered_tags") return triggered_tags(fields, depth);
    if (type == "tags_with_separator") return tags_with_separator(fields, depth);
    if (type == "dispatch") return dispatch(fields, depth);
    fields.refuse("the type '" + type + "'");
  }

  std::vector<Symbol> elements(TagFields& fields, int depth) {
    std::vector<Symbol> out;
    for (const json::value& element : fields.list("elements"))
      out.push_back(
          format(element, fields.at("elements") + "[" + std::to_string(out.size()) + "]", depth));
    return out;
  }

  Symbol content(TagFields& fields, int depth) {
    return format(fields.needed("content"), fields.at("content"), depth);
  }

  Symbol json(const json::value& schema, const TagFields& fields) {
    try {
      // Documents give old structures' schemas as texts too.
      if (schema.is_string()) return json_schema(grammar_, schema.get_string(), options_);
      return parsed_json_schema(grammar_, schema, options_);
    } catch (const Error& error) {
      throw Error(error.code(), fields.place() + ": " + error.what(), "structured_outputs");
    }
  }

  // Of any_text.
  Texts excludes_of(TagFields& fields) {
    fields.plain("max_tokens", nullptr);
    return fields.texts("excludes");
  }

  Symbol any_text(TagFields& fields) {
    Expr text = free_text(excludes_of(fields));
    if (const auto most = fields.number("max_chars", 0))
      text = pool_.all_of({text, pool_.repeat(any_character(), 0, *most)});
    return Symbol::terminal(text);
  }

  Symbol token(TagFields& fields) {
    const json::value& name = fields.needed("token");
    const std::string given = name.is_int64() ? "[" + std::to_string(name.get_int64()) + "]"
                                              : fields.text_of(name, "token");
    const auto bytes = tokens_ ? tokens_(given) : std::nullopt;
    if (!bytes) fields.wrong("there is no token '" + given + "'");
    return grammar_.text(*bytes);
  }

  Tag tag(TagFields& fields, int depth) {
    Tag out{.begin = fields.text("begin")};
    const json::value& end = fields.needed("end");
    Texts ends;
    if (end.is_array()) {
      ends = fields.texts("end");
      if (ends.empty()) fields.wrong("'end' has no text");
    } else {
      ends = {fields.text_of(end, "end")};
    }
    const json::value& inner = fields.needed("content");
    const json::object* object = inner.if_object();
    const json::value* type = object ? object->if_contains("type") : nullptr;
    const bool empty = std::find(ends.begin(), ends.end(), "") != ends.end();
    if (type && *type == "any_text" && !empty) {
      // Any text ends where its end first stands.
      TagFields text(inner, fields.at("content"));
      text.any("type");
      const Texts excludes = excludes_of(text);
      text.plain("max_chars", nullptr);
      text.finish();
      std::vector<Symbol> ways;
      for (const std::string& one : ends)
        ways.push_back(Symbol::terminal(up_to(one, one, ends, excludes)));
      out.content = grammar_.any_of(ways);
      return out;
    }
    std::vector<Symbol> ways;
    for (const std::string& one : ends) ways.push_back(mark(one));
    const Symbol content = this->content(fields, depth);
    out.content = grammar_.sequence({content, grammar_.any_of(ways)});
    return out;
  }

  std::vector<Tag> tags(TagFields& fields, int depth) {
    std::vector<Tag> out;
    const json::array& list = fields.list("tags");
    for (size_t i = 0; i < list.size(); ++i) {
      TagFields one(list[i], fields.at("tags") + "[" + std::to_string(i) + "]");
      one.plain("type", "tag");
      out.push_back(tag(one, depth));
      one.finish();
    }
    return out;
  }

  static HowMany how_many(TagFields& fields) {
    return {.at_least_one = fields.flag("at_least_one"),
            .stop_after_first = fields.flag("stop_after_first")};
  }

  Symbol triggered_tags(TagFields& fields, int depth) {
    const std::vector<Tag> tags = this->tags(fields, depth);
    const HowMany number = how_many(fields);
    return dispatched(tags, fields, fields.texts("excludes"), number);
  }

  Symbol dispatched(const std::vector<Tag>& tags, TagFields& fields, Texts excludes,
                    HowMany number) {
    Dispatch dispatch{.marks = fields.texts("triggers"), .excludes = std::move(excludes)};
    if (dispatch.marks.empty()) fields.wrong("'triggers' has to be a list of some");
    std::vector<Symbol> first;
    for (const Tag& tag : tags) {
      const std::string* trigger = nullptr;
      for (const std::string& mark : dispatch.marks) {
        if (!tag.begin.starts_with(mark)) continue;
        if (trigger)
          fields.wrong("the tag '" + tag.begin + "' begins with two triggers, '" + *trigger +
                       "' and '" + mark + "'");
        trigger = &mark;
      }
      if (!trigger) fields.wrong("the tag '" + tag.begin + "' begins with none of the triggers");
      dispatch.branches.push_back({*trigger, tag.begin, tag.content});
      first.push_back(grammar_.sequence({mark(tag.begin), tag.content}));
    }
    // Where there has to be one, nothing stands before it.
    const Symbol one = grammar_.any_of(first);
    if (number.at_least_one && number.stop_after_first) return one;
    const Symbol any = of(dispatch, !number.stop_after_first);
    return number.at_least_one ? grammar_.sequence({one, any}) : any;
  }

  Symbol tags_with_separator(TagFields& fields, int depth) {
    std::vector<Symbol> any;
    for (const Tag& tag : tags(fields, depth))
      any.push_back(grammar_.sequence({mark(tag.begin), tag.content}));
    const Symbol one = grammar_.any_of(any);
    const HowMany number = how_many(fields);
    const Symbol separator = mark(fields.text("separator"));
    Symbol all = one;
    if (!number.stop_after_first) {
      all = grammar_.sequence(
          {one, grammar_.repeat(grammar_.sequence({separator, one}), 0, kUnbounded)});
    }
    return grammar_.repeat(all, number.at_least_one ? 1 : 0, 1);
  }

  Symbol dispatch(TagFields& fields, int depth) {
    Dispatch dispatch{.excludes = fields.texts("excludes")};
    const json::array& rules = fields.list("rules");
    for (size_t i = 0; i < rules.size(); ++i) {
      const std::string place = fields.at("rules") + "[" + std::to_string(i) + "]";
      const json::array* pair = rules[i].if_array();
      if (!pair || pair->size() != 2) fields.wrong("'rules' has to be a list of pairs");
      const std::string mark = fields.text_of(pair->front(), "rules");
      if (mark.empty()) fields.wrong("'rules' has an empty text");
      dispatch.marks.push_back(mark);
      dispatch.branches.push_back({mark, mark, format(pair->back(), place + "[1]", depth)});
    }
    const json::value* loop = fields.any("loop");
    return of(dispatch, !loop || fields.flag("loop"));
  }

  Symbol of(const Dispatch& dispatch, bool again) {
    std::vector<Symbol> ways;
    for (const Dispatch::Branch& branch : dispatch.branches)
      ways.push_back(grammar_.sequence(
          {Symbol::terminal(up_to(branch.mark, branch.begin, dispatch.marks, dispatch.excludes)),
           branch.rest}));
    const Symbol rest = Symbol::terminal(free_text(dispatch.marks, dispatch.excludes));
    const Symbol one = grammar_.any_of(ways);
    if (!again) return grammar_.any_of({one, rest});
    return grammar_.sequence({grammar_.repeat(one, 0, kUnbounded), rest});
  }

  Expr any_character() { return characters(pool_, CharacterSet::any(), Spelling::kUtf8); }

  // Text in which none of these stands.
  Expr free_text(const Texts& nowhere, const Texts& nor = {}) {
    std::vector<Expr> all{pool_.repeat(any_character(), 0)};
    for (const Texts* texts : {&nowhere, &nor}) {
      for (const std::string& text : *texts)
        all.push_back(
            pool_.complement(pool_.sequence({anything(), pool_.literal(text), anything()})));
    }
    return pool_.all_of(std::move(all));
  }

  // Free text and `begin`, where the text up to the end of `mark`, with which it begins, has none
  // of `marks` before.
  Expr up_to(const std::string& mark, const std::string& begin, const Texts& marks,
             const Texts& excludes) {
    std::vector<Expr> all{pool_.concat(free_text(excludes), pool_.literal(mark))};
    for (const std::string& other : marks)
      all.push_back(pool_.complement(
          pool_.sequence({anything(), pool_.literal(other), pool_.repeat(any_byte(), 1)})));
    const Expr plain =
        pool_.concat(pool_.all_of(std::move(all)), pool_.literal(begin.substr(mark.size())));
    // A special token is no part of free text, nor can a mark begin before it and end in it.
    const std::optional<std::string> special = with_tokens(begin);
    if (!special) return plain;
    return pool_.any_of({plain, pool_.concat(free_text(marks, excludes), pool_.literal(*special))});
  }

  Expr any_byte() { return pool_.bytes(ByteSet::range(0, 255)); }
  Expr anything() { return pool_.repeat(any_byte(), 0); }

  // A mark in which the names of special tokens are these tokens; nothing where it has none.
  std::optional<std::string> with_tokens(const std::string& mark) const {
    constexpr size_t kLongest = 64;  // of a name
    std::string out;
    bool any = false;
    for (size_t at = 0; at < mark.size();) {
      size_t taken = 0;
      if (tokens_ && (mark[at] == '<' || mark[at] == '[')) {
        for (size_t size = std::min(kLongest, mark.size() - at); size > 2 && !taken; --size) {
          const std::string_view name = std::string_view(mark).substr(at, size);
          if (const auto bytes = tokens_(name); bytes == special_token_bytes(name)) {
            out += *bytes;
            taken = size;
          }
        }
      }
      any |= taken > 0;
      if (!taken) out += mark[at];
      at += std::max<size_t>(taken, 1);
    }
    return any ? std::optional(out) : std::nullopt;
  }
  Expr literal(const std::string& mark) {
    const Expr plain = pool_.literal(mark);
    const std::optional<std::string> special = with_tokens(mark);
    return special ? pool_.any_of({plain, pool_.literal(*special)}) : plain;
  }
  Symbol mark(const std::string& text) { return Symbol::terminal(literal(text)); }

  Grammar& grammar_;
  ExpressionPool& pool_;
  const NamedTokens& tokens_;
  const JsonOptions& options_;
};

}  // namespace

bool is_structural_tag(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

Symbol structural_tag(Grammar& grammar, std::string_view document, const NamedTokens& tokens,
                      const JsonOptions& options) {
  if (document.size() > kMaxTextBytes)
    throw Error(ErrorCode::kInvalidArgument, "structural_tag: it is longer than 1 MiB",
                "structured_outputs");
  json::value parsed;
  try {
    parsed = base::parse_json(document, "structural_tag");
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidArgument, error.what(), "structured_outputs");
  }
  return TagCompiler(grammar, tokens, options).document(parsed);
}

}  // namespace vecton::grammar

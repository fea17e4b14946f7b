// Any expression of a tokenizer.json, through PCRE2.
//
// Oniguruma and PCRE2 agree on nearly everything these files use. \s, \w and \b are written out as
// Oniguruma's sets; what would silently mean another thing is refused.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <utility>

#include "tokenizer/pattern.h"

namespace vecton::tokenizer {

namespace {

// The limit of steps holds for each place where a match may start: a few for each byte of the text,
// so that a run as long as the text may be walked back. A call tries only so many places, and all
// calls for a text share an amount of processor time that no real expression comes near.
constexpr size_t kLeastSteps = 1'000'000, kStepsPerByte = 4, kStepsPerCall = 256'000'000;
constexpr double kMostSeconds = 1, kMostSecondsPerByte = 1e-6;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}
constexpr size_t kJitStackStart = 32 << 10, kJitStackMost = 8 << 20;

// What goes between brackets for a category ("Lu") or a group of them ("L"), with the characters
// that PCRE2's version of Unicode may lack. Empty for anything else.
std::string category_set(std::string_view name) {
  std::string set = "\\p{" + std::string(name) + "}";
  if (name.empty()) return "";
  bool known = false;
  for (const std::string_view category : unicode::kCategoryNames) {
    known |= category.starts_with(name) && name[0] != 'C';
  }
  if (!known) return "";
  for (const unicode::CategoryRange& range : unicode::newer_characters()) {
    if (!std::string_view(unicode::kCategoryNames[range.category]).starts_with(name)) continue;
    char text[32];
    std::snprintf(text, sizeof text, "\\x{%x}-\\x{%x}", static_cast<unsigned>(range.first),
                  static_cast<unsigned>(range.last));
    set += text;
  }
  return set;
}

std::string space_set() { return R"(\t-\r\x{85}\p{Z})"; }

std::string word_set() {
  return category_set("L") + category_set("M") + category_set("Nd") + category_set("Nl") +
         category_set("Pc") +
         R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be}\x{24b6}-\x{24e9})"
         R"(\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189})";
}

// Emoji are joined by U+200D alone: PCRE2's \X goes on after a skin tone too.
constexpr std::string_view kGrapheme =
    R"((?>\p{ExtPict}(?:[\p{M}\x{200c}\x{1f3fb}-\x{1f3ff}\x{e0020}-\x{e007f}]*\x{200d}\p{ExtPict})*)"
    R"([\p{M}\x{200c}\x{200d}\x{1f3fb}-\x{1f3ff}\x{e0020}-\x{e007f}]*)"
    R"(|[\x{1f3fb}-\x{1f3ff}][\p{M}\x{200c}\x{200d}\x{1f3fb}-\x{1f3ff}]*|\X))";

class Translator {
 public:
  Translator(std::string_view in, const std::string& what) : in_(in), what_(what) {}

  std::string run() {
    while (at_ < in_.size()) {
      if (in_[at_] == '\\') {
        escape();
      } else if (in_[at_] == '[') {
        out_ += set();
      } else {
        check_operator();
        copy(1);
      }
    }
    return std::move(out_);
  }

 private:
  void copy(size_t count) {
    out_.append(in_.substr(at_, count));
    at_ += count;
  }

  void escape() {
    const char c = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    if (c == 'h') {
      put_set("0-9A-Fa-f", false, 2);
    } else if (c == 'H') {
      put_set(R"(\x{0}-/:-@G-`g-\x{10ffff})", false, 2);
    } else if (c == 'X' && !in_set_) {
      out_ += kGrapheme;
      at_ += 2;
    } else if (c == 's' || c == 'w') {
      put_set(c == 's' ? space_set() : word_set(), false, 2);
    } else if ((c == 'S' || c == 'W') && !in_set_) {
      put_set(c == 'S' ? space_set() : word_set(), true, 2);
    } else if ((c == 'b' || c == 'B') && !in_set_) {
      const std::string in = "[" + word_set() + "]", yes = c == 'b' ? "!" : "=",
                        no = c == 'b' ? "=" : "!";
      out_ += "(?:(?<=" + in + ")(?" + yes + in + ")|(?<!" + in + ")(?" + no + in + "))";
      at_ += 2;
    } else if (c == 'p' || (c == 'P' && !in_set_)) {
      property(c == 'P');
    } else if (std::string_view("RXKGyYoOkgN").find(c) != std::string_view::npos || c == '\0' ||
               c == 'X') {
      refuse("\\" + std::string(1, c));
    } else {
      copy(2);
    }
  }

  // Replaces the next `used` bytes by a set, or by all but it.
  void put_set(const std::string& set, bool negated, size_t used) {
    out_ += in_set_ ? set : (negated ? "[^" : "[") + set + "]";
    at_ += used;
  }

  // \p{L}
  void property(bool negated) {
    const size_t end = in_.find('}', at_);
    if (end == std::string_view::npos || in_[at_ + 2] != '{')
      refuse("\\p without a name in braces");
    const std::string set = category_set(in_.substr(at_ + 3, end - at_ - 3));
    if (set.empty()) {
      copy(end + 1 - at_);
    } else {
      put_set(set, negated, end + 1 - at_);
    }
  }

  // What matches one character: a set, of which some are made of others ([a-z&&[^aeiou]]).
  std::string set() {
    const bool outer = std::exchange(in_set_, true);
    std::string before = std::exchange(out_, {});
    ++at_;
    const bool negated = at_ < in_.size() && in_[at_] == '^';
    if (negated) ++at_;
    if (at_ < in_.size() && in_[at_] == ']') refuse("[]");
    std::vector<std::string> all, parts;
    const auto end_operand = [&] {
      if (!out_.empty()) parts.insert(parts.begin(), "[" + std::exchange(out_, {}) + "]");
      if (parts.empty()) refuse("&& with nothing beside it");
      all.push_back(joined(parts, "|"));
      parts.clear();
    };
    while (at_ < in_.size() && in_[at_] != ']') set_item(parts, end_operand);
    if (at_ == in_.size()) refuse("a set without an end");
    ++at_;
    const bool plain = all.empty() && parts.empty();
    std::string one = plain ? (negated ? "[^" : "[") + out_ + "]" : "";
    if (!plain) {
      end_operand();
      for (size_t i = 0; i + 1 < all.size(); ++i) one += "(?=" + all[i] + ")";
      one = "(?:" + one + all.back() + ")";
      if (negated) one = "(?:(?!" + one + ")(?s:.))";
    }
    in_set_ = outer;
    out_ = std::move(before);
    return one;
  }

  void set_item(std::vector<std::string>& parts, const std::function<void()>& end_operand) {
    const char escaped = in_[at_] == '\\' && at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    if (escaped == 'S' || escaped == 'W') {
      at_ += 2;
      return parts.push_back("[^" + (escaped == 'S' ? space_set() : word_set()) + "]");
    }
    if (in_[at_] == '\\') return escape();
    if (in_.substr(at_).starts_with("&&")) {
      at_ += 2;
      return end_operand();
    }
    if (in_[at_] != '[') return copy(1);
    if (at_ + 1 == in_.size() || in_[at_ + 1] != ':') return parts.push_back(set());
    const size_t end = in_.find(":]", at_);
    if (end == std::string_view::npos) refuse("[:");
    copy(end + 2 - at_);
  }

  static std::string joined(const std::vector<std::string>& parts, std::string_view by) {
    std::string out;
    for (const std::string& part : parts) out.append(out.empty() ? "" : by).append(part);
    return parts.size() > 1 ? "(?:" + out + ")" : out;
  }

  void check_operator() const {
    const std::string_view rest = in_.substr(at_);
    if (!rest.starts_with("(?")) return;
    const std::string_view option = rest.substr(2);
    for (const std::string_view same :
         {":", "=", "!", ">", "<=", "<!", "i:", "i)", "-i:", "-i)", "#"}) {
      if (option.starts_with(same)) return;
    }
    refuse("(?" + std::string(option.substr(0, 1)));
  }

  [[noreturn]] void refuse(const std::string& part) const {
    throw Error(ErrorCode::kUnsupported,
                what_ + ": the expression uses " + part + ", which is not supported");
  }

  std::string_view in_;
  const std::string& what_;
  std::string out_;
  size_t at_ = 0;
  bool in_set_ = false;
};

struct Free {
  void operator()(pcre2_code* p) const { pcre2_code_free(p); }
  void operator()(pcre2_compile_context* p) const { pcre2_compile_context_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

class RegexPattern : public Pattern {
 public:
  RegexPattern(std::string_view expression, const std::string& what) : what_(what) {
    const std::string translated = Translator(expression, what).run();
    const Owned<pcre2_compile_context> context(pcre2_compile_context_create(nullptr));
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    int error = 0;
    size_t at = 0;
    code_.reset(pcre2_compile(
        reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
        PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C,
        &error, &at, context.get()));
    if (!code_) {
      unsigned char message[128] = {};
      pcre2_get_error_message(error, message, sizeof message);
      throw Error(ErrorCode::kUnsupported, what + ": cannot compile the expression: " +
                                               reinterpret_cast<const char*>(message));
    }
    pcre2_jit_compile(code_.get(),
                      PCRE2_JIT_COMPLETE);  // without JIT it is interpreted: same matches
  }

  void find_all(std::string_view text, std::vector<Span>& matches) const override {
    const Owned<pcre2_match_data> data(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
    const Owned<pcre2_match_context> context(pcre2_match_context_create(nullptr));
    Owned<pcre2_jit_stack> stack;
    const size_t most_steps = std::max(kLeastSteps, kStepsPerByte * text.size());
    const size_t starts_per_call = std::max<size_t>(1, kStepsPerCall / most_steps);
    pcre2_set_match_limit(context.get(),
                          static_cast<uint32_t>(std::min<size_t>(most_steps, UINT32_MAX)));
    const double end =
        thread_seconds() + kMostSeconds + kMostSecondsPerByte * static_cast<double>(text.size());
    size_t calls = 0;
    for (size_t at = 0; at <= text.size();) {
      if (++calls % 64 == 0 && thread_seconds() > end) give_up();
      pcre2_set_offset_limit(context.get(), at + starts_per_call);
      const int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                                    text.size(), at, PCRE2_NO_UTF_CHECK, data.get(), context.get());
      if (found == PCRE2_ERROR_NOMATCH) {
        if (thread_seconds() > end) give_up();
        at += starts_per_call + 1;
        while (at < text.size() && (text[at] & 0xC0) == 0x80) ++at;
        continue;
      }
      if (found == PCRE2_ERROR_JIT_STACKLIMIT && !stack) {
        stack.reset(pcre2_jit_stack_create(kJitStackStart, kJitStackMost, nullptr));
        pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
        continue;
      }
      if (found < 0) give_up();
      const size_t* range = pcre2_get_ovector_pointer(data.get());
      if (range[1] < range[0] || range[0] < at) {  // \K and lookbehind tricks
        throw Error(ErrorCode::kUnsupported, what_ + ": the expression matches backwards");
      }
      matches.push_back({static_cast<uint32_t>(range[0]), static_cast<uint32_t>(range[1])});
      at = range[1];
      // After an empty match the next one starts a character further.
      if (range[0] == range[1]) {
        if (at == text.size()) return;
        at += unicode::length_at(text, at);
      }
    }
  }

 private:
  [[noreturn]] void give_up() const {
    throw Error(ErrorCode::kInvalidArgument,
                "the text cannot be split within the limits of " + what_);
  }

  std::string what_;
  Owned<pcre2_code> code_;
};

}  // namespace

std::unique_ptr<const Pattern> make_regex(std::string_view expression, const std::string& what) {
  return std::make_unique<RegexPattern>(expression, what);
}

}  // namespace vecton::tokenizer

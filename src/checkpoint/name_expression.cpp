#include "checkpoint/name_expression.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <new>
#include <utility>

#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

constexpr uint32_t kMostSteps = 100'000;

struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

}  // namespace

NameExpression::NameExpression(const std::string& expression, std::string what)
    : what_(std::move(what)) {
  int error = 0;
  size_t at = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                            PCRE2_ANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr),
              pcre2_code_free);
  if (!code_)
    throw Error(ErrorCode::kUnsupported, what_ + " is not an expression that is understood");
}

bool NameExpression::matches_start(const std::string& name) const {
  const std::unique_ptr<pcre2_match_data, FreeMatch> data(
      pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  const std::unique_ptr<pcre2_match_context, FreeContext> context(
      pcre2_match_context_create(nullptr));
  if (!data || !context) throw std::bad_alloc();
  pcre2_set_match_limit(context.get(), kMostSteps);
  const int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(),
                                0, 0, data.get(), context.get());
  if (found < 0 && found != PCRE2_ERROR_NOMATCH)
    throw Error(ErrorCode::kUnsupported, what_ + " takes too many steps");
  return found >= 0;
}

}  // namespace vecton::checkpoint

#include "tokenizer/scripts.h"

#include <algorithm>
#include <iterator>

namespace vecton::tokenizer {

namespace {

struct ScriptRange {
  char32_t first, last;
  uint8_t script;
};

#include "tokenizer/unicode_scripts.inc"

}  // namespace

uint8_t script_of(char32_t c) {
  const auto* row =
      std::lower_bound(std::begin(kScripts), std::end(kScripts), c,
                       [](const ScriptRange& r, char32_t value) { return r.last < value; });
  return row != std::end(kScripts) && row->first <= c ? row->script : kAnyScript;
}

}  // namespace vecton::tokenizer

// \p{...}: general categories of Unicode, as ECMA-262 names them.
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/unicode.h"
#include "grammar/regex_parser.h"

namespace vecton::grammar {

namespace {

using unicode::CategoryRange;

// All characters but those of no category, in order.
const std::vector<CategoryRange>& category_ranges() {
  static const std::vector<CategoryRange> all = [] {
    std::vector<CategoryRange> out;
    std::span<const CategoryRange> newer = unicode::newer_characters();  // in order
    for (char32_t c = 0; c <= CharacterSet::kLast; ++c) {
      auto category = static_cast<uint8_t>(unicode::properties(c) & 31);
      while (!newer.empty() && newer.front().last < c) newer = newer.subspan(1);
      if (category == unicode::kCn && !newer.empty() && newer.front().first <= c)
        category = newer.front().category;
      if (!out.empty() && out.back().last + 1 == c && out.back().category == category) {
        out.back().last = c;
      } else {
        out.push_back({c, c, category});
      }
    }
    return out;
  }();
  return all;
}

// Long names, by short ones. Of two letters: a category; of one: all that begin with it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 40> kCategoryAliases = {
    {{"Letter", "L"},
     {"Cased_Letter", "LC"},
     {"Uppercase_Letter", "Lu"},
     {"Lowercase_Letter", "Ll"},
     {"Titlecase_Letter", "Lt"},
     {"Modifier_Letter", "Lm"},
     {"Other_Letter", "Lo"},
     {"Mark", "M"},
     {"Combining_Mark", "M"},
     {"Nonspacing_Mark", "Mn"},
     {"Spacing_Mark", "Mc"},
     {"Enclosing_Mark", "Me"},
     {"Number", "N"},
     {"Decimal_Number", "Nd"},
     {"digit", "Nd"},
     {"Letter_Number", "Nl"},
     {"Other_Number", "No"},
     {"Punctuation", "P"},
     {"punct", "P"},
     {"Connector_Punctuation", "Pc"},
     {"Dash_Punctuation", "Pd"},
     {"Open_Punctuation", "Ps"},
     {"Close_Punctuation", "Pe"},
     {"Initial_Punctuation", "Pi"},
     {"Final_Punctuation", "Pf"},
     {"Other_Punctuation", "Po"},
     {"Symbol", "S"},
     {"Math_Symbol", "Sm"},
     {"Currency_Symbol", "Sc"},
     {"Modifier_Symbol", "Sk"},
     {"Other_Symbol", "So"},
     {"Separator", "Z"},
     {"Space_Separator", "Zs"},
     {"Line_Separator", "Zl"},
     {"Paragraph_Separator", "Zp"},
     {"Other", "C"},
     {"Control", "Cc"},
     {"cntrl", "Cc"},
     {"Format", "Cf"},
     {"Private_Use", "Co"}}};

}  // namespace

std::optional<CharacterSet> character_property(std::string_view name) {
  if (name == "Any") return CharacterSet::any();
  if (name == "ASCII") return CharacterSet{{0, 0x7F}};
  for (const std::string_view key : {"General_Category=", "gc="}) {
    if (name.starts_with(key)) name.remove_prefix(key.size());
  }
  for (const auto& [longer, shorter] : kCategoryAliases) {
    if (name == longer) name = shorter;
  }
  uint32_t categories = 0;
  for (size_t i = 0; i < std::size(unicode::kCategoryNames); ++i) {
    const std::string_view category = unicode::kCategoryNames[i];
    if (name == category || (name.size() == 1 && name[0] == category[0]))
      categories |= uint32_t{1} << i;
  }
  if (name == "LC") categories = 1u << unicode::kLu | 1u << unicode::kLl | 1u << unicode::kLt;
  if (categories == 0) return std::nullopt;
  CharacterSet set;
  for (const CategoryRange& range : category_ranges()) {
    if (categories >> range.category & 1) set.add(range.first, range.last);
  }
  return set;
}

}  // namespace vecton::grammar

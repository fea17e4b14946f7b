// Texts of JSON Schema's `format`.
#include <algorithm>
#include <array>

#include "base/json.h"
#include "grammar/json_text.h"
#include "grammar/regex.h"

namespace vecton::grammar {

namespace {

const std::string kDate =
    "(?:(?:\\d{4})-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|"
    "30)|02-(?:0[1-9]|1\\d|2[0-8]))"
    "|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";
const std::string kTime =
    "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:Z|z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const std::string kByte = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const std::string kIpv4 = "(?:" + kByte + "\\.){3}" + kByte;
const std::string kLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const std::string kHostname = kLabel + "(?:\\." + kLabel + ")*";
const std::string kHex = "[0-9a-fA-F]";
// What stands in parts of addresses (RFC 3986).
const std::string kPlain = "\\-a-zA-Z0-9._~!$&'()*+,;=";
const std::string kEscape = "%" + kHex + kHex;
const std::string kCharacter = "(?:[" + kPlain + ":@]|" + kEscape + ")";
const std::string kTail = "(?:\\?(?:" + kCharacter + "|[/?])*)?(?:#(?:" + kCharacter + "|[/?])*)?";

std::string ipv6() {
  const std::string h = kHex + "{1,4}";
  std::string out =
      "(?:" + h + ":){7}" + h + "|::(?:" + h + "(?::" + h + "){0,6})?|(?:" + h + ":){1,7}:";
  // n groups, the gap, then up to 7 - n.
  for (int n = 1; n <= 6; ++n)
    out +=
        "|(?:" + h + ":){" + std::to_string(n) + "}(?::" + h + "){1," + std::to_string(7 - n) + "}";
  return "(?:" + out + "|(?:" + h + ":){6}" + kIpv4 + "|::(?:[fF]{4}:)?" + kIpv4 + ")";
}

std::string uri() {
  const std::string host = "(?:\\[" + ipv6() + "\\]|(?:[" + kPlain + "]|" + kEscape + ")*)";
  const std::string authority =
      "(?:(?:[" + kPlain + ":]|" + kEscape + ")*@)?" + host + "(?::\\d*)?";
  const std::string path = "(?:/" + kCharacter + "*)*";
  const std::string rootless = kCharacter + "+" + path;
  return "(?://" + authority + path + "|/(?:" + rootless + ")?|" + rootless + ")?";
}

// Expressions that ECMA-262 and Python read alike: groups at most three deep, no references to
// groups, no names, no lookbehind; counts and ranges go upwards.
std::string regex() {
  const std::string hex2 = kHex + "{2}";
  const std::string escape =
      "\\\\(?:[dDwWsSntrfv]|x" + hex2 + "|u" + hex2 + hex2 + "|[$()*+./?\\[\\\\\\]\\^{|}])";
  std::string range;
  for (const auto& [first, last] :
       {std::pair('0', '9'), std::pair('A', 'Z'), std::pair('a', 'z')}) {
    for (char c = first; c <= last; ++c) range += std::string(1, c) + "-[" + c + "-" + last + "]|";
  }
  const std::string member =
      "(?:" + range + "[^\\[\\]\\\\\\^\\-&~|\\x00-\\x1f]|" + escape + "|\\\\-)";
  const std::string set = "\\[\\^?-?" + member + "+-?\\]";
  const std::string plain = "[^\\\\^$.*+?()\\[\\]{}|\\x00-\\x1f]";
  std::string counts = "\\{(?:\\d{1,3},?|\\d,[1-9]\\d{1,2}";
  for (char c = '0'; c <= '9'; ++c) counts += std::string("|") + c + ",[" + c + "-9]";
  counts += ")\\}";
  const std::string quantifier = "(?:(?:[*+?]|" + counts + ")[?]?)?";
  const std::string one = "(?:" + plain + "|\\.|" + escape + "|" + set + ")";
  const std::string at = "[\\^$]|\\\\[bB]";
  std::string inside = "(?:" + one + quantifier + "|" + at + ")*";
  for (int depth = 0; depth < 3; ++depth) {
    const std::string all = inside + "(?:\\|" + inside + ")*";
    inside = "(?:" + one + quantifier + "|" + at + "|\\((?:\\?:)?" + all + "\\)" + quantifier +
             "|\\(\\?[=!]" + all + "\\))*";
  }
  return inside + "(?:\\|" + inside + ")*";
}

std::string expression_of(std::string_view name) {
  if (name == "date") return kDate;
  if (name == "time") return kTime;
  if (name == "date-time") return kDate + "[Tt]" + kTime;
  if (name == "duration")
    return "P(?:\\d+W|\\d+Y(?:\\d+M(?:\\d+D)?)?(?:T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|"
           "\\d+S))?"
           "|\\d+M(?:\\d+D)?(?:T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S))?"
           "|\\d+D(?:T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S))?"
           "|T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S))";
  if (name == "email" || name == "idn-email")
    return "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*@" + kHostname;
  if (name == "hostname" || name == "idn-hostname") return "(?=.{1,253}$)" + kHostname;
  if (name == "ipv4") return kIpv4;
  if (name == "ipv6") return ipv6();
  if (name == "uuid")
    return kHex + "{8}-" + kHex + "{4}-" + kHex + "{4}-" + kHex + "{4}-" + kHex + "{12}";
  if (name == "uri" || name == "iri") return "[a-zA-Z][a-zA-Z0-9+.-]*:" + uri() + kTail;
  if (name == "uri-reference" || name == "iri-reference") {
    const std::string first = "(?:[" + kPlain + "@]|" + kEscape + ")+(?:/" + kCharacter + "*)*";
    return "(?:[a-zA-Z][a-zA-Z0-9+.-]*:" + uri() + "|//(?:[" + kPlain + ":@]|" + kEscape +
           ")*(?:/" + kCharacter + "*)*|/(?:" + kCharacter + "+(?:/" + kCharacter + "*)*)?|" +
           first + ")?" + kTail;
  }
  if (name == "url") return expression_of("uri");
  if (name == "regex") return regex();
  // Names beyond JSON Schema's of which it is known what they mean.
  if (name == "mime-type" || name == "media-type")
    return "[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}/[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}";
  if (name == "color")  // CSS
    return "#(?:" + kHex + "{3,4}|" + kHex + "{6}|" + kHex +
           "{8})|aqua|black|blue|fuchsia|gray|green|lime|maroon|navy|olive|orange|purple|red|silver"
           "|teal|white|yellow";
  if (name == "semver") {
    const std::string number = "(?:0|[1-9]\\d*)",
                      part = "(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
    return number + "\\." + number + "\\." + number + "(?:-" + part + "(?:\\." + part +
           ")*)?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?";
  }
  if (name == "google-duration") return "-?\\d{1,12}(?:\\.\\d{1,9})?s";
  if (name == "json-pointer") return "(?:/(?:[^~/]|~[01])*)*";
  if (name == "relative-json-pointer") return "(?:0|[1-9]\\d*)(?:#|(?:/(?:[^~/]|~[01])*)*)";
  if (name == "uri-template")
    return "(?:[a-zA-Z0-9._~!$&()*+,;=:/?#@-]|%" + kHex + kHex +
           "|\\{[+#./;?&]?[a-zA-Z0-9_]+(?:,[a-zA-Z0-9_]+)*\\})*";
  if (name == "byte") return "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?";
  return "";
}

}  // namespace

std::optional<Expr> JsonText::format(std::string_view name, Spelling spelling) {
  const std::string expression = expression_of(name);
  if (expression.empty()) return std::nullopt;
  return parse_regex(pool_, expression, Match::kWhole, spelling, "format");
}

Expr JsonText::other_format(std::string_view name, Spelling spelling) {
  // With seconds that leap, whether or not they do on that day, and any number of decimals.
  const std::string time =
      "(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]"
      "\\d)";
  const std::string expression = name == "time"        ? time
                                 : name == "date-time" ? kDate + "[Tt]" + time
                                                       : expression_of(name);
  return pool_.all_of(
      {pool_.complement(parse_regex(pool_, expression, Match::kWhole, spelling, "format")),
       any_characters(spelling)});
}

bool is_whole_format(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "date", "time", "date-time", "ipv4", "uuid", "json-pointer", "relative-json-pointer"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool is_annotation_format(std::string_view name) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "int32",   "int64",    "uint32", "uint64",   "float",    "double",
      "decimal", "password", "binary", "markdown", "textarea", "html"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace vecton::grammar

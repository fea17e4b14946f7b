// Texts of JSON Schema's `format`.
#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/json.h"
#include "grammar/json_text.h"
#include "grammar/regex.h"

namespace vecton::grammar {

namespace {

const std::string kDate =
    "(?:(?:\\d{4})-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|"
    "30)|02-(?:0[1-9]|1\\d|2[0-8]))"
    "|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";
const std::string kClock = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?";
const std::string kZone = "(?:Z|z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const std::string kTime = kClock + kZone;
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

std::string uri_reference() {
  const std::string segments = "(?:/" + kCharacter + "*)*",
                    first = "(?:[" + kPlain + "@]|" + kEscape + ")+" + segments;
  return "(?:[a-zA-Z][a-zA-Z0-9+.-]*:" + uri() + "|//(?:[" + kPlain + ":@]|" + kEscape + ")*" +
         segments + "|/(?:" + kCharacter + "+" + segments + ")?|" + first + ")?" + kTail;
}

std::string duration() {
  const std::string time = "T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)";
  return "P(?:\\d+W|\\d+Y(?:\\d+M(?:\\d+D)?)?(?:" + time + ")?|\\d+M(?:\\d+D)?(?:" + time +
         ")?|\\d+D(?:" + time + ")?|" + time + ")";
}

std::string semver() {
  const std::string number = "(?:0|[1-9]\\d*)", part = "(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
  return number + "\\." + number + "\\." + number + "(?:-" + part + "(?:\\." + part +
         ")*)?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?";
}

std::string email() {
  const std::string atom = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+";
  return atom + "(?:\\." + atom + ")*@" + kHostname;
}

std::string hostname() { return "(?=.{1,253}$)" + kHostname; }

std::string absolute_uri() { return "[a-zA-Z][a-zA-Z0-9+.-]*:" + uri() + kTail; }

// A UUID whose third and fourth groups begin so.
std::string uuid(const std::string& third, const std::string& fourth) {
  const auto group = [](const std::string& begin, int digits) {
    return begin + kHex + "{" + std::to_string(digits) + "}-";
  };
  const int begun = third.empty() ? 4 : 3;
  return group("", 8) + group("", 4) + group(third, begun) + group(fourth, begun) + kHex + "{12}";
}

std::string media_type() {
  const std::string name = "[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}";
  return name + "/" + name;
}

std::string css_color() {
  return "#(?:" + kHex + "{3,4}|" + kHex + "{6}|" + kHex +
         "{8})|aqua|black|blue|fuchsia|gray|green|lime|maroon|navy|olive|orange|purple|red|silver"
         "|teal|white|yellow";
}

std::string uri_template() {
  return "(?:[a-zA-Z0-9._~!$&()*+,;=:/?#@-]|" + kEscape +
         "|\\{[+#./;?&]?[a-zA-Z0-9_]+(?:,[a-zA-Z0-9_]+)*\\})*";
}

const std::string kPointer = "(?:/(?:[^~/]|~[01])*)*";

struct Format {
  std::string_view name;
  std::string (*expression)();
};
constexpr Format kFormats[] = {
    {"date", [] { return kDate; }},
    {"time", [] { return kTime; }},
    {"date-time", [] { return kDate + "[Tt]" + kTime; }},
    {"iso-time", [] { return kClock + "(?:" + kZone + ")?"; }},
    {"iso-date-time", [] { return kDate + "[Tt ]" + kClock + "(?:" + kZone + ")?"; }},
    {"duration", duration},
    {"email", email},
    {"idn-email", email},
    {"hostname", hostname},
    {"idn-hostname", hostname},
    {"host-name", hostname},
    {"ipv4", [] { return kIpv4; }},
    {"ip-address", [] { return kIpv4; }},
    {"ipv6", ipv6},
    {"uuid", [] { return uuid("", ""); }},
    {"uri", absolute_uri},
    {"iri", absolute_uri},
    {"uri-reference", uri_reference},
    {"iri-reference", uri_reference},
    {"regex", regex},
    {"json-pointer", [] { return kPointer; }},
    {"relative-json-pointer", [] { return "(?:0|[1-9]\\d*)(?:#|" + kPointer + ")"; }},
    {"uri-template", uri_template},
    // Names beyond JSON Schema's of which it is known what they mean.
    {"url", absolute_uri},
    {"json-pointer-uri-fragment",
     [] { return "#(?:/(?:[a-zA-Z0-9_.!$&'()*+,;:=@-]|~[01]|" + kEscape + ")*)*"; }},
    {"mime-type", media_type},
    {"media-type", media_type},
    {"color", css_color},
    {"semver", semver},
    {"google-duration", [] { return std::string("-?\\d{1,12}(?:\\.\\d{1,9})?s"); }},
    {"byte",
     [] { return std::string("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"); }}};

// Empty: not known.
std::string expression_of(std::string_view name) {
  if (name.size() == 5 && name.starts_with("uuid") && name[4] >= '1' && name[4] <= '8')
    return uuid(std::string(name.substr(4)), "[89abAB]");
  const auto* const format = std::ranges::find(kFormats, name, &Format::name);
  return format == std::end(kFormats) ? "" : format->expression();
}

// All texts that may be taken for the format, and more where its border is not clear: what others
// have as it, expression_of() leaves out. Empty: not known.
std::string wide_expression_of(std::string_view name) {
  // With seconds that leap, whether or not they do on that day, and any number of decimals.
  const std::string time =
      "(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]"
      "\\d)";
  if (name == "time") return time;
  if (name == "date-time") return kDate + "[Tt]" + time;
  for (const std::string_view whole :
       {"date", "ipv4", "ip-address", "uuid", "json-pointer", "relative-json-pointer"}) {
    if (name == whole) return expression_of(name);
  }
  const std::string anything = "[\\s\\S]*", address = "[!#-;=?-\\[\\]_a-z~",
                    beyond_ascii = "\\u0080-\\u{10FFFF}";
  const bool ascii = !name.starts_with("i") || name == "ipv6";
  const std::string rest = address + (ascii ? "" : beyond_ascii) + "]*";
  if (name == "uri" || name == "iri" || name == "url") return "[a-zA-Z][a-zA-Z0-9+.-]*:" + rest;
  if (name == "uri-reference" || name == "iri-reference") return rest;
  if (name == "uri-template") return "[^\\x00-\\x20\"<>\\\\\\^`|]*";
  if (name == "email" || name == "idn-email") return anything + "@" + anything;
  if (name == "hostname" || name == "host-name") return "[a-zA-Z0-9._-]*";
  if (name == "idn-hostname") return "[a-zA-Z0-9._" + beyond_ascii + "-]*";
  if (name == "ipv6") return "[0-9a-fA-F:.]*(?:%" + anything + ")?";
  if (name == "duration") return "[+-]?[Pp][0-9a-zA-Z.,:+-]*";
  if (name == "byte") return "[A-Za-z0-9+/=_\\s-]*";
  // All but what repeats nothing, or ends in half an escape.
  if (name == "regex") return "(?![*+?])(?:[^\\\\]|\\\\[\\s\\S])*";
  return "";
}

// Without case and what joins words.
std::string folded(std::string_view name) {
  std::string out = base::ascii_lower(name);
  std::erase_if(out, [](char c) { return c == '-' || c == '_' || c == ' ' || c == '.'; });
  return out;
}

// One character more, less or other, or two the other way round.
bool is_one_edit_away(std::string_view x, std::string_view y) {
  if (x.size() < y.size()) std::swap(x, y);
  if (x.size() > y.size() + 1) return false;
  const size_t same =
      static_cast<size_t>(std::mismatch(y.begin(), y.end(), x.begin()).first - y.begin());
  x.remove_prefix(same);
  y.remove_prefix(same);
  if (x.size() > y.size()) return x.substr(1) == y;
  if (x.empty()) return true;
  return x.substr(1) == y.substr(1) ||
         (x.size() > 1 && x[0] == y[1] && x[1] == y[0] && x.substr(2) == y.substr(2));
}

}  // namespace

std::optional<Expr> JsonText::format(std::string_view name, Spelling spelling) {
  const auto [it, added] =
      formats_[static_cast<size_t>(spelling)].try_emplace(std::string(name), std::nullopt);
  const std::string expression = added ? expression_of(name) : "";
  if (!expression.empty())
    it->second = parse_regex(pool_, expression, Match::kWhole, spelling, "format");
  return it->second;
}

bool is_known_format(std::string_view name) { return !expression_of(name).empty(); }

Expr JsonText::other_format(std::string_view name, Spelling spelling) {
  const auto [it, added] =
      other_formats_[static_cast<size_t>(spelling)].try_emplace(std::string(name), kNever);
  if (added) {
    const Expr all =
        parse_regex(pool_, wide_expression_of(name), Match::kWhole, spelling, "format");
    it->second = pool_.all_of({pool_.complement(all), any_characters(spelling)});
  }
  return it->second;
}

bool can_negate_format(std::string_view name) { return !wide_expression_of(name).empty(); }

std::optional<std::string> why_format_is_refused(std::string_view name) {
  static constexpr std::array<std::string_view, 25> kNames = {
      "date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname",
      "ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference", "uuid", "regex",
      "uri-template", "json-pointer", "relative-json-pointer",
      // of draft 3
      "color", "host-name", "ip-address", "utc-millisec", "phone", "style"};
  if (is_known_format(name)) return std::nullopt;
  // Draft 3 names them and does not say what their texts are.
  if (name == "phone" || name == "style")
    return "is a format of draft 3 that does not say what its texts are";
  const std::string written = folded(name);
  for (const std::string_view known : kNames) {
    const std::string meant = folded(known);
    // Of shorter names too many are other words.
    constexpr size_t kLong = 5;
    if (name != known &&
        (written == meant || (meant.size() >= kLong && is_one_edit_away(written, meant))))
      return "is not known; JSON Schema's name is '" + std::string(known) + "'";
  }
  return std::nullopt;
}

}  // namespace vecton::grammar

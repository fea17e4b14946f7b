#include "parsers/call_id.h"

#include <algorithm>

#include "parsers/characters.h"

namespace vecton::parsers {

namespace {

constexpr std::string_view kMistral = "mistral", kOurs = "call_";
constexpr size_t kMistralLength = 9;

}  // namespace

std::string call_id(const ParserOptions& parser, std::string_view answer, int64_t choice,
                    size_t call) {
  constexpr std::string_view kDigits =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  // FNV-1a of all that makes a call one of its own.
  uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (const char c : answer) mix(static_cast<unsigned char>(c));
  for (const uint64_t number : {static_cast<uint64_t>(choice), static_cast<uint64_t>(call)}) {
    for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(number >> shift));
  }
  const bool mistral = parser.formats.tool_calls == kMistral;
  std::string id(mistral ? "" : kOurs);
  for (size_t i = 0; i < (mistral ? kMistralLength : 20); ++i) {
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9u;
    id += kDigits[(hash >> 33) % kDigits.size()];
  }
  return id;
}

std::string call_id_in_prompt(const Choice& formats, std::string_view id) {
  if (formats.tool_calls != kMistral) return std::string(id);
  std::string_view given = id;
  if (given.starts_with(kOurs)) given.remove_prefix(kOurs.size());  // as /v1/responses gives it
  const bool fine = given.size() == kMistralLength &&
                    std::ranges::all_of(given, [](char c) { return is_letter(c) || is_digit(c); });
  return fine ? std::string(given) : call_id({.formats = formats}, id, 0, 0);
}

}  // namespace vecton::parsers

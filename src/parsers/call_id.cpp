#include "parsers/call_id.h"

namespace vecton::parsers {

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
  const bool mistral = parser.formats.tool_calls == "mistral";
  std::string id = mistral ? "" : "call_";
  for (int i = 0; i < (mistral ? 9 : 20); ++i) {
    hash ^= hash >> 29;
    hash *= 0xbf58476d1ce4e5b9u;
    id += kDigits[(hash >> 33) % kDigits.size()];
  }
  return id;
}

}  // namespace vecton::parsers

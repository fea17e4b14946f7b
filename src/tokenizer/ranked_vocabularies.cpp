// tekken.json and tiktoken files: vocabularies of byte strings, each with a rank by which words are
// joined.
#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/mapped_file.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/pattern.h"
#include "tokenizer/tokenizer_classes.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

struct RankedToken {
  std::string bytes;
  int32_t rank;
};

// Bytes as the characters that byte-level models see.
std::string byte_level_text(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    unicode::append(text, byte_level_character(static_cast<uint8_t>(byte)));
  return text;
}

std::string bytes_of_text(std::string_view base64, const std::string& where) {
  const std::optional<std::string> bytes = base::decode_base64(base64);
  if (!bytes || bytes->empty())
    throw Error(ErrorCode::kCorrupt, where + ": a token is not base64, or empty");
  return *bytes;
}

// The ids of tokens are their ranks and `first_id`.
void set_model(ClassSource& source, std::vector<RankedToken> tokens, int32_t first_id,
               const std::vector<std::string>& special_ids) {
  std::ranges::stable_sort(tokens, {}, &RankedToken::rank);
  std::vector<std::pair<std::string, int32_t>> vocab;
  std::vector<std::string> bytes;
  for (RankedToken& token : tokens) {
    vocab.emplace_back(byte_level_text(token.bytes), first_id + token.rank);
    bytes.push_back(std::move(token.bytes));
  }
  for (size_t i = 0; i < special_ids.size(); ++i)
    vocab.emplace_back(special_ids[i], static_cast<int32_t>(i));
  source.document.set_model(R"({"type":"BPE","fuse_unk":false,"ignore_merges":true})", vocab);
  const MergeRules rules =
      merge_rules(bytes, MergeUnit::kBytes, MergeOrder::kByRank, source.document.file());
  std::vector<std::pair<std::string, std::string>> texts;
  texts.reserve(rules.size());
  for (const auto& [left, right] : rules)
    texts.emplace_back(byte_level_text(left), byte_level_text(right));
  source.document.set_merges(MergeRules(texts.begin(), texts.end()));
}

void set_pipeline(ClassSource& source, std::string_view expression) {
  source.document.set_pre_tokenizer(
      {R"({"type":"Split","pattern":{"Regex":)" + json_text(expression) +
           R"(},"behavior":"Isolated","invert":false})",
       R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false})"});
  source.document.set_decoder({R"({"type":"ByteLevel"})"});
}

// Where the settings do not ask for tokens around the text, nothing is added to it.
void set_post_processor(ClassSource& source) {
  const Field config = source.settings.config_field();
  if (!config.is_null() && (config.has("add_bos_token") || config.has("add_eos_token")))
    return source.set_bos_eos_template();
  source.document.set_post_processor(
      {{"type", "ByteLevel"}, {"trim_offsets", false}, {"add_prefix_space", true}});
}

std::vector<RankedToken> read_lines(std::string_view text, const std::string& file) {
  std::vector<RankedToken> tokens;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty()) continue;
    const std::string where = file + " line " + std::to_string(line);
    const size_t space = row.find(' ');
    int32_t rank = -1;
    if (space != std::string_view::npos) {
      const auto parsed = std::from_chars(row.data() + space + 1, row.data() + row.size(), rank);
      if (parsed.ec != std::errc() || parsed.ptr != row.data() + row.size()) rank = -1;
    }
    if (rank < 0 || rank == INT32_MAX)
      throw Error(ErrorCode::kCorrupt, where + ": a token in base64 and its rank are wanted");
    tokens.push_back({bytes_of_text(row.substr(0, space), where), rank});
  }
  if (tokens.empty()) throw Error(ErrorCode::kCorrupt, file + " has no tokens");
  return tokens;
}

std::string reserved_token(int64_t id) { return "<|reserved_token_" + std::to_string(id) + "|>"; }

// Qwen's first generation has its special tokens in code.
std::vector<std::string> qwen_tokens() {
  std::vector<std::string> tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  for (int i = 0; i < 205; ++i) tokens.push_back("<|extra_" + std::to_string(i) + "|>");
  return tokens;
}

// Special tokens follow the ranks. Ids between them that the settings do not name are reserved.
std::vector<std::string> special_tokens(const SpecialTokens& special, int64_t first_id,
                                        const std::string& file) {
  constexpr int64_t kMostReserved = 1 << 20;
  std::vector<std::string> tokens;
  for (const auto& [id, token] : special.numbered()) {
    if (id < first_id) continue;
    if (id - first_id > kMostReserved) {
      throw Error(ErrorCode::kCorrupt, file + ": added_tokens_decoder has the id " +
                                           std::to_string(id) + ", far above the vocabulary");
    }
    while (first_id + static_cast<int64_t>(tokens.size()) < id)
      tokens.push_back(reserved_token(first_id + static_cast<int64_t>(tokens.size())));
    tokens.push_back(token.content);
  }
  for (const AddedToken& token : special.extra()) {
    if (std::ranges::find(tokens, token.content) == tokens.end()) tokens.push_back(token.content);
  }
  return tokens;
}

void add_tokens(ClassSource& source, const std::vector<std::string>& contents) {
  std::vector<AddedToken> tokens;
  for (const std::string& content : contents) tokens.push_back(AddedToken::plain_special(content));
  source.document.add_tokens(tokens);
  source.add_special_tokens();
}

// The special tokens of tekken files that list none: those of version v3, as Mistral Nemo's.
std::vector<std::string> unlisted_tekken_tokens(const Field& config) {
  const std::string version = config.string_or("version", "");
  if (version != "v3") {
    config.fail(ErrorCode::kUnsupported, "has the version \"" + version +
                                             "\", and the file lists no \"special_tokens\": "
                                             "only those of version v3 are known");
  }
  return {"<unk>",
          "<s>",
          "</s>",
          "[INST]",
          "[/INST]",
          "[AVAILABLE_TOOLS]",
          "[/AVAILABLE_TOOLS]",
          "[TOOL_RESULTS]",
          "[/TOOL_RESULTS]",
          "[TOOL_CALLS]",
          "[IMG]",
          "<pad>",
          "[IMG_BREAK]",
          "[IMG_END]",
          "[PREFIX]",
          "[MIDDLE]",
          "[SUFFIX]",
          "[SYSTEM_PROMPT]",
          "[/SYSTEM_PROMPT]",
          "[TOOL_CONTENT]"};
}

std::vector<std::string> listed_tekken_tokens(const Field& root) {
  std::vector<std::string> tokens(root["special_tokens"].array().size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Field item = root["special_tokens"][i];
    const int64_t rank = item["rank"].count();
    if (rank >= static_cast<int64_t>(tokens.size()) || !tokens[rank].empty())
      item["rank"].fail(ErrorCode::kCorrupt, "must be the next number from 0");
    tokens[rank] = item["token_str"].string();
    if (tokens[rank].empty()) item["token_str"].fail(ErrorCode::kCorrupt, "is empty");
  }
  return tokens;
}

// The names of tekken's special tokens in order of their ranks, filled up to their number.
std::vector<std::string> tekken_tokens(const Field& root, const Field& config) {
  constexpr int64_t kMost = 1 << 20;
  std::vector<std::string> tokens =
      root.has("special_tokens") ? listed_tekken_tokens(root) : unlisted_tekken_tokens(config);
  const int64_t count = config.has("default_num_special_tokens")
                            ? config["default_num_special_tokens"].count()
                            : static_cast<int64_t>(tokens.size());
  if (count > kMost || count < static_cast<int64_t>(tokens.size())) {
    config["default_num_special_tokens"].fail(
        ErrorCode::kCorrupt,
        "must be the number of special tokens, or up to " + std::to_string(kMost));
  }
  while (static_cast<int64_t>(tokens.size()) < count)
    tokens.push_back("<SPECIAL_" + std::to_string(tokens.size()) + ">");
  return tokens;
}

}  // namespace

void build_tiktoken(ClassSource& source, const std::filesystem::path& file) {
  std::vector<RankedToken> tokens = read_lines(base::MappedFile(file).text(), file.string());
  const bool qwen = source.settings.tokenizer_class == "QWenTokenizer";
  const int64_t count = static_cast<int64_t>(tokens.size());
  set_model(source, std::move(tokens), 0, {});
  if (qwen) source.document.set_normalizer({R"({"type":"NFC"})"});
  set_pipeline(source, qwen ? kQwen2Expression : kLlama3Expression);
  add_tokens(source,
             qwen ? qwen_tokens() : special_tokens(source.settings.special, count, file.string()));
  set_post_processor(source);
}

void build_tekken(ClassSource& source, const std::filesystem::path& file) {
  const json::value document = base::read_json(file);
  const Field root(document, file.string() + ":");
  const Field config = root["config"], vocab = root["vocab"];
  const std::vector<std::string> special = tekken_tokens(root, config);
  size_t count = vocab.array().size();
  if (config.has("default_vocab_size")) {
    const int64_t whole = config["default_vocab_size"].count();
    const int64_t rest = whole - static_cast<int64_t>(special.size());
    if (rest < 1) {
      config["default_vocab_size"].fail(ErrorCode::kCorrupt,
                                        "leaves no room beside the special tokens");
    }
    count = std::min(count, static_cast<size_t>(rest));
  }
  std::vector<RankedToken> tokens;
  for (size_t i = 0; i < count; ++i) {
    const Field item = vocab[i]["token_bytes"];
    tokens.push_back({bytes_of_text(item.string(), item.path()), static_cast<int32_t>(i)});
  }
  set_model(source, std::move(tokens), static_cast<int32_t>(special.size()), special);
  set_pipeline(source, config["pattern"].string());
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
  for (const auto& [name, token] : kNames) {
    if (source.document.has(token))
      source.settings.special.set_default(name, AddedToken::plain_special(token));
  }
  add_tokens(source, special);
  set_post_processor(source);
}

}  // namespace vecton::tokenizer

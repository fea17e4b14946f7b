// Classes of tokenizers that keep a vocab.json and a merges.txt.
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "tokenizer/class_templates.h"
#include "tokenizer/pattern.h"
#include "tokenizer/tokenizer_classes.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

constexpr const char* kNfc = R"({"type":"NFC"})";
constexpr const char* kByteLevelDecoder = R"({"type":"ByteLevel"})";

std::string byte_level(bool prefix_space, bool splits) {
  return std::string(R"({"type":"ByteLevel","trim_offsets":true,"add_prefix_space":)") +
         (prefix_space ? "true" : "false") + R"(,"use_regex":)" + (splits ? "true" : "false") + "}";
}

std::string split(std::string_view expression, bool invert) {
  return R"({"type":"Split","pattern":{"Regex":)" + json_text(expression) +
         (invert ? R"(},"behavior":"Removed","invert":true})"
                 : R"(},"behavior":"Isolated","invert":false})");
}

std::vector<std::pair<std::string, int32_t>> read_vocab(const std::filesystem::path& file) {
  const json::value document = base::read_json(file);
  const Field root(document, file.string() + ":");
  std::vector<std::pair<std::string, int32_t>> vocab;
  vocab.reserve(root.object().size());
  for (const auto& [token, id] : root.object()) {
    const std::string_view text(token.data(), token.size());
    vocab.emplace_back(text, Field(id, file.string() + ": \"" + std::string(text) + "\"").id());
  }
  return vocab;
}

// "a b" on each line; lines that name the version are comments.
MergeRules read_merges(std::string_view text, const std::filesystem::path& file) {
  MergeRules merges;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view rule = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (rule.ends_with('\r')) rule.remove_suffix(1);
    if (rule.starts_with("#version")) continue;
    const size_t space = rule.find(' ');
    if (space == std::string_view::npos || rule.find(' ', space + 1) != std::string_view::npos) {
      throw Error(ErrorCode::kCorrupt, file.string() + " line " + std::to_string(line) +
                                           ": two tokens with a space between them are wanted");
    }
    merges.emplace_back(rule.substr(0, space), rule.substr(space + 1));
  }
  return merges;
}

void set_model(ClassSource& source, std::string_view options) {
  source.document.set_model(options, read_vocab(source.folder / "vocab.json"));
  const std::filesystem::path file = source.folder / "merges.txt";
  const base::MappedFile map(file);
  if (!utf8::is_valid(map.text()))
    throw Error(ErrorCode::kCorrupt, file.string() + " is not UTF-8");
  source.document.set_merges(read_merges(map.text(), file));
}

void set_byte_level_model(ClassSource& source) {
  set_model(source, R"({"type":"BPE","fuse_unk":false,"byte_fallback":false})");
  source.document.set_decoder({kByteLevelDecoder});
}

void build_qwen(ClassSource& source, std::string_view expression) {
  set_byte_level_model(source);
  source.document.set_normalizer({kNfc});
  source.document.set_pre_tokenizer(
      {split(expression, false), byte_level(source.flag("add_prefix_space", false), false)});
  source.add_special_tokens();
  source.set_bos_eos_template();
}

// Words of BERT's pre-tokenizer whose last parts have a suffix.
void set_suffixed_words(ClassSource& source, const std::string& normalizer) {
  set_model(source, R"({"type":"BPE","fuse_unk":false,"end_of_word_suffix":"</w>","unk_token":)" +
                        json_text(source.token("unk_token")) + "}");
  source.document.set_normalizer({normalizer});
  source.document.set_pre_tokenizer({R"({"type":"BertPreTokenizer"})"});
  source.document.set_decoder({R"({"type":"BPEDecoder","suffix":"</w>"})"});
}

}  // namespace

void build_gpt2(ClassSource& source) {
  set_byte_level_model(source);
  source.document.set_pre_tokenizer({byte_level(source.flag("add_prefix_space", false), true)});
  source.add_special_tokens();
  source.set_bos_eos_template();
}

void build_roberta(ClassSource& source) {
  const bool prefix_space = source.flag("add_prefix_space", false);
  set_byte_level_model(source);
  source.document.set_pre_tokenizer({byte_level(prefix_space, true)});
  source.add_special_tokens();
  source.document.set_post_processor(
      roberta_processing(source.token("cls_token"), source.token("sep_token"),
                         source.flag("trim_offsets", true), prefix_space));
}

void build_clip(ClassSource& source) {
  DocumentBuilder& document = source.document;
  set_model(source, R"({"type":"BPE","fuse_unk":false,"end_of_word_suffix":"</w>","unk_token":)" +
                        json_text(source.token("unk_token")) + "}");
  document.set_normalizer({kNfc, R"({"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "})",
                           R"({"type":"Lowercase"})"});
  document.set_pre_tokenizer(
      {split(
           R"(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)",
           true),
       byte_level(false, true)});
  document.set_decoder({kClipDecoder.begin(), kClipDecoder.end()});
  source.add_special_tokens();
  document.set_post_processor(
      roberta_processing(source.token("bos_token"), source.token("eos_token"), false, false));
}

void build_qwen2(ClassSource& source) { build_qwen(source, kQwen2Expression); }
void build_qwen3_5(ClassSource& source) { build_qwen(source, kQwen35Expression); }

void build_deberta(ClassSource& source) {
  set_byte_level_model(source);
  source.document.set_pre_tokenizer({byte_level(source.flag("add_prefix_space", false), true)});
  source.add_special_tokens();
  source.document.set_post_processor(
      doubled_template(source.token("cls_token"), source.token("sep_token")));
}

void build_gpt_neox(ClassSource& source) {
  set_byte_level_model(source);
  source.document.set_normalizer({kNfc});
  source.document.set_pre_tokenizer({byte_level(source.flag("add_prefix_space", false), true)});
  source.add_special_tokens();
  source.set_bos_eos_template();
}

void build_cohere(ClassSource& source) {
  set_byte_level_model(source);
  source.document.set_normalizer({kNfc});
  source.document.set_pre_tokenizer({R"({"type":"Digits","individual_digits":true})",
                                     byte_level(source.flag("add_prefix_space", false), true)});
  source.add_special_tokens();
  source.set_bos_eos_template();
}

void build_openai_gpt(ClassSource& source) {
  set_suffixed_words(source, R"({"type":"BertNormalizer","lowercase":true})");
  source.add_special_tokens();
  source.set_bos_eos_template();
}

void build_herbert(ClassSource& source) {
  set_suffixed_words(source,
                     R"({"type":"BertNormalizer","lowercase":false,"strip_accents":false})");
  source.add_special_tokens();
  // The class has these two ids whatever the vocabulary says.
  source.document.set_post_processor({{"type", "BertProcessing"},
                                      {"cls", json::array{source.token("cls_token"), 0}},
                                      {"sep", json::array{source.token("sep_token"), 2}}});
}

}  // namespace vecton::tokenizer

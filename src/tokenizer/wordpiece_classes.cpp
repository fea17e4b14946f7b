// Classes of tokenizers that keep a vocab.txt, a token on each line.
#include "base/mapped_file.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "tokenizer/class_templates.h"
#include "tokenizer/tokenizer_classes.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

std::string_view without_trailing_space(std::string_view line) {
  while (!line.empty()) {
    const size_t last = unicode::previous(line, line.size());
    size_t at = last;
    if (!unicode::is_white_space(unicode::next(line, at))) break;
    line = line.substr(0, last);
  }
  return line;
}

std::vector<std::pair<std::string, int32_t>> read_lines(const std::filesystem::path& file) {
  const base::MappedFile map(file);
  std::string_view rest = map.text();
  if (!utf8::is_valid(rest)) throw Error(ErrorCode::kCorrupt, file.string() + " is not UTF-8");
  std::vector<std::pair<std::string, int32_t>> tokens;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    tokens.emplace_back(without_trailing_space(rest.substr(0, end)),
                        static_cast<int32_t>(tokens.size()));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (tokens.empty()) throw Error(ErrorCode::kCorrupt, file.string() + " has no tokens");
  return tokens;
}

std::string boolean(bool value) { return value ? "true" : "false"; }

// All but the template. Settings such as never_split and do_basic_tokenize belong to tokenizers in
// Python; the reference's pipeline does not have them either.
void build_pipeline(ClassSource& source, bool clean_text) {
  DocumentBuilder& document = source.document;
  document.set_model(
      R"({"type":"WordPiece","continuing_subword_prefix":"##","max_input_chars_per_word":100,"unk_token":)" +
          json_text(source.token("unk_token")) + "}",
      read_lines(source.folder / "vocab.txt"));
  const Field config = source.settings.config_field();
  const std::string accents = !config.is_null() && config.has("strip_accents")
                                  ? boolean(config["strip_accents"].boolean())
                                  : "null";
  document.set_normalizer({R"({"type":"BertNormalizer","clean_text":)" + boolean(clean_text) +
                           R"(,"handle_chinese_chars":)" +
                           boolean(source.flag("tokenize_chinese_chars", true)) +
                           R"(,"strip_accents":)" + accents + R"(,"lowercase":)" +
                           boolean(source.flag("do_lower_case", true)) + "}"});
  document.set_pre_tokenizer({R"({"type":"BertPreTokenizer"})"});
  document.set_decoder({R"({"type":"WordPiece","prefix":"##","cleanup":true})"});
  source.add_special_tokens();
}

}  // namespace

void build_bert(ClassSource& source) {
  build_pipeline(source, true);
  source.set_bert_template();
}

void build_funnel(ClassSource& source) {
  build_pipeline(source, source.flag("clean_text", true));
  source.set_bert_template(2);
}

void build_mpnet(ClassSource& source) {
  build_pipeline(source, true);
  source.document.set_post_processor(
      roberta_processing(source.token("cls_token"), source.token("sep_token"), true, false));
}

}  // namespace vecton::tokenizer

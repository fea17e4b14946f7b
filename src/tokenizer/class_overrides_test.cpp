#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "vecton/error.h"
#include "vecton/tokenizer.h"

namespace vecton::tokenizer {

namespace {

using Ids = std::vector<int32_t>;

constexpr const char* kWordPiece = R"({"version":"1.0","added_tokens":[],
    "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
      "strip_accents":null,"lowercase":true},
    "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
    "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
      "max_input_chars_per_word":100,
      "vocab":{"[UNK]":0,"a":1,"A":2,"e":3,"é":4,"中":5,"##中":6,"E":7}}})";

std::string metaspace(const std::string& scheme, const std::string& normalizer = "null") {
  return R"({"version":"1.0","added_tokens":[],"normalizer":)" + normalizer +
         R"(,"pre_tokenizer":{"type":"Metaspace","replacement":"▁",)" + scheme +
         R"(},"post_processor":null,"decoder":{"type":"Metaspace","replacement":"▁",)" + scheme +
         R"(},"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["▁a",-1.0],["a",-2.0],
            ["▁A",-1.0],["A",-2.0],["▁",-3.0],["!",-1.0],["é",-1.0],["e",-1.0]]}})";
}

class ClassOverrides : public testing::Test {
 protected:
  // The tokens of a text.
  std::string tokens(const std::string& document, const std::string& config, std::string_view text,
                     const TokenizerOptions& options = {}) {
    folder_.write("tokenizer.json", document);
    folder_.write("tokenizer_config.json", config);
    const auto tokenizer = Tokenizer::open(folder_.path(), options);
    std::string out;
    for (const int32_t id : tokenizer->encode(text, {.add_special_tokens = false}).ids)
      out += (out.empty() ? "" : " ") + std::string(tokenizer->id_to_token(id));
    return out;
  }

  base::TemporaryFolder folder_;
};

TEST_F(ClassOverrides, BertsFlagsStandAboveTheFile) {
  const auto of = [&](const std::string& flags) {
    return tokens(kWordPiece, R"({"tokenizer_class":"BertTokenizer")" + flags + "}", "A é 中中");
  };
  EXPECT_EQ(of(""), "a e 中 中");
  EXPECT_EQ(of(R"(,"do_lower_case":false)"), "A é 中 中");
  EXPECT_EQ(of(R"(,"strip_accents":false)"), "a é 中 中");
  EXPECT_EQ(of(R"(,"do_lower_case":false,"strip_accents":true)"), "A e 中 中");
  EXPECT_EQ(of(R"(,"tokenize_chinese_chars":false)"), "a e 中 ##中");
}

TEST_F(ClassOverrides, OfAClassThatHasThem) {
  for (const char* name :
       {"PreTrainedTokenizerFast", "TokenizersBackend", "Nonsense", "GPT2Tokenizer"}) {
    const std::string config =
        R"({"tokenizer_class":")" + std::string(name) + R"(","do_lower_case":false})";
    EXPECT_EQ(tokens(kWordPiece, config, "A"), "a") << name;
  }
  EXPECT_EQ(tokens(kWordPiece,
                   R"({"tokenizer_class":"ElectraTokenizerFast","do_lower_case":false})", "A"),
            "A");
  // Without a class its model's counts.
  folder_.write("config.json", R"({"model_type":"distilbert"})");
  EXPECT_EQ(tokens(kWordPiece, R"({"do_lower_case":false})", "A"), "A");
  folder_.write("config.json", R"({"model_type":"modernbert"})");
  EXPECT_EQ(tokens(kWordPiece, R"({"tokenizer_class":"BertTokenizer","do_lower_case":false})", "A"),
            "a");
}

TEST_F(ClassOverrides, NotWhereTheFileAloneCounts) {
  const std::string config = R"({"tokenizer_class":"BertTokenizer","do_lower_case":false})";
  EXPECT_EQ(tokens(kWordPiece, config, "A", {.class_settings = false}), "a");
}

TEST_F(ClassOverrides, SpacesBeforeTheText) {
  const auto of = [&](const std::string& scheme, const std::string& config) {
    return tokens(metaspace(scheme), config, "a a");
  };
  const std::string always = R"("prepend_scheme":"always")", never = R"("prepend_scheme":"never")",
                    older = R"("add_prefix_space":true)";
  const std::string no = R"({"tokenizer_class":"XLMRobertaTokenizer","add_prefix_space":false})",
                    unsaid = R"({"tokenizer_class":"XLMRobertaTokenizer"})";
  EXPECT_EQ(of(always, no), "a ▁a");
  EXPECT_EQ(of(older, no), "a ▁a");
  EXPECT_EQ(of(never, unsaid), "▁a ▁a");
  EXPECT_EQ(of(never, R"({"tokenizer_class":"T5Tokenizer","add_prefix_space":false})"), "▁a ▁a");
}

TEST_F(ClassOverrides, CaseAccentsAndPunctuation) {
  const std::string file = metaspace(R"("prepend_scheme":"always")", R"({"type":"NFC"})");
  EXPECT_EQ(tokens(file, R"({"tokenizer_class":"AlbertTokenizer"})", "Aé"), "▁a e");
  EXPECT_EQ(tokens(file, R"({"tokenizer_class":"AlbertTokenizer","keep_accents":true})", "Aé"),
            "▁a é");
  EXPECT_EQ(tokens(file, R"({"tokenizer_class":"AlbertTokenizer","do_lower_case":false})", "Aé"),
            "▁A e");
  EXPECT_EQ(tokens(file, R"({"tokenizer_class":"DebertaV2Tokenizer","do_lower_case":true})", "A!"),
            "▁a !");
  EXPECT_EQ(tokens(file, R"({"tokenizer_class":"DebertaV2Tokenizer","split_by_punct":true})", "A!"),
            "▁A ▁ !");
}

TEST_F(ClassOverrides, OfClassesThatAreReadWithTheirFileAlone) {
  const auto words = [&](const std::string& settings) {
    return tokens(kWordPiece, "{\"tokenizer_class\":" + settings + "}", "A é");
  };
  for (const std::string name : {"LxmertTokenizer", "LayoutLMv2TokenizerFast", "SplinterTokenizer"})
    EXPECT_EQ(words("\"" + name + R"(","do_lower_case":false)"), "A é") << name;
  EXPECT_EQ(words(R"("DPRReaderTokenizer","do_lower_case":false)"), "a e");
  EXPECT_EQ(words(R"("DPRReaderTokenizer","strip_accents":false)"), "a é");

  const auto pieces = [&](const std::string& settings) {
    return tokens(metaspace(R"("prepend_scheme":"always")"),
                  "{\"tokenizer_class\":" + settings + "}", "A a");
  };
  EXPECT_EQ(pieces(R"("XGLMTokenizer")"), "▁A ▁a");
  EXPECT_EQ(pieces(R"("XGLMTokenizer","add_prefix_space":false)"), "A ▁a");
  EXPECT_EQ(pieces(R"("LayoutXLMTokenizer","add_prefix_space":false)"), "A ▁a");
  EXPECT_EQ(pieces(R"("Tipsv2Tokenizer")"), "▁a ▁a");
  EXPECT_EQ(pieces(R"("Tipsv2Tokenizer","do_lower_case":false)"), "▁A ▁a");
  // SigLIP 2's files name Gemma's class.
  folder_.write("config.json", R"({"model_type":"siglip2"})");
  EXPECT_EQ(pieces(R"("GemmaTokenizerFast")"), "▁a ▁a");
}

TEST_F(ClassOverrides, BytesOfClassesThatAreReadWithTheirFileAlone) {
  const std::string file =
      R"({"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel",
          "add_prefix_space":false,"trim_offsets":true,"use_regex":true},"post_processor":null,
          "decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"Ġ":1,"Ġa":2},
          "merges":["Ġ a"]}})";
  const auto of = [&](const std::string& name, const std::string& more = "") {
    return tokens(file, R"({"tokenizer_class":")" + name + "\"" + more + "}", "a a");
  };
  for (const char* name : {"BlenderbotTokenizer", "LayoutLMv3Tokenizer"}) {
    EXPECT_EQ(of(name), "Ġa Ġa") << name;
    EXPECT_EQ(of(name, R"(,"add_prefix_space":false)"), "a Ġa") << name;
  }
  for (const char* name :
       {"LukeTokenizer", "MarkupLMTokenizer", "MvpTokenizer", "WhisperTokenizer"}) {
    EXPECT_EQ(of(name), "a Ġa") << name;
    EXPECT_EQ(of(name, R"(,"add_prefix_space":true)"), "Ġa Ġa") << name;
  }
  EXPECT_EQ(of("WhisperTokenizer", R"(,"predict_timestamps":false)"), "a Ġa");
}

// What would change tokens and is not done.
TEST_F(ClassOverrides, WhatIsNotDoneIsNamed) {
  const std::pair<const char*, const char*> refused[] = {
      {R"("WhisperTokenizer","language":"en")", "language"},
      {R"("WhisperTokenizer","predict_timestamps":true)", "predict_timestamps"},
      {R"("RoFormerTokenizer")", "jieba"},
      {R"("MBartTokenizer","src_lang":"xx_XX")", "src_lang"},
  };
  for (const auto& [settings, named] : refused) {
    try {
      tokens(kWordPiece, "{\"tokenizer_class\":" + std::string(settings) + "}", "a");
      ADD_FAILURE() << settings;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }
}

TEST_F(ClassOverrides, WrongSettingsAreNamed) {
  try {
    tokens(kWordPiece, R"({"tokenizer_class":"BertTokenizer","do_lower_case":"yes"})", "a");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("do_lower_case"), std::string::npos);
  }
}

TEST_F(ClassOverrides, LowerCaseSparesSpecialTokens) {
  std::string file = kWordPiece;
  const std::string none = R"("added_tokens":[])";
  file.replace(file.find(none), none.size(),
               R"("added_tokens":[{"id":8,"content":"[MASK]","special":true,"normalized":false}])");
  const std::string config = R"({"tokenizer_class":"BertTokenizer","do_lower_case":false})";
  EXPECT_EQ(tokens(file, config, "A [MASK] E"), "A [MASK] E");
  EXPECT_EQ(tokens(file, config, "A [MASK] E", {.lower_case = true}), "a [MASK] e");
}

// What is put around "a" and around "a" with "e", tokens and types.
class AroundTexts : public ClassOverrides {
 protected:
  static constexpr const char* kFiles[] = {
      R"({"version":"1.0","added_tokens":[{"id":9,"content":"<s>","special":true}],
          "normalizer":null,"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":PROCESSOR,
          "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
            "max_input_chars_per_word":100,
            "vocab":{"[UNK]":0,"a":1,"e":2,"[CLS]":3,"[SEP]":4,"</s>":5,"X":6,"Y":7,"<eos>":8}}})",
      R"({"version":"1.0","added_tokens":[{"id":8,"content":"[SEP]","special":true}],
          "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"},
          "post_processor":PROCESSOR,"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],
            ["a",-1.0],["e",-1.0],["[CLS]",0.0],["<s>",0.0],["</s>",0.0],["X",-9.0],["Y",-9.0]]}})"};
  static constexpr const char* kOwn = R"({"type":"BertProcessing","cls":["X",6],"sep":["Y",7]})";

  std::string around(bool unigram, const std::string& name, const std::string& more = "",
                     std::string processor = kOwn) {
    std::string file = kFiles[unigram];
    file.replace(file.find("PROCESSOR"), 9, processor);
    folder_.write("tokenizer.json", file);
    folder_.write("tokenizer_config.json",
                  R"({"add_prefix_space":false,"tokenizer_class":")" + name + "\"" + more + "}");
    const auto tokenizer = Tokenizer::open(folder_.path());
    std::string out;
    for (const Encoding& row : {tokenizer->encode("a"), tokenizer->encode("a", "e")}) {
      for (size_t i = 0; i < row.ids.size(); ++i) {
        out += std::string(tokenizer->id_to_token(row.ids[i])) + std::to_string(row.type_ids[i]);
        out += i + 1 < row.ids.size() ? " " : " | ";
      }
    }
    return out.substr(0, out.size() - 3);
  }
};

TEST_F(AroundTexts, TheClassesTokensStandAboveTheFiles) {
  EXPECT_EQ(around(false, "BertTokenizer"), "[CLS]0 a0 [SEP]0 | [CLS]0 a0 [SEP]0 e1 [SEP]1");
  EXPECT_EQ(around(false, "BertTokenizer", R"(,"cls_token":"X","sep_token":"</s>")", "null"),
            "X0 a0 </s>0 | X0 a0 </s>0 e1 </s>1");
  EXPECT_EQ(around(false, "BertTokenizer", R"(,"cls_token":{"content":"Y","special":true})"),
            "Y0 a0 [SEP]0 | Y0 a0 [SEP]0 e1 [SEP]1");
  EXPECT_EQ(around(false, "MPNetTokenizer"), "<s>0 a0 </s>0 | <s>0 a0 </s>0 </s>0 e0 </s>0");
  EXPECT_EQ(around(false, "FunnelTokenizer", R"(,"cls_token":"X","sep_token":"Y")"),
            "X2 a0 Y0 | X2 a0 Y0 e1 Y1");
  EXPECT_EQ(around(false, "DebertaTokenizer"),
            "[CLS]0 a0 [SEP]0 | [CLS]0 a0 [SEP]0 [SEP]0 e0 [SEP]0");
  EXPECT_EQ(around(false, "CLIPTokenizer", R"(,"bos_token":"X","eos_token":"<eos>")"),
            "X0 a0 <eos>0 | X0 a0 <eos>0 <eos>0 e0 <eos>0");
  EXPECT_EQ(around(false, "RobertaTokenizer", R"(,"sep_token":"Y")"),
            "<s>0 a0 Y0 | <s>0 a0 Y0 Y0 e0 Y0");
  EXPECT_EQ(around(false, "GPTNeoXTokenizer", R"(,"add_bos_token":true)"), "a0 | a0 e1");
}

TEST_F(AroundTexts, OfUnigramModels) {
  EXPECT_EQ(around(true, "XLMRobertaTokenizer"), "<s>0 a0 </s>0 | <s>0 a0 </s>0 </s>0 e0 </s>0");
  EXPECT_EQ(around(true, "XLMRobertaTokenizer", R"(,"cls_token":"X","bos_token":"Y")"),
            "Y0 a0 </s>0 | Y0 a0 </s>0 </s>0 e0 </s>0");
  // Without add_prefix_space the class's first word has its space all the same.
  const std::string deberta = around(true, "DebertaV2Tokenizer");
  EXPECT_EQ(deberta, "[CLS]0 <unk>0 a0 [SEP]0 | [CLS]0 <unk>0 a0 [SEP]0 <unk>1 e1 [SEP]1");
  EXPECT_EQ(around(true, "T5Tokenizer", R"(,"eos_token":"Y")"),
            "<unk>0 a0 Y0 | <unk>0 a0 Y0 <unk>0 e0 Y0");
  EXPECT_EQ(around(true, "BigBirdTokenizer", R"(,"cls_token":"X")"),
            "X0 a0 [SEP]0 | X0 a0 [SEP]0 e1 [SEP]1");
  EXPECT_EQ(around(true, "RemBertTokenizer", R"(,"cls_token":"X")"),
            "X0 a0 [SEP]0 | X0 a0 [SEP]0 e1 [SEP]1");
}

TEST_F(AroundTexts, OfClassesThatAreReadWithTheirFileAlone) {
  EXPECT_EQ(around(false, "LxmertTokenizer"), "[CLS]0 a0 [SEP]0 | [CLS]0 a0 [SEP]0 e1 [SEP]1");
  for (const char* name : {"LukeTokenizer", "LayoutLMv3Tokenizer", "MvpTokenizer"})
    EXPECT_EQ(around(false, name), "<s>0 a0 </s>0 | <s>0 a0 </s>0 </s>0 e0 </s>0") << name;
  EXPECT_EQ(around(false, "MarkupLMTokenizer"), "<s>0 a0 </s>0 | <s>0 a0 </s>0 e0 </s>0");
  EXPECT_EQ(around(true, "LayoutXLMTokenizer", R"(,"cls_token":"X")"),
            "X0 a0 </s>0 | X0 a0 </s>0 </s>0 e0 </s>0");
  EXPECT_EQ(around(true, "XGLMTokenizer"), "</s>0 a0 | </s>0 a0 </s>0 </s>0 e0");
  EXPECT_EQ(around(true, "UdopTokenizer", R"(,"eos_token":"Y")"),
            "<unk>0 a0 Y0 | <unk>0 a0 Y0 <unk>0 e0 Y0");
  EXPECT_EQ(around(true, "PegasusTokenizer"), "<unk>0 a0 </s>0 | <unk>0 a0 <unk>0 e0 </s>0");
  const std::string question = R"(,"question_token":"X","mask_token":null)";
  EXPECT_EQ(around(false, "SplinterTokenizer", question),
            "[CLS]0 a0 [SEP]0 | [CLS]0 a0 [SEP]0 e1 [SEP]1");
}

TEST_F(AroundTexts, TheLanguageOfTranslators) {
  EXPECT_EQ(around(false, "MBartTokenizer", R"(,"src_lang":"X")"), "a0 </s>0 X0 | a0 e0 </s>0 X0");
  EXPECT_EQ(around(false, "MBart50Tokenizer", R"(,"src_lang":"X")"),
            "X0 a0 </s>0 | X0 a0 e0 </s>0");
  EXPECT_EQ(around(false, "NllbTokenizer", R"(,"src_lang":"Y")"), "Y0 a0 </s>0 | Y0 a0 e0 </s>0");
  EXPECT_EQ(around(false, "NllbTokenizer", R"(,"src_lang":"Y","legacy_behaviour":true)"),
            "a0 </s>0 Y0 | a0 e0 </s>0 Y0");
  std::string file = kFiles[false];
  file.replace(file.find("\"X\""), 3, "\"__deu__\"");
  file.replace(file.find("PROCESSOR"), 9, "null");
  folder_.write("tokenizer.json", file);
  folder_.write("tokenizer_config.json",
                R"({"tokenizer_class":"SeamlessM4TTokenizer","src_lang":"deu","tgt_lang":"fra"})");
  EXPECT_EQ(Tokenizer::open(folder_.path())->encode("a", "e").ids, (Ids{6, 1, 2, 5}));
  // The file's, where it has no token for the class's language.
  EXPECT_EQ(around(false, "NllbTokenizer"), "X0 a0 Y0 | X0 a0 Y0 e1 Y1");
}

TEST_F(AroundTexts, AQuestionOfSplinter) {
  const std::string file =
      R"({"version":"1.0","added_tokens":[],"normalizer":null,
          "pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":null,"model":{
            "type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
            "max_input_chars_per_word":100,
            "vocab":{"[UNK]":0,"a":1,"e":2,"[CLS]":3,"[SEP]":4,"[QUESTION]":5,".":6}}})";
  const auto pair = [&](const std::string& more) {
    folder_.write("tokenizer.json", file);
    folder_.write("tokenizer_config.json",
                  R"({"tokenizer_class":"SplinterTokenizer")" + more + "}");
    return Tokenizer::open(folder_.path())->encode("a", "e").ids;
  };
  EXPECT_EQ(pair(""), (Ids{3, 1, 5, 6, 4, 2, 4}));
  EXPECT_EQ(pair(R"(,"padding_side":"left")"), (Ids{3, 1, 4, 2, 5, 6, 4}));
}

TEST_F(AroundTexts, TheFilesStandWhereItsClassHasNone) {
  const std::string own = "X0 a0 Y0 | X0 a0 Y0 e1 Y1";
  for (const char* name : {"PreTrainedTokenizerFast", "GPT2Tokenizer", "Nonsense"})
    EXPECT_EQ(around(false, name, R"(,"cls_token":"[CLS]","sep_token":"[SEP]")"), own) << name;
  // ALBERT's has one for files without.
  EXPECT_EQ(around(true, "AlbertTokenizer"), own);
  EXPECT_EQ(around(true, "AlbertTokenizer", "", "null"),
            "[CLS]0 a0 [SEP]0 | [CLS]0 a0 [SEP]0 e1 [SEP]1");
  // No token of that name anywhere: nothing to put around.
  EXPECT_EQ(around(false, "BertTokenizer", R"(,"cls_token":null)"), own);
  EXPECT_EQ(around(true, "MPNetTokenizer", R"(,"cls_token":null)"), own);
}

TEST_F(AroundTexts, ATokenThatOnlyTheSettingsHaveIsAdded) {
  EXPECT_EQ(around(false, "BertTokenizer", R"(,"cls_token":"[NEW]")"),
            "[NEW]0 a0 [SEP]0 | [NEW]0 a0 [SEP]0 e1 [SEP]1");
}

TEST_F(ClassOverrides, ADecoderThatTheFileLeavesOut) {
  std::string file = kWordPiece;
  const std::string own = R"("decoder":{"type":"WordPiece","prefix":"##","cleanup":true},)";
  file.erase(file.find(own), own.size());
  folder_.write("tokenizer.json", file);
  folder_.write("tokenizer_config.json", R"({"tokenizer_class":"BertTokenizer"})");
  EXPECT_EQ(Tokenizer::open(folder_.path())->decode(Ids{1, 5, 6}), "a 中中");
}

}  // namespace

}  // namespace vecton::tokenizer

#include "tokenizer/tokenizer_classes.h"

#include <algorithm>
#include <array>

#include "tokenizer/class_overrides.h"
#include "tokenizer/class_templates.h"
#include "vecton/error.h"

namespace vecton::tokenizer {

namespace {

using Files = TokenizerClass::Files;

constexpr std::string_view kRobertaTokens =
    "bos_token=<s> eos_token=</s> unk_token=<unk> sep_token=</s> pad_token=<pad> cls_token=<s> "
    "mask_token=<mask>";
constexpr std::string_view kBertTokens =
    "unk_token=[UNK] sep_token=[SEP] pad_token=[PAD] cls_token=[CLS] mask_token=[MASK]";
constexpr std::string_view kQwenTokens =
    "eos_token=<|endoftext|> unk_token=<|endoftext|> pad_token=<|endoftext|>";
constexpr std::string_view kAlbertTokens =
    "bos_token=[CLS] eos_token=[SEP] unk_token=<unk> sep_token=[SEP] pad_token=<pad> "
    "cls_token=[CLS] mask_token=[MASK]";
constexpr std::string_view kLlamaTokens = "bos_token=<s> eos_token=</s> unk_token=<unk>";

constexpr std::array kClasses = {
    TokenizerClass{
        "BertTokenizer ConvBertTokenizer DistilBertTokenizer DPRContextEncoderTokenizer "
        "DPRQuestionEncoderTokenizer ElectraTokenizer LayoutLMTokenizer LayoutLMv2Tokenizer "
        "LxmertTokenizer MobileBertTokenizer RetriBertTokenizer SqueezeBertTokenizer",
        "align bark bert blip bros chinese_clip convbert distilbert dpr electra "
        "ernie flava git grounding-dino layoutlm layoutlmv2 lxmert megatron-bert "
        "mm-grounding-dino mobilebert nomic_bert squeezebert "
        "tvp vilt visual_bert",
        Files::kVocabTxt, "", kBertTokens, build_bert, false, override_bert},
    TokenizerClass{"MPNetTokenizer", "mpnet", Files::kVocabTxt, "",
                   "bos_token=<s> eos_token=</s> unk_token=[UNK] sep_token=</s> "
                   "pad_token=<pad> cls_token=<s> mask_token=<mask>/l",
                   build_mpnet, false, override_mpnet},
    TokenizerClass{"FunnelTokenizer", "funnel", Files::kVocabTxt, "",
                   "bos_token=<s> eos_token=</s> unk_token=<unk> sep_token=<sep> pad_token=<pad> "
                   "cls_token=<cls> mask_token=<mask>",
                   build_funnel, false, override_funnel},
    TokenizerClass{"GPT2Tokenizer CodeGenTokenizer",
                   "blip-2 codegen dbrx emu3 gpt2 gpt_neo gptj hyperclovax_vision_v2 "
                   "instructblip instructblipvideo jais2 opt phi starcoder2",
                   Files::kVocabJson, "",
                   "bos_token=<|endoftext|> eos_token=<|endoftext|> unk_token=<|endoftext|>",
                   build_gpt2, false, override_byte_level},
    TokenizerClass{"RobertaTokenizer BartTokenizer LEDTokenizer LongformerTokenizer MvpTokenizer",
                   "bart bridgetower clap data2vec-text florence2 ibert led lilt "
                   "longformer mra mvp roberta roberta-prelayernorm",
                   Files::kVocabJson, "", kRobertaTokens, build_roberta, false, override_roberta},
    TokenizerClass{"CLIPTokenizer",
                   "aimv2 clip clipseg groupvit omdet-turbo oneformer owlv2 owlvit sam3 "
                   "sam3_video xclip",
                   Files::kVocabJson, "",
                   "bos_token=<|startoftext|> eos_token=<|endoftext|> unk_token=<|endoftext|> "
                   "pad_token=<|endoftext|>",
                   build_clip, false, override_clip},
    TokenizerClass{"Qwen2Tokenizer",
                   "audioflamingo3 colqwen2 cosmos3_omni dots3_note fun_asr_nano "
                   "hunyuan_vl internvl lighton_ocr moss_transcribe_diarize ovis2 "
                   "qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl qwen2_audio qwen2_moe "
                   "qwen2_vl qwen3 qwen3_asr qwen3_moe qwen3_next qwen3_omni_moe qwen3_vl "
                   "qwen3_vl_moe vibevoice",
                   Files::kVocabJson, "", kQwenTokens, build_qwen2, false, override_byte_level},
    TokenizerClass{"Qwen3_5Tokenizer",
                   "qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen4_exp", Files::kVocabJson,
                   "", kQwenTokens, build_qwen3_5, false, override_byte_level},
    TokenizerClass{"DebertaTokenizer", "deberta", Files::kVocabJson, "",
                   "bos_token=[CLS] eos_token=[SEP] unk_token=[UNK] sep_token=[SEP] "
                   "pad_token=[PAD] cls_token=[CLS] mask_token=[MASK]",
                   build_deberta, false, override_deberta},
    TokenizerClass{"GPTNeoXTokenizer",
                   "falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm",
                   Files::kVocabJson, "",
                   "bos_token=<|endoftext|> eos_token=<|endoftext|> unk_token=<|endoftext|> "
                   "pad_token=<|padding|>",
                   build_gpt_neox, false, override_gpt_neox},
    TokenizerClass{"CohereTokenizer", "aya_vision cohere cohere2", Files::kVocabJson, "",
                   "bos_token=<BOS_TOKEN> eos_token=<|END_OF_TURN_TOKEN|> unk_token=<UNK> "
                   "sep_token=<SEP> pad_token=<PAD> cls_token=<CLS> mask_token=<MASK_TOKEN>",
                   build_cohere, true, override_byte_level},
    TokenizerClass{"OpenAIGPTTokenizer", "openai-gpt", Files::kVocabJson, "", "unk_token=<unk>",
                   build_openai_gpt},
    TokenizerClass{"HerbertTokenizer", "herbert", Files::kVocabJson, "",
                   "unk_token=<unk> sep_token=</s> pad_token=<pad> cls_token=<s> mask_token=<mask>",
                   build_herbert},
    TokenizerClass{"AlbertTokenizer FNetTokenizer", "albert fnet yoso", Files::kSentencePiece,
                   "spiece.model", kAlbertTokens, build_albert, false, override_albert},
    TokenizerClass{"BarthezTokenizer", "barthez", Files::kSentencePiece, "sentencepiece.bpe.model",
                   "bos_token=<s> eos_token=</s> unk_token=<unk> sep_token=</s> pad_token=<pad> "
                   "cls_token=<s> mask_token=<mask>/l",
                   build_barthez, false, override_metaspace},
    TokenizerClass{"BigBirdTokenizer", "big_bird", Files::kSentencePiece, "spiece.model",
                   "bos_token=<s> eos_token=</s> unk_token=<unk> sep_token=[SEP] "
                   "pad_token=<pad> cls_token=[CLS] mask_token=[MASK]/l",
                   build_big_bird, false, override_big_bird},
    TokenizerClass{"CamembertTokenizer", "camembert", Files::kSentencePiece,
                   "sentencepiece.bpe.model",
                   "bos_token=<s> eos_token=</s> unk_token=<unk> sep_token=</s> pad_token=<pad> "
                   "cls_token=<s> mask_token=<mask>/l",
                   build_camembert, false, override_xlm_roberta},
    TokenizerClass{"CodeLlamaTokenizer", "code_llama", Files::kSentencePiece, "tokenizer.model",
                   kLlamaTokens, build_code_llama, true, override_code_llama},
    TokenizerClass{"DebertaV2Tokenizer", "deberta-v2", Files::kSentencePiece, "spm.model",
                   "bos_token=[CLS] eos_token=[SEP] unk_token=[UNK] sep_token=[SEP] "
                   "pad_token=[PAD] cls_token=[CLS] mask_token=[MASK]",
                   build_deberta_v2, false, override_deberta_v2},
    TokenizerClass{"GemmaTokenizer",
                   "diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text "
                   "recurrent_gemma shieldgemma2 t5gemma zaya",
                   Files::kSentencePiece, "tokenizer.model",
                   "bos_token=<bos> eos_token=<eos> unk_token=<unk> pad_token=<pad> "
                   "mask_token=<mask>",
                   build_gemma, true},
    TokenizerClass{"LlamaTokenizer", "idefics idefics2 llama", Files::kSentencePiece,
                   "tokenizer.model", kLlamaTokens, build_llama, true, override_llama},
    TokenizerClass{"RemBertTokenizer", "rembert", Files::kSentencePiece, "sentencepiece.model",
                   kAlbertTokens, build_rembert, false, override_rembert},
    TokenizerClass{"SiglipTokenizer", "siglip", Files::kSentencePiece, "spiece.model",
                   "eos_token=</s>/lr unk_token=<unk>/lr pad_token=</s>/lr", build_siglip, false,
                   override_siglip},
    TokenizerClass{"T5Tokenizer", "mt5 musicgen musicgen_melody switch_transformers t5",
                   Files::kSentencePiece, "spiece.model",
                   "eos_token=</s> unk_token=<unk> pad_token=<pad>", build_t5, false, override_t5},
    TokenizerClass{"XLMRobertaTokenizer",
                   "gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xlm-roberta-xl xmod",
                   Files::kSentencePiece, "sentencepiece.bpe.model", kRobertaTokens,
                   build_xlm_roberta, false, override_xlm_roberta},
    TokenizerClass{"XLNetTokenizer", "xlnet", Files::kSentencePiece, "spiece.model",
                   "bos_token=<s> eos_token=</s> unk_token=<unk> sep_token=<sep> pad_token=<pad> "
                   "cls_token=<cls> mask_token=<mask>/l",
                   build_xlnet, true, override_xlnet},
    // What these change in a tokenizer.json, without which they are not read.
    TokenizerClass{"DPRReaderTokenizer", "", Files::kVocabTxt, "", kBertTokens, nullptr, false,
                   override_dpr_reader},
    TokenizerClass{"SplinterTokenizer", "splinter", Files::kVocabTxt, "", kBertTokens, nullptr,
                   false, override_splinter},
    TokenizerClass{"RoFormerTokenizer", "roformer", Files::kVocabTxt, "", kBertTokens, nullptr,
                   false, override_roformer},
    TokenizerClass{"BlenderbotTokenizer", "blenderbot", Files::kVocabJson, "", kRobertaTokens,
                   nullptr, false, override_blenderbot},
    TokenizerClass{"LayoutLMv3Tokenizer", "layoutlmv3", Files::kVocabJson, "", kRobertaTokens,
                   nullptr, false, override_layoutlmv3},
    TokenizerClass{"LukeTokenizer", "luke", Files::kVocabJson, "", kRobertaTokens, nullptr, false,
                   override_luke},
    TokenizerClass{"MarkupLMTokenizer", "markuplm", Files::kVocabJson, "", kRobertaTokens, nullptr,
                   false, override_markuplm},
    TokenizerClass{"WhisperTokenizer", "whisper", Files::kVocabJson, "", "", nullptr, false,
                   override_whisper},
    TokenizerClass{"LayoutXLMTokenizer", "layoutxlm", Files::kSentencePiece, "", kRobertaTokens,
                   nullptr, false, override_layoutxlm},
    TokenizerClass{"XGLMTokenizer", "xglm", Files::kSentencePiece, "", kRobertaTokens, nullptr,
                   false, override_xglm},
    TokenizerClass{"MBartTokenizer", "mbart", Files::kSentencePiece, "", kRobertaTokens, nullptr,
                   false, override_mbart},
    TokenizerClass{"MBart50Tokenizer", "mbart50", Files::kSentencePiece, "", kRobertaTokens,
                   nullptr, false, override_mbart50},
    TokenizerClass{"SeamlessM4TTokenizer", "seamless_m4t seamless_m4t_v2", Files::kSentencePiece,
                   "", kRobertaTokens, nullptr, false, override_seamless_m4t},
    TokenizerClass{"NllbTokenizer", "nllb nllb-moe", Files::kSentencePiece, "", kRobertaTokens,
                   nullptr, false, override_nllb},
    TokenizerClass{"PegasusTokenizer", "pegasus", Files::kSentencePiece, "",
                   "eos_token=</s> unk_token=<unk> pad_token=<pad>", nullptr, false,
                   override_pegasus},
    TokenizerClass{"LasrTokenizer UdopTokenizer", "lasr_ctc lasr_encoder udop",
                   Files::kSentencePiece, "", "eos_token=</s> unk_token=<unk> pad_token=<pad>",
                   nullptr, false, override_t5},
    TokenizerClass{"Siglip2Tokenizer", "siglip2", Files::kSentencePiece, "", "", nullptr, false,
                   override_siglip2},
    TokenizerClass{"Tipsv2Tokenizer", "tipsv2", Files::kSentencePiece, "", "", nullptr, false,
                   override_siglip},
};

// Calls take(word) for each word; stops where it gives true.
template <typename Take>
bool any_word(std::string_view list, Take&& take) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(' '), list.size());
    if (take(list.substr(0, end))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

const TokenizerClass* find_row(std::string_view name, std::string_view TokenizerClass::*list) {
  for (const TokenizerClass& row : kClasses) {
    if (has_word(row.*list, name)) return &row;
  }
  return nullptr;
}

}  // namespace

bool has_word(std::string_view list, std::string_view word) {
  return any_word(list, [&](std::string_view other) { return other == word; });
}

const TokenizerClass* find_tokenizer_class(std::string_view name) {
  return find_row(name, &TokenizerClass::names);
}

const TokenizerClass* find_tokenizer_class_of_model(std::string_view model_type) {
  return find_row(model_type, &TokenizerClass::model_types);
}

std::string tokenizer_class_names() {
  std::string names;
  for (const TokenizerClass& row : kClasses) {
    if (!row.build) continue;
    any_word(row.names, [&](std::string_view name) {
      names.append(names.empty() ? "" : ", ").append(name);
      return false;
    });
  }
  return names;
}

void set_default_tokens(const TokenizerClass& row, SpecialTokens& tokens) {
  any_word(row.special_tokens, [&](std::string_view entry) {
    const size_t equals = entry.find('=');
    std::string_view content = entry.substr(equals + 1), flags;
    // A slash behind the token's last bracket begins its flags.
    if (const size_t slash = content.rfind('/');
        slash != std::string_view::npos && slash > content.find_last_of(">]")) {
      flags = content.substr(slash + 1);
      content = content.substr(0, slash);
    }
    AddedToken token = AddedToken::plain_special(content);
    token.lstrip = flags.find('l') != std::string_view::npos;
    token.rstrip = flags.find('r') != std::string_view::npos;
    tokens.set_default(entry.substr(0, equals), std::move(token));
    return false;
  });
}

bool ClassSource::flag(std::string_view key, bool fallback) const {
  const Field config = settings.config_field();
  return config.is_null() ? fallback : config.boolean_or(key, fallback);
}

std::string ClassSource::token(std::string_view name) const {
  const AddedToken* token = settings.special.find(name);
  return token ? token->content : "";
}

void ClassSource::add_special_tokens() {
  document.add_tokens(settings.special.missing(document.added_tokens()));
}

void ClassSource::set_bos_eos_template(bool bos_by_default) {
  const bool adds_bos = flag("add_bos_token", bos_by_default),
             adds_eos = flag("add_eos_token", false);
  document.set_post_processor(
      begin_end_template(adds_bos ? token("bos_token") : "", adds_eos ? token("eos_token") : ""));
}

void ClassSource::set_bert_template(int cls_type) {
  document.set_post_processor(bert_template(token("cls_token"), token("sep_token"), cls_type));
}

}  // namespace vecton::tokenizer

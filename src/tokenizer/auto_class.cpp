#include "tokenizer/auto_class.h"

namespace vecton::tokenizer {

namespace {

// Models whose tokenizer is what their tokenizer.json says, whatever class is named for it.
constexpr std::string_view kFileAlone =
    "arctic aria beam bigbird_pegasus camembertv2-base canary chatlm cohere_asr "
    "ernie4_5 ernie4_5_moe flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite glm4v "
    "glm4v_moe glm_image glmasr got_ocr2 gpt_bigcode gradium_phonon_tts granite "
    "granitemoe granitemoehybrid granitemoeshared h2ovl_chat hyperclovax "
    "hyperclovax_vlm internlm2 internlm3 iquestcoder jamba kimi_k25 kimi_linear "
    "kosmos-2 llava llava_next mimo_v2_flash minicpm3 minicpm_ocr minicpmv "
    "minicpmv4_6 minicpmv4_7 minimax_m2 ministral ministral3 mistral mistral3 "
    "mistral_large4 mixtral modernbert modernbert-decoder molmo molmo2 nemo_speechlm "
    "nemotron nvfp4 nystromformer olmo2 olmo3 olmo_hybrid omniasr opencua openvla "
    "paddleocr_vl pegasus_x persimmon phi3 phi3_v phimoe pix2struct pixtral "
    "pocket_tts smolvlm stablelm step3_vl umt5 vipllava voxtral voxtral_realtime xlm-roberta-xl";

// The same where no class is named.
constexpr std::string_view kFileUnlessNamed = "llama";

// Models whose files often name a wrong class: their own counts.
constexpr std::string_view kOwnClass =
    "hyperclovax_vision_v2 qwen2 qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen4_exp siglip2";

// Classes whose model_input_names have token_type_ids.
constexpr std::string_view kReturnsTypeIds =
    "BertTokenizer ConvBertTokenizer DPRContextEncoderTokenizer DPRQuestionEncoderTokenizer "
    "DebertaTokenizer DebertaV2Tokenizer ElectraTokenizer FNetTokenizer LayoutLMTokenizer "
    "LayoutLMv2Tokenizer LxmertTokenizer MarkupLMTokenizer MobileBertTokenizer "
    "RetriBertTokenizer SqueezeBertTokenizer";

}  // namespace

NamedClass NamedClass::read(const std::filesystem::path& folder,
                            const TokenizerSettings& settings) {
  NamedClass named{.tokenizer_class = settings.tokenizer_class, .model_type = ""};
  if (const std::filesystem::path file = folder / "config.json"; std::filesystem::exists(file)) {
    const json::value document = base::read_json(file);
    const Field root(document, file.string() + ":");
    named.model_type = root.string_or("model_type", "");
    if (named.tokenizer_class.empty())
      named.tokenizer_class = root.string_or("tokenizer_class", "");
  }
  if (named.tokenizer_class.ends_with("Fast"))
    named.tokenizer_class.resize(named.tokenizer_class.size() - 4);
  return named;
}

const TokenizerClass* class_above_file(const NamedClass& named, bool byte_level) {
  if (has_word(kFileAlone, named.model_type)) return nullptr;
  const bool unnamed = named.tokenizer_class.empty();
  if (unnamed && has_word(kFileUnlessNamed, named.model_type)) return nullptr;
  if (unnamed || has_word(kOwnClass, named.model_type))
    return find_tokenizer_class_of_model(named.model_type);
  // Llama 3 and others kept the name of a class that is not theirs.
  if (named.tokenizer_class == "LlamaTokenizer" && byte_level) return nullptr;
  return find_tokenizer_class(named.tokenizer_class);
}

bool class_returns_type_ids(const NamedClass& named) {
  const TokenizerClass* const row = class_above_file(named, false);
  if (!row) return false;
  const bool is_named = has_word(row->names, named.tokenizer_class);
  return has_word(kReturnsTypeIds,
                  is_named ? named.tokenizer_class : row->names.substr(0, row->names.find(' ')));
}

}  // namespace vecton::tokenizer

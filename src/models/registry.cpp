#include "models/registry.h"

#include <algorithm>
#include <string>
#include <utility>

#include "models/bert.h"
#include "models/deberta_v2.h"
#include "models/distilbert.h"
#include "models/electra.h"
#include "models/eurobert.h"
#include "models/gemma.h"
#include "models/gte.h"
#include "models/lfm2.h"
#include "models/llama.h"
#include "models/mistral.h"
#include "models/modernbert.h"
#include "models/mpnet.h"
#include "models/nomic_bert.h"
#include "models/qwen.h"
#include "models/roberta.h"
#include "models/static_embedding.h"
#include "vecton/error.h"

namespace vecton {

namespace {

using enum HeadKind;

TensorNames encoder_names(std::vector<std::string_view> prefixes,
                          std::vector<HeadSign> classifiers) {
  return {"embeddings.word_embeddings.weight", std::move(prefixes), std::move(classifiers)};
}

// pooler and classifier; classifier alone.
TensorNames bert_names(std::vector<std::string_view> prefixes) {
  return encoder_names(std::move(prefixes),
                       {{kSequenceClassification, {"pooler.dense.weight", "classifier.weight"}},
                        {kTokenClassification, {"classifier.weight"}}});
}

TensorNames roberta_names(std::vector<std::string_view> prefixes) {
  return encoder_names(
      std::move(prefixes),
      {{kSequenceClassification, {"classifier.dense.weight", "classifier.out_proj.weight"}},
       {kTokenClassification, {"classifier.weight"}}});
}

TensorNames decoder_names() {
  return {"embed_tokens.weight", {"model."}, {{kSequenceClassification, {"score.weight"}}}};
}

}  // namespace

std::span<const Family> model_families() {
  static const Family kFamilies[] = {
      {"bert",
       {"bert"},
       {{"BertModel"},
        {"BertForMaskedLM", kMaskedLm},
        {"BertForPreTraining", kMaskedLm},
        {"BertForSequenceClassification", kSequenceClassification},
        {"BertForTokenClassification", kTokenClassification},
        {"BertForQuestionAnswering", kOther},
        {"BertForMultipleChoice", kOther}},
       Pooling::kCls,
       bert::shape,
       bert::load,
       bert::head,
       bert_names({"bert."})},
      {"modernbert",
       {"modernbert"},
       {{"ModernBertModel"},
        {"ModernBertForMaskedLM", kMaskedLm},
        {"ModernBertForSequenceClassification", kSequenceClassification},
        {"ModernBertForTokenClassification", kTokenClassification},
        {"ModernBertForQuestionAnswering", kOther},
        {"ModernBertForMultipleChoice", kOther}},
       Pooling::kCls,
       modernbert::shape,
       modernbert::load,
       modernbert::head,
       {"embeddings.tok_embeddings.weight",
        {"model."},
        {{kSequenceClassification, {"head.dense.weight", "classifier.weight"}}}}},
      {"eurobert",
       {"eurobert"},
       {{"EuroBertModel"},
        {"EuroBertForMaskedLM", kMaskedLm},
        {"EuroBertForSequenceClassification", kSequenceClassification},
        {"EuroBertForTokenClassification", kTokenClassification}},
       Pooling::kMean,
       eurobert::shape,
       eurobert::load,
       eurobert::head,
       {"embed_tokens.weight",
        {"model."},
        {{kSequenceClassification, {"dense.weight", "classifier.weight"}},
         {kTokenClassification, {"classifier.weight"}}}}},
      {"gemma",
       {"gemma"},
       {{"GemmaModel"},
        {"GemmaForCausalLM", kCausalLm},
        {"GemmaForSequenceClassification", kSequenceClassification},
        {"GemmaForTokenClassification", kTokenClassification}},
       Pooling::kLast,
       gemma::shape,
       gemma::load,
       llama::head,
       decoder_names()},
      {"gemma2",
       {"gemma2"},
       {{"Gemma2Model"},
        {"Gemma2ForCausalLM", kCausalLm},
        {"Gemma2ForSequenceClassification", kSequenceClassification},
        {"Gemma2ForTokenClassification", kTokenClassification}},
       Pooling::kLast,
       gemma::shape2,
       gemma::load2,
       gemma::head2,
       decoder_names()},
      {"gemma3_text",
       {"gemma3_text"},
       {{"Gemma3TextModel"},
        {"Gemma3ForCausalLM", kCausalLm},
        {"Gemma3TextForSequenceClassification", kSequenceClassification}},
       Pooling::kMean,
       gemma::shape3,
       gemma::load3,
       gemma::head3,
       decoder_names()},
      {"lfm2",
       {"lfm2"},
       {{"Lfm2Model"}, {"Lfm2ForCausalLM", kCausalLm}},
       Pooling::kLast,
       lfm2::shape,
       lfm2::load,
       nullptr,
       {"embed_tokens.weight", {"model."}, {}}},
      {"llama",
       {"llama"},
       {{"LlamaModel"},
        {"LlamaForCausalLM", kCausalLm},
        {"LlamaForSequenceClassification", kSequenceClassification},
        {"LlamaForTokenClassification", kTokenClassification},
        {"LlamaForQuestionAnswering", kOther}},
       Pooling::kLast,
       llama::shape,
       llama::load,
       llama::head,
       decoder_names()},
      {"llama_bidirec",
       {"llama_bidirec"},
       {{"LlamaBidirectionalModel"},
        {"LlamaBidirectionalForSequenceClassification", kSequenceClassification}},
       Pooling::kMean,
       llama::bidirectional_shape,
       llama::load_bidirectional,
       llama::bidirectional_head,
       decoder_names()},
      {"mistral",
       {"mistral"},
       {{"MistralModel"},
        {"MistralForCausalLM", kCausalLm},
        {"MistralForSequenceClassification", kSequenceClassification},
        {"MistralForTokenClassification", kTokenClassification},
        {"MistralForQuestionAnswering", kOther}},
       Pooling::kLast,
       mistral::shape,
       mistral::load,
       llama::head,
       decoder_names()},
      {"qwen2",
       {"qwen2"},
       {{"Qwen2Model"},
        {"Qwen2ForCausalLM", kCausalLm},
        {"Qwen2ForSequenceClassification", kSequenceClassification},
        {"Qwen2ForTokenClassification", kTokenClassification},
        {"Qwen2ForQuestionAnswering", kOther},
        {"Qwen2ForRewardModel", kTokenClassification},
        {"Qwen2ForProcessRewardModel", kTokenClassification}},
       Pooling::kLast,
       qwen2::shape,
       qwen2::load,
       llama::head,
       decoder_names()},
      {"roberta",
       {"roberta", "xlm-roberta", "camembert", "jina_embeddings_v3"},
       {{"RobertaModel"},
        {"RobertaForMaskedLM", kMaskedLm},
        {"RobertaForSequenceClassification", kSequenceClassification},
        {"RobertaForTokenClassification", kTokenClassification},
        {"RobertaForQuestionAnswering", kOther},
        {"RobertaForMultipleChoice", kOther},
        {"XLMRobertaModel"},
        {"XLMRobertaForMaskedLM", kMaskedLm},
        {"XLMRobertaForSequenceClassification", kSequenceClassification},
        {"XLMRobertaForTokenClassification", kTokenClassification},
        {"XLMRobertaForQuestionAnswering", kOther},
        {"XLMRobertaForMultipleChoice", kOther},
        {"CamembertModel"},
        {"CamembertForMaskedLM", kMaskedLm},
        {"CamembertForSequenceClassification", kSequenceClassification},
        {"CamembertForTokenClassification", kTokenClassification},
        {"CamembertForQuestionAnswering", kOther},
        {"CamembertForMultipleChoice", kOther},
        {"JinaEmbeddingsV3Model"},
        {"JinaEmbeddingsV3ForMaskedLM", kMaskedLm},
        {"JinaEmbeddingsV3ForSequenceClassification", kSequenceClassification},
        {"JinaEmbeddingsV3ForTokenClassification", kTokenClassification},
        {"JinaEmbeddingsV3ForQuestionAnswering", kOther}},
       Pooling::kCls,
       roberta::shape,
       roberta::load,
       roberta::head,
       roberta_names({"roberta."})},
      {"distilbert",
       {"distilbert"},
       {{"DistilBertModel"},
        {"DistilBertForMaskedLM", kMaskedLm},
        {"DistilBertForSequenceClassification", kSequenceClassification},
        {"DistilBertForTokenClassification", kTokenClassification},
        {"DistilBertForQuestionAnswering", kOther},
        {"DistilBertForMultipleChoice", kOther}},
       Pooling::kCls,
       distilbert::shape,
       distilbert::load,
       distilbert::head,
       encoder_names({"distilbert."},
                     {{kSequenceClassification, {"pre_classifier.weight", "classifier.weight"}},
                      {kTokenClassification, {"classifier.weight"}}})},
      {"mpnet",
       {"mpnet"},
       {{"MPNetModel"},
        {"MPNetForMaskedLM", kMaskedLm},
        {"MPNetForSequenceClassification", kSequenceClassification},
        {"MPNetForTokenClassification", kTokenClassification},
        {"MPNetForQuestionAnswering", kOther},
        {"MPNetForMultipleChoice", kOther}},
       Pooling::kCls,
       mpnet::shape,
       mpnet::load,
       mpnet::head,
       roberta_names({"mpnet."})},
      {"electra",
       {"electra"},
       {{"ElectraModel"},
        {"ElectraForMaskedLM", kMaskedLm},
        {"ElectraForSequenceClassification", kSequenceClassification},
        {"ElectraForTokenClassification", kTokenClassification},
        {"ElectraForQuestionAnswering", kOther},
        {"ElectraForMultipleChoice", kOther},
        {"ElectraForPreTraining", kOther}},
       Pooling::kCls,
       electra::shape,
       electra::load,
       electra::head,
       roberta_names({"electra."})},
      {"deberta_v2",
       {"deberta-v2"},
       {{"DebertaV2Model"},
        {"DebertaV2ForMaskedLM", kMaskedLm},
        {"DebertaV2ForSequenceClassification", kSequenceClassification},
        {"DebertaV2ForTokenClassification", kTokenClassification},
        {"DebertaV2ForQuestionAnswering", kOther},
        {"DebertaV2ForMultipleChoice", kOther}},
       Pooling::kCls,
       deberta_v2::shape,
       deberta_v2::load,
       deberta_v2::head,
       bert_names({"deberta."})},
      {"nomic_bert",
       {"nomic_bert"},
       {{"NomicBertModel"},
        {"NomicBertForMaskedLM", kMaskedLm},
        {"NomicBertForSequenceClassification", kSequenceClassification},
        {"NomicBertForTokenClassification", kTokenClassification},
        {"NomicBertForPreTraining", kMaskedLm}},
       Pooling::kCls,
       nomic_bert::shape,
       nomic_bert::load,
       nomic_bert::head,
       bert_names({"bert.", "nomic_bert."})},
      {"gte",
       {"gte", "new"},
       {{"GteModel"},
        {"GteForMaskedLM", kMaskedLm},
        {"GteForSequenceClassification", kSequenceClassification},
        {"GteForTokenClassification", kTokenClassification},
        {"NewModel"},
        {"NewForMaskedLM", kMaskedLm},
        {"NewForSequenceClassification", kSequenceClassification},
        {"NewForTokenClassification", kTokenClassification},
        {"NewForQuestionAnswering", kOther}},
       Pooling::kCls,
       gte::shape,
       gte::load,
       gte::head,
       bert_names({"new.", "gte."})},
      {"qwen3",
       {"qwen3"},
       {{"Qwen3Model"},
        {"Qwen3ForCausalLM", kCausalLm},
        {"Qwen3ForSequenceClassification", kSequenceClassification},
        {"Qwen3ForTokenClassification", kTokenClassification},
        {"Qwen3ForQuestionAnswering", kOther}},
       Pooling::kLast,
       qwen3::shape,
       qwen3::load,
       llama::head,
       decoder_names()},
      {"static_embedding",
       {"static_embedding"},
       {{"StaticEmbedding"}, {"SparseStaticEmbedding"}},
       Pooling::kMean,
       static_embedding::shape,
       static_embedding::load},
  };
  return kFamilies;
}

HeadKind Family::head_of(std::string_view architecture) const {
  const auto found = std::ranges::find(architectures, architecture, &Architecture::name);
  return found == architectures.end() ? HeadKind::kNone : found->head;
}

const Architecture* Family::with_head(HeadKind head) const {
  const auto found = std::ranges::find(architectures, head, &Architecture::head);
  return found == architectures.end() ? nullptr : &*found;
}

bool Family::knows(std::string_view architecture) const {
  return std::ranges::count(architectures, architecture, &Architecture::name) > 0;
}

const Family& find_family(const Config& config) {
  const std::vector<std::string> names = config.strings_or_empty("architectures");
  const std::string type = config.string_or("model_type", "");
  const std::string name = names.empty() ? "" : names.front();
  const auto families = model_families();
  for (const Family& family : families) {
    if (family.knows(name)) return family;
  }
  std::string known;
  for (const Family& family : families) {
    if (std::ranges::count(family.model_types, type) > 0) return family;
    known += (known.empty() ? "" : ", ") + std::string(family.name);
  }
  throw Error(ErrorCode::kUnsupported,
              config.file() + ": architectures \"" + name + "\" (model_type \"" + type +
                  "\") is not supported; the families there are: " + known);
}

}  // namespace vecton

#include "models/registry.h"

#include <algorithm>
#include <string>

#include "models/bert.h"
#include "models/distilbert.h"
#include "models/electra.h"
#include "models/eurobert.h"
#include "models/gte.h"
#include "models/llama.h"
#include "models/mistral.h"
#include "models/modernbert.h"
#include "models/mpnet.h"
#include "models/nomic_bert.h"
#include "models/qwen.h"
#include "models/roberta.h"
#include "vecton/error.h"

namespace vecton {

std::span<const Family> model_families() {
  using enum HeadKind;
  static const Family kFamilies[] = {
      {"bert",
       {"bert"},
       {{"BertModel"},
        {"BertForMaskedLM", kMaskedLm},
        {"BertForPreTraining", kMaskedLm},
        {"BertForSequenceClassification", kSequenceClassification},
        {"BertForTokenClassification", kTokenClassification},
        {"BertForQuestionAnswering", kOther}},
       Pooling::kCls,
       bert::shape,
       bert::load,
       bert::head},
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
       modernbert::head},
      {"eurobert",
       {"eurobert"},
       {{"EuroBertModel"},
        {"EuroBertForMaskedLM", kMaskedLm},
        {"EuroBertForSequenceClassification", kSequenceClassification},
        {"EuroBertForTokenClassification", kTokenClassification}},
       Pooling::kMean,
       eurobert::shape,
       eurobert::load,
       eurobert::head},
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
       llama::head},
      {"llama_bidirec",
       {"llama_bidirec"},
       {{"LlamaBidirectionalModel"},
        {"LlamaBidirectionalForSequenceClassification", kSequenceClassification}},
       Pooling::kMean,
       llama::bidirectional_shape,
       llama::load_bidirectional,
       llama::bidirectional_head},
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
       llama::head},
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
       llama::head},
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
       roberta::head},
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
       distilbert::head},
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
       mpnet::head},
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
       electra::head},
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
       nomic_bert::head},
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
       gte::head},
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
       llama::head},
  };
  return kFamilies;
}

HeadKind Family::head_of(std::string_view architecture) const {
  const auto found = std::ranges::find(architectures, architecture, &Architecture::name);
  return found == architectures.end() ? HeadKind::kNone : found->head;
}

const Family& find_family(const Config& config) {
  const std::vector<std::string> names = config.strings_or_empty("architectures");
  const std::string type = config.string_or("model_type", "");
  const std::string name = names.empty() ? "" : names.front();
  std::string known;
  for (const Family& family : model_families()) {
    const bool by_name = std::ranges::count(family.architectures, name, &Architecture::name) > 0;
    const bool by_type = name.empty() && std::ranges::count(family.model_types, type) > 0;
    if (by_name || by_type) return family;
    known += (known.empty() ? "" : ", ") + std::string(family.name);
  }
  throw Error(ErrorCode::kUnsupported,
              config.file() + ": architectures \"" + name + "\" (model_type \"" + type +
                  "\") is not supported; the families there are: " + known);
}

}  // namespace vecton

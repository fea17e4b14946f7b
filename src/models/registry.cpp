#include "models/registry.h"

#include <algorithm>
#include <string>

#include "models/bert.h"
#include "models/qwen3.h"
#include "vecton/error.h"

namespace vecton {

std::span<const Family> model_families() {
  static const Family kFamilies[] = {
      {"bert",
       {"bert"},
       {"BertModel"},
       {"BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification",
        "BertForTokenClassification", "BertForQuestionAnswering"},
       Pooling::kCls,
       bert::shape,
       bert::load},
      {"qwen3",
       {"qwen3"},
       {"Qwen3Model"},
       {"Qwen3ForCausalLM", "Qwen3ForSequenceClassification"},
       Pooling::kLast,
       qwen3::shape,
       qwen3::load},
  };
  return kFamilies;
}

const Family& find_family(const Config& config) {
  const std::vector<std::string> architectures = config.strings_or_empty("architectures");
  const std::string type = config.string_or("model_type", "");
  const std::string architecture = architectures.empty() ? "" : architectures.front();
  const auto in = [](const std::vector<std::string_view>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::string known;
  for (const Family& family : model_families()) {
    const bool by_name =
        in(family.architectures, architecture) || in(family.headed_architectures, architecture);
    if (by_name || (architecture.empty() && in(family.model_types, type))) return family;
    known += (known.empty() ? "" : ", ") + std::string(family.name);
  }
  throw Error(ErrorCode::kUnsupported,
              config.file() + ": architectures \"" + architecture + "\" (model_type \"" + type +
                  "\") is not supported; the families there are: " + known);
}

}  // namespace vecton

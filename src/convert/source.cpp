#include "convert/source.h"

#include <set>

#include "checkpoint/adapter.h"
#include "checkpoint/config.h"
#include "checkpoint/model_tensors.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/sentence_transformers.h"
#include "gguf/file.h"
#include "vecton/error.h"

namespace vecton::convert {

namespace fs = std::filesystem;

Source open_source(const fs::path& model) {
  if (gguf::is_gguf(model)) return open_gguf(model);
  if (checkpoint::Adapter::find(model))
    throw Error(ErrorCode::kUnsupported, model.string() + ": is an adapter; expected a model");
  Source source{
      .name = {}, .folder = model, .weights = model, .config = {}, .files = {}, .tensors = {}};
  const auto modules = checkpoint::SentenceTransformer::read(model);
  std::set<fs::path> transformers;
  for (const checkpoint::ModulePipeline& pipeline : modules.pipelines)
    transformers.insert(pipeline.input.folder);
  if (transformers.size() > 1)
    throw Error(ErrorCode::kUnsupported,
                model.string() + ": modules.json has several transformers; expected one");
  if (!transformers.empty()) source.weights = *transformers.begin();
  source.name = source.weights.string();
  const checkpoint::Config config = checkpoint::Config::read(source.weights / "config.json");
  source.config = base::read_json(source.weights / "config.json").as_object();
  const auto quantisation = checkpoint::read_quantisation(config);
  source.quantised = quantisation != nullptr;
  source.tensors = checkpoint::model_tensors(source.weights, quantisation.get(), nullptr);
  return source;
}

}  // namespace vecton::convert

#include "checkpoint/module_pipeline.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "checkpoint/input_module.h"
#include "checkpoint/name_text.h"
#include "checkpoint/torch_activations.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

enum class ModuleKind {
  kTransformer,
  kMlmTransformer,
  kClip,
  kStaticEmbedding,
  kSparseStaticEmbedding,
  kPooling,
  kWeightedLayerPooling,
  kDense,
  kLayerNorm,
  kNormalize,
  kDropout,
  kSpladePooling,
  kMultiVectorMask,
  kLogitScore,
  kRouter,
};

struct Class {
  std::string_view name;
  ModuleKind kind;
};
constexpr Class kClasses[] = {
    {"Transformer", ModuleKind::kTransformer},
    {"MLMTransformer", ModuleKind::kMlmTransformer},
    {"CLIPModel", ModuleKind::kClip},
    {"StaticEmbedding", ModuleKind::kStaticEmbedding},
    {"SparseStaticEmbedding", ModuleKind::kSparseStaticEmbedding},
    {"Pooling", ModuleKind::kPooling},
    {"WeightedLayerPooling", ModuleKind::kWeightedLayerPooling},
    {"Dense", ModuleKind::kDense},
    {"LayerNorm", ModuleKind::kLayerNorm},
    {"Normalize", ModuleKind::kNormalize},
    {"Dropout", ModuleKind::kDropout},
    {"SpladePooling", ModuleKind::kSpladePooling},
    {"MultiVectorMask", ModuleKind::kMultiVectorMask},
    {"LogitScore", ModuleKind::kLogitScore},
    {"Router", ModuleKind::kRouter},
    {"Asym", ModuleKind::kRouter},
};

// Where the library kept these classes over its versions.
constexpr std::string_view kPackages[] = {
    "sentence_transformers.models.",
    "sentence_transformers.base.modules.",
    "sentence_transformers.base.models.",
    "sentence_transformers.sentence_transformer.modules.",
    "sentence_transformers.sentence_transformer.models.",
    "sentence_transformers.sparse_encoder.models.",
    "sentence_transformers.sparse_encoder.modules.",
    "sentence_transformers.multi_vector_encoder.models.",
    "sentence_transformers.multi_vector_encoder.modules.",
    "sentence_transformers.cross_encoder.modules.",
    "sentence_transformers.cross_encoder.models.",
    "pylate.models.",
};

// What a class that is refused stands for, for the message.
struct OtherClass {
  std::string_view part, meaning;
};
constexpr OtherClass kOtherClasses[] = {
    {"WordEmbeddings", "a table of words with a tokenizer of its own"},
    {"WordWeights", "weights of the words of a tokenizer of its own"},
    {"BoW", "a bag of words with a tokenizer of its own"},
    {"CNN", "a convolution over word embeddings"},
    {"LSTM", "a recurrent network over word embeddings"},
    {"SparseAutoEncoder", "a sparse code of a vector, whose places are no tokens"},
    {"TokenPooling", "clusters of a document's tokens"},
    {"pylate.", "a part of a late-interaction model (ColBERT)"},
    {".multi_vector_encoder.", "a part of a late-interaction model (ColBERT)"},
    {".sparse_encoder.", "a part of a sparse encoder"},
    {".cross_encoder.", "a part of a cross-encoder"},
};

const Class* find_class(const std::string& type) {
  const bool known_package = std::ranges::any_of(
      kPackages, [&](std::string_view package) { return type.starts_with(package); });
  const auto* known = std::ranges::find(kClasses, class_name(type), &Class::name);
  return known_package && known != std::end(kClasses) ? known : nullptr;
}

// Puts modules behind one another: what there is to read after each of them, and how wide it is.
class Builder {
 public:
  explicit Builder(Notes& notes) : notes_(notes) {}

  void add(const ModuleReference& module) {
    const ModuleKind kind = find_class(module.type)->kind;
    if (given_ == Given::kText) return add_input(kind, module);
    switch (kind) {
      case ModuleKind::kPooling:
        return add_pooling(module);
      case ModuleKind::kWeightedLayerPooling:
        return add_layer_pooling(module);
      case ModuleKind::kDense:
        return add_dense(module);
      case ModuleKind::kLayerNorm:
        return add_layer_norm(module);
      case ModuleKind::kNormalize:
        read_normalize(module.folder, feature(module), notes_);
        rows(module).emplace_back(std::in_place_type<NormalizeModule>);
        return;
      case ModuleKind::kDropout:
        return;  // does nothing outside training
      case ModuleKind::kSpladePooling:
        expect(Given::kTokenLogits, module, "a Transformer whose transformer_task is fill-mask");
        pipeline_.splade = read_splade_pooling(module.folder, notes_);
        given_ = Given::kSparse;
        return;
      case ModuleKind::kMultiVectorMask:
        expect(Given::kTokens, module,
               "a Transformer whose transformer_task is feature-extraction");
        if (pipeline_.mask) refuse_module(module.file, "expected one MultiVectorMask");
        pipeline_.mask = read_multi_vector_mask(module.folder, notes_);
        return;
      case ModuleKind::kLogitScore:
        expect(Given::kCausalLogits, module,
               "a Transformer whose transformer_task is text-generation");
        pipeline_.logit_score = read_logit_score(module.folder, notes_);
        given_ = Given::kScores;
        return;
      case ModuleKind::kRouter:
        refuse_module(module.file, "a Router inside of a Router is not supported");
      default:
        refuse_module(module.file, "expected one Transformer, as the first module");
    }
  }

  ModulePipeline finish(const std::string& file) {
    if (given_ == Given::kText)
      refuse_module(file, "expected one Transformer, as the first module");
    if (given_ == Given::kTokenLogits)
      refuse_module(file, "transformer_task \"fill-mask\" needs a SpladePooling module");
    if (given_ == Given::kCausalLogits)
      refuse_module(file, "transformer_task \"text-generation\" needs a LogitScore module");
    return std::move(pipeline_);
  }

 private:
  // What the modules so far give.
  enum class Given { kText, kTokens, kTokenLogits, kCausalLogits, kVector, kSparse, kScores };

  void add_input(ModuleKind kind, const ModuleReference& module) {
    InputModule& input = pipeline_.input;
    switch (kind) {
      case ModuleKind::kTransformer:
      case ModuleKind::kMlmTransformer:
        input = read_transformer(module.folder,
                                 kind == ModuleKind::kMlmTransformer
                                     ? TransformerTask::kFillMask
                                     : TransformerTask::kFeatureExtraction,
                                 notes_);
        break;
      case ModuleKind::kClip:
        input = read_transformer(module.folder, TransformerTask::kFeatureExtraction, notes_);
        input.vectors = true;
        break;
      case ModuleKind::kStaticEmbedding:
        input = read_static_embedding(module.folder);
        pipeline_.pooling = PoolingModule{.modes = {ops::Pooling::kMean}, .width = {}};
        given_ = Given::kVector;
        return;
      case ModuleKind::kSparseStaticEmbedding:
        input = read_sparse_static_embedding(module.folder, notes_);
        given_ = Given::kSparse;
        return;
      default:
        refuse_module(module.file, "expected one Transformer, as the first module");
    }
    switch (input.task) {
      case TransformerTask::kFeatureExtraction:
        given_ = input.vectors ? Given::kVector : Given::kTokens;
        return;
      case TransformerTask::kSequenceClassification:
        given_ = Given::kScores;
        return;
      case TransformerTask::kTextGeneration:
        given_ = Given::kCausalLogits;
        return;
      case TransformerTask::kFillMask:
        given_ = Given::kTokenLogits;
        return;
    }
  }

  void add_pooling(const ModuleReference& module) {
    if (pipeline_.pooling) refuse_module(module.file, "expected one Pooling");
    expect(Given::kTokens, module, "a Transformer whose transformer_task is feature-extraction");
    pipeline_.pooling = read_pooling(module.folder, notes_);
    const PoolingModule& pooling = *pipeline_.pooling;
    if (pooling.width) check_width(module, "embedding_dimension", *pooling.width);
    width_ = pooling.width.value_or(width_) * static_cast<int64_t>(pooling.modes.size());
    given_ = Given::kVector;
  }

  // It reads the layers of the transformer, whatever other modules have made of the last one's.
  void add_layer_pooling(const ModuleReference& module) {
    expect(Given::kTokens, module, "a Transformer whose transformer_task is feature-extraction");
    if (pipeline_.layer_pooling || !pipeline_.token_modules.empty())
      refuse_module(module.file, "expected one WeightedLayerPooling, right after the Transformer");
    pipeline_.layer_pooling = read_weighted_layer_pooling(module.folder, notes_);
    check_width(module, "embedding_dimension", pipeline_.layer_pooling->width);
  }

  void add_dense(const ModuleReference& module) {
    bool scores = false;
    DenseModule dense = read_dense(module.folder, feature(module), scores, notes_);
    if (given_ == Given::kSparse)
      refuse_module(module.file, "a Dense after a sparse vector is not supported");
    check_width(module, "in_features", dense.in_features);
    width_ = dense.out_features;
    rows(module).emplace_back(std::in_place_type<DenseModule>, std::move(dense));
    if (!scores) return;
    pipeline_.dense_scores = true;
    given_ = Given::kScores;
  }

  void add_layer_norm(const ModuleReference& module) {
    if (given_ != Given::kVector)
      refuse_module(module.file,
                    "expected LayerNorm after a Pooling: it is for sentence_embedding");
    LayerNormModule norm = read_layer_norm(module.folder, notes_);
    check_width(module, "dimension", norm.dimension);
    width_ = norm.dimension;
    rows(module).emplace_back(std::in_place_type<LayerNormModule>, std::move(norm));
  }

  // The feature that a row module reads, and the list that it goes to.
  std::string_view feature(const ModuleReference& module) const {
    if (given_ == Given::kTokens) return kTokenEmbeddings;
    if (given_ == Given::kVector || given_ == Given::kSparse) return kSentenceEmbedding;
    refuse_module(module.file,
                  "module class " + quoted_text(module.type) +
                      " is not supported here: the modules before it give logits or scores");
  }
  std::vector<RowModule>& rows(const ModuleReference& module) {
    return feature(module) == kTokenEmbeddings ? pipeline_.token_modules : pipeline_.vector_modules;
  }

  void expect(Given given, const ModuleReference& module, const std::string& before) const {
    if (given_ == given) return;
    refuse_module(
        module.file,
        "module class " + quoted_text(module.type) + ": expected it right after " + before +
            (pipeline_.input.vectors ? "; its module_output_name here is sentence_embedding"
                                     : "; the transformer_task here is " +
                                           std::string(to_string(pipeline_.input.task))));
  }

  void check_width(const ModuleReference& module, const std::string& key, int64_t found) const {
    if (width_ == 0 || width_ == found) return;
    throw Error(ErrorCode::kCorrupt, (module.folder / "config.json").string() + ": \"" + key +
                                         "\": the module before it gives " +
                                         std::to_string(width_) + " values, found " +
                                         std::to_string(found));
  }

  Notes& notes_;
  ModulePipeline pipeline_;
  Given given_ = Given::kText;
  int64_t width_ = 0;  // of a row; 0 = the transformer's own
};

}  // namespace

void refuse_module(const std::string& file, const std::string& message) {
  throw Error(ErrorCode::kUnsupported, file + ": " + message);
}

bool is_router(const std::string& type) {
  const Class* known = find_class(type);
  return known && known->kind == ModuleKind::kRouter;
}

void check_class(const ModuleReference& module) {
  if (find_class(module.type)) return;
  std::string meaning;
  for (const OtherClass& other : kOtherClasses) {
    if (module.type.find(other.part) == std::string::npos) continue;
    meaning = std::string(": this is ") + std::string(other.meaning);
    break;
  }
  std::string names;
  for (const Class& known : kClasses)
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  refuse_module(module.file, "module class " + quoted_text(module.type) + " is not supported" +
                                 meaning + "; sentence-transformers' " + names + " are");
}

ModulePipeline ModulePipeline::read(std::span<const ModuleReference> modules, Notes& notes) {
  // All classes first: the refusal of a whole kind of model says more than that of one module's
  // settings.
  for (const ModuleReference& module : modules) check_class(module);
  Builder builder(notes);
  for (const ModuleReference& module : modules) builder.add(module);
  return builder.finish(modules.front().file);
}

bool ModulePipeline::gives_scores() const {
  return dense_scores || logit_score || input.task == TransformerTask::kSequenceClassification;
}

bool ModulePipeline::gives_sparse() const {
  return splade || input.kind == InputModule::Kind::kSparseStaticEmbedding;
}

bool take_last_normalize(std::vector<RowModule>& modules) {
  if (modules.empty() || !std::holds_alternative<NormalizeModule>(modules.back())) return false;
  modules.pop_back();
  return true;
}

}  // namespace vecton::checkpoint

// Static embeddings: a token's vector is its row of a table, whatever stands around it (model2vec,
// sentence-transformers' StaticEmbedding), or its one weight (SparseStaticEmbedding).
#include <string>
#include <utility>

#include "base/json.h"
#include "checkpoint/weight_files.h"
#include "models/family.h"
#include "nn/forward_pass.h"
#include "vecton/error.h"

namespace vecton::models::static_embedding {

namespace {

// No position is read: texts may have any length that a queue takes.
constexpr int64_t kMaxPositions = int64_t{1} << 20;

struct Table {
  const char* name;
  size_t dimensions;
  const char* architecture;
};
constexpr Table kTables[] = {{"embedding.weight", 2, "StaticEmbedding"},
                             {"embeddings", 2, "StaticEmbedding"},  // of model2vec
                             {"weight", 1, "SparseStaticEmbedding"}};

class StaticEmbedding final : public Model {
 public:
  explicit StaticEmbedding(ops::PreparedWeight words) : words_(std::move(words)) {}

  Tensor forward(Ops& ops, const tensor::Batch& batch, tensor::Cache* cache) const override {
    const nn::ForwardPass pass(ops, batch, cache);
    const Ops::Lookup words[] = {{*words_, pass.ids}};
    return pass.rows_of(0, 1).of(ops, ops.embed(words));
  }

 private:
  ops::PreparedWeight words_;
};

// What config.json would say, from the header of the weights' file.
checkpoint::Config config(const std::filesystem::path& folder, const json::object& overrides) {
  const auto tensors = checkpoint::read_checkpoint(folder);
  for (const auto& [name, dimensions, architecture] : kTables) {
    const auto table = tensors.find(name);
    if (table == tensors.end()) continue;
    const std::vector<int64_t>& shape = table->second.shape;
    if (shape.size() != dimensions) {
      throw Error(ErrorCode::kCorrupt,
                  table->second.source + ": " + name + ": expected " +
                      (dimensions == 2 ? "a table of two dimensions" : "a number per token"));
    }
    json::object values{{"architectures", json::array{architecture}},
                        {"model_type", "static_embedding"},
                        {"vocab_size", shape[0]},
                        {"hidden_size", dimensions == 2 ? shape[1] : 1}};
    for (const auto& [key, value] : overrides) values[key] = value;
    return checkpoint::Config(std::move(values), table->second.source);
  }
  throw Error(ErrorCode::kCorrupt,
              folder.string() +
                  ": a static embedding has a tensor embedding.weight or embeddings, a sparse one "
                  "weight");
}

ModelShape shape(const checkpoint::Config& config) {
  return {.hidden = config.integer("hidden_size"),
          .vocab = config.integer("vocab_size"),
          .max_positions = kMaxPositions};
}

std::unique_ptr<Model> load(const checkpoint::Config& config, checkpoint::Weights weights) {
  const checkpoint::Weights::Rename names[] = {{"embeddings", "embedding.weight"}};
  weights.rename_prefixes(names);
  const ModelShape s = shape(config);
  if (config.strings_or_empty("architectures").front() == "SparseStaticEmbedding")
    return std::make_unique<StaticEmbedding>(weights.table_of_one_column(s.vocab));
  return std::make_unique<StaticEmbedding>((weights / "embedding").table(s.vocab, s.hidden));
}

}  // namespace

extern constinit const Family kFamily{
    .name = "static_embedding",
    .model_types = {"static_embedding"},
    .architectures = {{"StaticEmbedding"}, {"SparseStaticEmbedding"}},
    .default_pooling = ops::Pooling::kMean,
    .shape = shape,
    .load = load,
    .config = config,
    .matryoshka = {{"static-retrieval-mrl", {}, 32}, {"static-similarity-mrl", {}, 32}},
};

}  // namespace vecton::models::static_embedding

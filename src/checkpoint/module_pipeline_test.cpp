#include "checkpoint/module_pipeline.h"

#include "checkpoint/modules_test_folder.h"

namespace vecton::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kDense;
using testing::kNormalize;
using testing::read_modules;
using Folder = testing::ModulesFolder;

constexpr const char* kMask =
    "sentence_transformers.multi_vector_encoder.modules.multi_vector_mask.MultiVectorMask";
constexpr const char* kSplade =
    "sentence_transformers.sparse_encoder.modules.splade_pooling.SpladePooling";
constexpr const char* kLogitScore =
    "sentence_transformers.cross_encoder.modules.logit_score.LogitScore";

// sentence_bert_config.json as version 5.4 writes it.
std::string of_task(const std::string& task, const std::string& output, const std::string& name,
                    const std::string& more = "") {
  return R"({"transformer_task":")" + task +
         R"(","modality_config":{"text":{"method":"forward","method_output_name":")" + output +
         R"("},"image+text":{"method":"forward","method_output_name":"x"}},"module_output_name":")" +
         name + "\"" + more + "}";
}
const std::string kClassifier = of_task("sequence-classification", "logits", "scores");
const std::string kGenerator = of_task("text-generation", "logits", "causal_logits");
const std::string kMasked = of_task("fill-mask", "logits", "token_embeddings");

TEST(ModulePipeline, ReadsDenseModulesOfTokens) {
  const SentenceTransformer model =
      Folder()
          .module("pylate.models.Dense.Dense", R"({"in_features":8,"out_features":4,"bias":false,
                   "activation_function":"torch.nn.modules.linear.Identity"})")
          .settings(R"({"similarity_fn_name":"MaxSim","query_prefix":"[Q] "})")
          .read();
  EXPECT_FALSE(model.pipelines.at(0).pooling);
  EXPECT_EQ(model.pipelines.at(0).token_modules.size(), 1u);
  EXPECT_TRUE(model.is_late_interaction(model.pipelines.at(0)));
  EXPECT_EQ(model.similarity, Similarity::kMaxSim);
  EXPECT_THAT(model.notes, IsEmpty());
}

constexpr const char* kLayers = "sentence_transformers.models.WeightedLayerPooling";

TEST(ModulePipeline, ReadsAMeanOfLayersRightAfterTheTransformer) {
  const SentenceTransformer model =
      Folder()
          .module(kLayers,
                  R"({"word_embedding_dimension":8,"layer_start":1,"num_hidden_layers":3})")
          .module(kNormalize, R"({"module_input_name":"token_embeddings"})")
          .read();
  const auto& layers = model.pipelines.at(0).layer_pooling;
  ASSERT_TRUE(layers);
  EXPECT_EQ(layers->layer_start, 1);
  EXPECT_EQ(layers->num_hidden_layers, 3);
  EXPECT_EQ(layers->width, 8);
  EXPECT_THAT(model.notes, IsEmpty());
  EXPECT_REFUSED(Folder()
                     .module(kDense,
                             R"({"in_features":8,"out_features":4,
                                 "module_input_name":"token_embeddings"})")
                     .module(kLayers, R"({"embedding_dimension":4,"num_hidden_layers":5})")
                     .read(),
                 ErrorCode::kUnsupported, "right after the Transformer");
  EXPECT_REFUSED(
      Folder()
          .module(kLayers, R"({"embedding_dimension":4,"layer_start":6,"num_hidden_layers":5})")
          .read(),
      ErrorCode::kCorrupt, "layer_start");
}

TEST(ModulePipeline, ReadsAMultiVectorEncoder) {
  const SentenceTransformer model =
      Folder()
          .module(kDense,
                  R"({"in_features":8,"out_features":4,"module_input_name":"token_embeddings"})")
          .module(kMask,
                  R"({"skiplist_words":["."],"skiplist_tasks":"query","keep_only_token_ids":[7]})")
          .module(kNormalize, R"({"module_input_name":"token_embeddings"})")
          .transformer(of_task("feature-extraction", "last_hidden_state", "token_embeddings",
                               R"(,"document_length":40,
                                  "query_expansion":{"strategy":"min","length":16,"token":"[X]"})"))
          .settings(R"({"model_type":"MultiVectorEncoder","similarity_fn_name":"meanmaxsim"})")
          .read();
  const ModulePipeline& pipeline = model.pipelines.at(0);
  EXPECT_EQ(pipeline.token_modules.size(), 2u);
  EXPECT_THAT(pipeline.mask->skiplist_words, ElementsAre("."));
  EXPECT_TRUE(pipeline.mask->skip_in_queries);
  EXPECT_FALSE(pipeline.mask->skip_in_documents);
  EXPECT_THAT(pipeline.mask->keep_only_token_ids, ElementsAre(7));
  EXPECT_EQ(pipeline.input.document_length, 40);
  EXPECT_EQ(pipeline.input.query_expansion->length, 16);
  EXPECT_FALSE(pipeline.input.query_expansion->cut);
  EXPECT_EQ(pipeline.input.query_expansion->token, "[X]");
  EXPECT_EQ(model.similarity, Similarity::kMeanMaxSim);
  EXPECT_REFUSED(Folder().module(kMask, R"({"skiplist_tasks":["image"]})").read(),
                 ErrorCode::kUnsupported, "1_MultiVectorMask/config.json", "skiplist_tasks",
                 "image", "query and document");
  EXPECT_REFUSED(Folder()
                     .module(kMask)
                     .transformer(R"({"query_expansion":{"strategy":"all","length":3}})")
                     .read(),
                 ErrorCode::kUnsupported, "query_expansion.strategy", "fixed and min");
}

TEST(ModulePipeline, RefusesWhatGoesAcrossTheTextsOfABatch) {
  EXPECT_REFUSED(Folder()
                     .module(kDense,
                             R"({"in_features":8,"out_features":4,
                                 "module_input_name":"token_embeddings",
                                 "activation_function":"torch.nn.modules.activation.Softmax"})")
                     .read(),
                 ErrorCode::kUnsupported, "1_Dense/config.json", "Softmax", "token_embeddings");
}

TEST(ModulePipeline, ReadsCrossEncoders) {
  const SentenceTransformer model =
      Folder()
          .transformer(kClassifier)
          .settings(
              R"({"model_type":"CrossEncoder","activation_fn":"torch.nn.modules.linear.Identity"})")
          .read();
  EXPECT_TRUE(model.pipelines.at(0).gives_scores());
  EXPECT_EQ(model.activation_fn, "torch.nn.modules.linear.Identity");
  const SentenceTransformer pooled =
      Folder()
          .pooling()
          .module(kDense, R"({"in_features":8,"out_features":2,"module_output_name":"scores"})")
          .settings(R"({"model_type":"CrossEncoder"})")
          .read();
  EXPECT_TRUE(pooled.pipelines.at(0).dense_scores);
  for (const char* type : {"SentenceTransformer", "SparseEncoder"}) {
    EXPECT_REFUSED(Folder()
                       .transformer(kClassifier)
                       .settings(R"({"model_type":")" + std::string(type) + "\"}")
                       .read(),
                   ErrorCode::kUnsupported, "config_sentence_transformers.json", type,
                   "does not fit its modules");
  }
}

TEST(ModulePipeline, ReadsACrossEncodersSettingsWithoutModules) {
  const testing::TemporaryFolder folder;
  folder.write(
      "config_sentence_transformers.json",
      R"({"model_type":"CrossEncoder","activation_fn":"torch.nn.modules.activation.Tanh"})");
  const SentenceTransformer model = SentenceTransformer::read(folder.path());
  EXPECT_FALSE(model.present);
  EXPECT_EQ(model.activation_fn, "torch.nn.modules.activation.Tanh");
}

TEST(ModulePipeline, ReadsALogitScore) {
  const auto read = [](const std::string& config) {
    return Folder().module(kLogitScore, config).transformer(kGenerator).pipeline().logit_score;
  };
  const auto two =
      read(R"({"true_token_id":9,"false_token_id":0,"module_input_name":"causal_logits"})");
  EXPECT_EQ(two->true_token_id, 9);
  EXPECT_EQ(two->false_token_id, 0);
  EXPECT_FALSE(read(R"({"true_token_id":9,"false_token_id":null})")->false_token_id);
  EXPECT_REFUSED(read("{}"), ErrorCode::kCorrupt, "1_LogitScore/config.json", "true_token_id");
  EXPECT_REFUSED(read(R"({"true_token_id":9,"module_input_name":"logits"})"),
                 ErrorCode::kUnsupported, "module_input_name", "causal_logits");
  EXPECT_REFUSED(Folder().module(kLogitScore, R"({"true_token_id":9})").read(),
                 ErrorCode::kUnsupported, "LogitScore", "text-generation");
  EXPECT_REFUSED(Folder().transformer(kGenerator).read(), ErrorCode::kUnsupported, "LogitScore");
}

TEST(ModulePipeline, ReadsSpladePooling) {
  const auto read = [](const std::string& settings) {
    return Folder()
        .module(kSplade, settings)
        .settings(R"({"model_type":"SparseEncoder","max_active_dims":5})")
        .transformer(kMasked)
        .read();
  };
  const SentenceTransformer most = read(R"({"pooling_strategy":"max","embedding_dimension":null})");
  EXPECT_FALSE(most.pipelines.at(0).splade->sum);
  EXPECT_EQ(most.max_active_dims, 5);
  EXPECT_EQ(most.similarity, Similarity::kDot);
  const ModulePipeline sum =
      read(R"({"pooling_strategy":"sum","activation_function":"log1p_relu"})").pipelines.at(0);
  EXPECT_TRUE(sum.splade->sum);
  EXPECT_TRUE(sum.splade->log_twice);
  EXPECT_REFUSED(read(R"({"pooling_strategy":"mean"})"), ErrorCode::kUnsupported,
                 "pooling_strategy", "max and sum");
  EXPECT_REFUSED(read(R"({"activation_function":"gelu"})"), ErrorCode::kUnsupported,
                 "activation_function", "relu and log1p_relu");
}

TEST(ModulePipeline, FillsQueriesOfLateInteractionAlone) {
  const std::string fill = R"({"query_expansion":{"strategy":"min","length":9}})";
  const ModulePipeline late =
      Folder().transformer(fill).settings(R"({"model_type":"MultiVectorEncoder"})").pipeline();
  EXPECT_EQ(late.input.query_expansion->length, 9);
  EXPECT_REFUSED(Folder().transformer(fill).pooling().read(), ErrorCode::kUnsupported,
                 "query_expansion", "late interaction");
}

TEST(ModulePipeline, ReadsMessages) {
  const auto read = [](const std::string& format, const std::string& more) {
    return Folder()
        .pooling()
        .transformer(R"({"modality_config":{"text":{"method":"forward",
             "method_output_name":"last_hidden_state"},"message":{"method":"forward",
             "method_output_name":"last_hidden_state","format":")" +
                     format + "\"}}" + more + "}")
        .pipeline()
        .input;
  };
  EXPECT_FALSE(read("flat", "").messages->structured);
  const InputModule module = read("structured", R"(,"processing_kwargs":{"text":{"max_length":20},
      "chat_template":{"add_generation_prompt":true,"enable_thinking":false,"restore_suffix":false}})");
  EXPECT_TRUE(module.messages->structured);
  EXPECT_TRUE(module.messages->add_generation_prompt);
  EXPECT_FALSE(module.messages->restore_suffix);
  EXPECT_EQ(module.messages->variables, R"({"enable_thinking":false})");
  EXPECT_EQ(module.max_seq_length, 20);
  EXPECT_EQ(read("flat", R"(,"tokenizer_args":{"model_max_length":33})").max_seq_length, 33);
  EXPECT_REFUSED(read("auto", ""), ErrorCode::kUnsupported, "modality_config.message.format",
                 "structured and flat");
  EXPECT_REFUSED(Folder()
                     .transformer(R"({"modality_config":{"message":{"method":"forward",
                     "method_output_name":"last_hidden_state"}}})")
                     .read(),
                 ErrorCode::kCorrupt, "modality_config.message.format");
  EXPECT_REFUSED(read("flat", R"(,"processing_kwargs":{"text":{"stride":3}})"),
                 ErrorCode::kUnsupported, "processing_kwargs.text.stride");
  EXPECT_REFUSED(read("flat", R"(,"model_args":{"torch_dtype":"float16","subfolder":"x"})"),
                 ErrorCode::kUnsupported, "model_args.subfolder");
}

TEST(ModulePipeline, RefusesTasksAndTypesByName) {
  EXPECT_REFUSED(Folder().transformer(R"({"transformer_task":"retrieval"})").read(),
                 ErrorCode::kUnsupported, "sentence_bert_config.json", "retrieval",
                 "sequence-classification", "ColPali and its kin open without modules.json");
  EXPECT_REFUSED(Folder().transformer(R"({"transformer_task":"ranking"})").read(),
                 ErrorCode::kUnsupported, "\"ranking\" is not supported, only", "fill-mask");
  EXPECT_REFUSED(Folder().transformer(of_task("fill-mask", "last_hidden_state", "x")).read(),
                 ErrorCode::kUnsupported, "module_output_name");
  EXPECT_REFUSED(Folder().pooling().settings(R"({"model_type":"Retriever"})").read(),
                 ErrorCode::kUnsupported, "model_type", "Retriever", "CrossEncoder");
  EXPECT_REFUSED(Folder().pooling().settings(R"({"similarity_fn_name":"angle"})").read(),
                 ErrorCode::kUnsupported, "similarity_fn_name", "angle", "euclidean");
}

TEST(ModulePipeline, NotesKeysThatNobodyKnows) {
  const SentenceTransformer model =
      Folder()
          .pooling(R"({"embedding_dimension":8,"pooling_mode":"mean","a":1})")
          .transformer(R"({"b":1,"unpad_inputs":true})")
          .settings(R"({"c":1,"__version__":{}})")
          .read();
  EXPECT_THAT(model.notes, ElementsAre(HasSubstr("\"b\" is not known"),
                                       HasSubstr("1_Pooling/config.json: \"a\""),
                                       HasSubstr("\"c\" is not known")));
}

// A Router at the root of the folder, with a route of its own for queries.
SentenceTransformer read_router(const std::string& parameters,
                                const std::string& file = "router_config.json",
                                const std::string& documents = "document") {
  const testing::TemporaryFolder folder;
  folder.write("modules.json", R"([{"path":"","type":"sentence_transformers.models.Router"},
      {"path":"1_Normalize","type":"sentence_transformers.models.Normalize"}])");
  folder.write(file, R"({"types":{"q":"sentence_transformers.models.StaticEmbedding",
      "d":"sentence_transformers.models.Transformer","p":"sentence_transformers.models.Pooling"},
      "structure":{"query":["q"],")" +
                         documents + R"(":["d","p"]},"parameters":)" + parameters + "}");
  folder.write("p/config.json", R"({"pooling_mode":"cls"})");
  return SentenceTransformer::read(folder.path());
}

TEST(Router, GivesAPipelinePerRoute) {
  const SentenceTransformer model =
      read_router(R"({"default_route":"document","allow_empty_key":true,"route_mappings":{}})");
  ASSERT_EQ(model.pipelines.size(), 2u);
  EXPECT_THAT(model.pipeline_of_role, ElementsAre(0, 1, 0));
  EXPECT_EQ(model.pipelines[0].input.kind, InputModule::Kind::kTransformer);
  EXPECT_EQ(model.pipelines[0].vector_modules.size(), 1u);
  EXPECT_EQ(model.pipelines[1].input.kind, InputModule::Kind::kStaticEmbedding);
  EXPECT_EQ(model.pipelines[1].vector_modules.size(), 1u);
  EXPECT_THAT(model.notes, IsEmpty());
}

TEST(Router, ChoosesAsTheLibraryDoes) {
  // Without a default the first route, of Asym's file too; or none.
  EXPECT_THAT(read_router("{}", "config.json").pipeline_of_role, ElementsAre(0, 0, 1));
  EXPECT_THAT(read_router(R"({"allow_empty_key":false})").pipeline_of_role, ElementsAre(-1, 0, 1));
  // The most exact mapping, whatever the routes are called.
  EXPECT_THAT(read_router(R"x({"route_mappings":{"('query', 'text')":"document",
                              "(None, ('image', 'text'))":"query","(None, 'text')":"query"}})x")
                  .pipeline_of_role,
              ElementsAre(0, 1, 0));
}

// As Asym's documentation calls them.
TEST(Router, FindsDocumentsByTheirOtherNames) {
  EXPECT_THAT(read_router("{}", "config.json", "doc").pipeline_of_role, ElementsAre(0, 0, 1));
  EXPECT_THAT(read_router("{}", "config.json", "passage").pipeline_of_role, ElementsAre(0, 0, 1));
  EXPECT_THAT(read_router("{}", "config.json", "answer").pipeline_of_role, ElementsAre(0, 0, -1));
}

TEST(Router, RefusesWhatItCantFollow) {
  EXPECT_REFUSED(read_router(R"({"default_route":"other"})"), ErrorCode::kCorrupt,
                 "router_config.json", "default_route", "other");
  EXPECT_REFUSED(read_router(R"({"route_mappings":{"query":"query"}})"), ErrorCode::kCorrupt,
                 "route_mappings", "('query', 'text')");
  EXPECT_REFUSED(read_modules(R"([{"path":"x","type":"sentence_transformers.models.Router"}])"),
                 ErrorCode::kNotFound, "x/config.json");
}

}  // namespace
}  // namespace vecton::checkpoint

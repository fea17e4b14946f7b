#include "checkpoint/sentence_transformers.h"

#include "checkpoint/modules_test_folder.h"

namespace vecton::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing::TemporaryFolder;

using testing::kDense;
using testing::kNormalize;
using testing::kPooling;
using testing::read_modules;
using Folder = testing::ModulesFolder;

const DenseModule& dense_of(const RowModule& module) { return std::get<DenseModule>(module); }

TEST(SentenceTransformer, IsAbsentWithoutModules) {
  const TemporaryFolder folder;
  const SentenceTransformer model = SentenceTransformer::read(folder.path());
  EXPECT_FALSE(model.present);
  EXPECT_EQ(model.pipelines.at(0).input.folder, folder.path());
  EXPECT_FALSE(model.pipelines.at(0).pooling);
}

// The family decides how: engine/plan_test.cpp.
TEST(SentenceTransformer, IsPooledAsMlxEmbeddingsDoesWhereItsConverterLeftNoFolders) {
  Folder folder;
  folder.file("config.json", R"({"quantization":{"bits":4},"model_type":"bert"})");
  folder.pooling("").module(kNormalize);
  folder.file("sentence_bert_config.json", R"({"max_seq_length":48})");
  const SentenceTransformer model = folder.read();
  const ModulePipeline& pipeline = model.pipelines.at(0);
  ASSERT_TRUE(pipeline.pooling);
  EXPECT_THAT(pipeline.pooling->modes, ::testing::IsEmpty());
  ASSERT_EQ(pipeline.vector_modules.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<NormalizeModule>(pipeline.vector_modules[0]));
  EXPECT_EQ(pipeline.input.max_seq_length, 48);
  EXPECT_THAT(model.notes, ElementsAre(::testing::HasSubstr("mlx-embeddings")));
}

TEST(SentenceTransformer, IsPooledAsMlxEmbeddingsDoesWithoutQuantisation) {
  Folder folder;
  folder.file("config.json", R"({"model_type":"bert"})");
  folder.file("model.safetensors", R"(12345678{"__metadata__":{"format":"mlx"}})");
  const ModulePipeline pipeline = folder.pooling("").pipeline();
  ASSERT_TRUE(pipeline.pooling);
  EXPECT_THAT(pipeline.pooling->modes, ::testing::IsEmpty());
}

TEST(SentenceTransformer, RefusesMissingFoldersOfOtherOrigin) {
  Folder plain;
  plain.file("config.json", R"({"model_type":"bert"})");
  EXPECT_REFUSED(plain.pooling("").read(), ErrorCode::kNotFound, "1_Pooling");
  Folder dense;
  dense.file("config.json", R"({"quantization":{"bits":4},"model_type":"bert"})");
  EXPECT_REFUSED(dense.pooling("").module(kDense).read(), ErrorCode::kNotFound, "1_Pooling");
}

TEST(SentenceTransformer, ReadsTheClassicLayout) {
  Folder folder;
  folder.pooling(
      R"({"word_embedding_dimension":8,"pooling_mode_cls_token":false,"pooling_mode_mean_tokens":true,
                     "pooling_mode_max_tokens":false,"pooling_mode_mean_sqrt_len_tokens":false})");
  folder.module(kDense, R"({"in_features":8,"out_features":4,"bias":false,
                            "activation_function":"torch.nn.modules.linear.Identity"})");
  folder.module(kNormalize);
  folder.file("sentence_bert_config.json", R"({"max_seq_length":48,"do_lower_case":true})");
  folder.file(
      "config_sentence_transformers.json",
      R"({"__version__":{},"prompts":{"query":"q: ","document":""},"default_prompt_name":"query",
                  "similarity_fn_name":"dot","truncate_dim":2})");
  const SentenceTransformer model = folder.read();
  EXPECT_TRUE(model.present);
  const ModulePipeline& pipeline = model.pipelines.at(0);
  EXPECT_EQ(pipeline.input.folder, folder.path());
  EXPECT_THAT(pipeline.pooling->modes, ElementsAre(ops::Pooling::kMean));
  EXPECT_EQ(pipeline.pooling->width, 8);
  EXPECT_TRUE(pipeline.pooling->include_prompt);
  ASSERT_EQ(pipeline.vector_modules.size(), 2u);
  const DenseModule& dense = dense_of(pipeline.vector_modules[0]);
  EXPECT_EQ(dense.folder, folder.path() / "2_Dense");
  EXPECT_EQ(dense.in_features, 8);
  EXPECT_EQ(dense.out_features, 4);
  EXPECT_FALSE(dense.bias);
  EXPECT_EQ(dense.activation, ops::Activation::kIdentity);
  EXPECT_EQ(dense.activation_name, "Identity");
  EXPECT_TRUE(std::holds_alternative<NormalizeModule>(pipeline.vector_modules[1]));
  EXPECT_THAT(model.prompts, ElementsAre(Pair("query", "q: "), Pair("document", "")));
  EXPECT_EQ(model.default_prompt_name, "query");
  EXPECT_EQ(pipeline.input.max_seq_length, 48);
  EXPECT_TRUE(pipeline.input.lower_case);
  EXPECT_EQ(model.similarity, Similarity::kDot);
  EXPECT_EQ(model.truncate_dim, 2);
  EXPECT_THAT(model.notes, IsEmpty());
}

TEST(SentenceTransformer, ReadsTheNewLayout) {
  Folder folder;
  folder.module(
      "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
      R"({"embedding_dimension":8,"pooling_mode":["lasttoken","cls","weightedmean","max","mean_sqrt_len_tokens",
                    "mean"],"include_prompt":false})");
  folder.module(
      "sentence_transformers.base.modules.normalize.Normalize",
      R"({"module_input_name":"sentence_embedding","module_output_name":"sentence_embedding"})");
  folder.file(
      "sentence_bert_config.json",
      R"({"transformer_task":"feature-extraction","modality_config":{"text":{"method":"forward",
                  "method_output_name":"last_hidden_state"}},"module_output_name":"token_embeddings"})");
  folder.file(
      "config_sentence_transformers.json",
      R"({"model_type":"SentenceTransformer","default_prompt_name":null,"prompts":{},"similarity_fn_name":null})");
  const SentenceTransformer model = folder.read();
  const ModulePipeline& pipeline = model.pipelines.at(0);
  EXPECT_THAT(pipeline.pooling->modes,
              ElementsAre(ops::Pooling::kLast, ops::Pooling::kCls, ops::Pooling::kWeightedMean,
                          ops::Pooling::kMax, ops::Pooling::kMeanSqrtLen, ops::Pooling::kMean));
  EXPECT_EQ(pipeline.pooling->width, 8);
  EXPECT_FALSE(pipeline.pooling->include_prompt);
  EXPECT_EQ(pipeline.vector_modules.size(), 1u);
  EXPECT_FALSE(pipeline.input.max_seq_length);
  EXPECT_FALSE(model.default_prompt_name);
  EXPECT_EQ(model.similarity, Similarity::kCosine);
  EXPECT_THAT(model.notes, IsEmpty());
}

TEST(SentenceTransformer, FindsATransformerInItsFolder) {
  const TemporaryFolder folder;
  folder.write(
      "modules.json",
      R"([{"path":"0_Transformer","type":"sentence_transformers.base.modules.transformer.Transformer"}])");
  folder.write("0_Transformer/sentence_roberta_config.json",
               R"({"max_seq_length":99,"do_lower_case":false})");
  const SentenceTransformer model = SentenceTransformer::read(folder.path());
  EXPECT_EQ(model.pipelines.at(0).input.folder, folder.path() / "0_Transformer");
  EXPECT_EQ(model.pipelines.at(0).input.max_seq_length, 99);
  EXPECT_FALSE(model.pipelines.at(0).pooling);
}

TEST(SentenceTransformer, ConcatenatesFlaggedModesInTheLibrarysOrder) {
  EXPECT_THAT(
      Folder()
          .pooling(R"({"pooling_mode_lasttoken":true,"pooling_mode_weightedmean_tokens":true,
                               "pooling_mode_mean_sqrt_len_tokens":true,"pooling_mode_mean_tokens":true,
                               "pooling_mode_max_tokens":true,"pooling_mode_cls_token":true})")
          .pipeline()
          .pooling->modes,
      ElementsAre(ops::Pooling::kCls, ops::Pooling::kMax, ops::Pooling::kMean,
                  ops::Pooling::kMeanSqrtLen, ops::Pooling::kWeightedMean, ops::Pooling::kLast));
  EXPECT_THAT(Folder()
                  .pooling(R"({"pooling_mode":"lasttoken","pooling_mode_mean_tokens":true})")
                  .pipeline()
                  .pooling->modes,
              ElementsAre(ops::Pooling::kLast));
  EXPECT_THAT(Folder().pooling(R"({"pooling_mode_cls_token":true})").pipeline().pooling->modes,
              ElementsAre(ops::Pooling::kCls));
  EXPECT_THAT(Folder().pooling(R"({"pooling_mode_mean_tokens":false})").pipeline().pooling->modes,
              ElementsAre(ops::Pooling::kMean));
  EXPECT_THAT(Folder().pooling(R"({"word_embedding_dimension":8})").pipeline().pooling->modes,
              ElementsAre(ops::Pooling::kMean));
}

TEST(SentenceTransformer, NamesPoolingModes) {
  EXPECT_STREQ(to_string(ops::Pooling::kCls), "CLS");
  EXPECT_STREQ(to_string(ops::Pooling::kMax), "MAX");
  EXPECT_STREQ(to_string(ops::Pooling::kMean), "MEAN");
  EXPECT_STREQ(to_string(ops::Pooling::kMeanSqrtLen), "MEAN_SQRT_LEN");
  EXPECT_STREQ(to_string(ops::Pooling::kWeightedMean), "WEIGHTED_MEAN");
  EXPECT_STREQ(to_string(ops::Pooling::kLast), "LAST");
}

TEST(SentenceTransformer, KnowsTheActivationsOfDense) {
  const std::pair<const char*, ops::Activation> cases[] = {
      {"torch.nn.modules.linear.Identity", ops::Activation::kIdentity},
      {"torch.nn.modules.activation.Tanh", ops::Activation::kTanh},
      {"torch.nn.modules.activation.GELU", ops::Activation::kGelu},
      {"torch.nn.modules.activation.ReLU", ops::Activation::kRelu},
      {"torch.nn.modules.activation.SiLU", ops::Activation::kSilu},
      {"torch.nn.modules.activation.Sigmoid", ops::Activation::kSigmoid},
      {"torch.nn.modules.activation.LeakyReLU", ops::Activation::kLeakyRelu},
      {"torch.nn.modules.activation.CELU", ops::Activation::kElu},
      {"torch.nn.modules.activation.Mish", ops::Activation::kMish},
      {"torch.nn.modules.activation.PReLU", ops::Activation::kPRelu},
      {"torch.nn.Tanh", ops::Activation::kTanh}};
  for (const auto& [name, activation] : cases) {
    const std::string config =
        R"({"in_features":8,"out_features":4,"activation_function":")" + std::string(name) + "\"}";
    const ModulePipeline pipeline = Folder().pooling().module(kDense, config).pipeline();
    const DenseModule& dense = dense_of(pipeline.vector_modules.at(0));
    EXPECT_EQ(dense.activation, activation) << name;
    EXPECT_TRUE(dense.bias);
  }
}

TEST(SentenceTransformer, ReadsAStaticEmbeddingInPlaceOfATransformer) {
  constexpr const char* kFlat =
      R"([{"path":".","type":"sentence_transformers.models.StaticEmbedding"},
          {"path":"1_Normalize","type":"sentence_transformers.models.Normalize"}])";
  const ModulePipeline flat = read_modules(kFlat).pipelines.at(0);
  EXPECT_EQ(flat.input.kind, InputModule::Kind::kStaticEmbedding);
  EXPECT_THAT(flat.pooling->modes, ElementsAre(ops::Pooling::kMean));
  EXPECT_EQ(flat.vector_modules.size(), 1u);
  const ModulePipeline nested =
      read_modules(
          R"([{"path":"0_StaticEmbedding","type":"sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding"}])")
          .pipelines.at(0);
  EXPECT_EQ(nested.input.folder.filename(), "0_StaticEmbedding");
  EXPECT_THAT(nested.vector_modules, IsEmpty());
}

// CLIP and SigLIP, as versions since 5.4 write them and as those before did.
TEST(SentenceTransformer, ReadsATransformerThatGivesVectors) {
  const ModulePipeline old =
      read_modules(R"([{"path":"0_CLIPModel","type":"sentence_transformers.models.CLIPModel"},
                       {"path":"1_Normalize","type":"sentence_transformers.models.Normalize"}])")
          .pipelines.at(0);
  EXPECT_TRUE(old.input.vectors);
  EXPECT_EQ(old.input.folder.filename(), "0_CLIPModel");
  EXPECT_EQ(old.vector_modules.size(), 1u);
  EXPECT_FALSE(old.pooling);
}

TEST(SentenceTransformer, RefusesOtherModulesByNameAndKind) {
  const std::pair<const char*, const char*> cases[] = {
      {"pylate.models.Reducer", "late-interaction"},
      {"sentence_transformers.sparse_encoder.models.SpladeSum", "sparse encoder"},
      {"sentence_transformers.models.CNN", "convolution"},
      {"sentence_transformers.models.LSTM", "recurrent"},
      {"sentence_transformers.models.BoW", "bag of words"},
      {"sentence_transformers.models.WordEmbeddings", "table of words"},
      {"sentence_transformers.multi_vector_encoder.modules.token_pooling.HierarchicalTokenPooling",
       "clusters"},
      {"custom_st.Transformer", "custom_st.Transformer"},
      {"Normalize", "\"Normalize\""},
  };
  for (const auto& [type, words] : cases) {
    EXPECT_REFUSED(Folder().module(type).read(), ErrorCode::kUnsupported, "modules.json",
                   std::string(type), words);
  }
}

TEST(SentenceTransformer, RefusesModulesJsonOfAnotherForm) {
  for (const char* text : {"{}", "[]", "1"})
    EXPECT_REFUSED(read_modules(text), ErrorCode::kCorrupt, "modules.json", "a list of modules");
  EXPECT_REFUSED(read_modules("["), ErrorCode::kCorrupt, "modules.json", "not valid JSON");
  EXPECT_REFUSED(read_modules("[1]"), ErrorCode::kCorrupt, "modules.json", "a list of objects");
  EXPECT_REFUSED(read_modules(R"([{"path":""}])"), ErrorCode::kCorrupt, "modules.json", "\"type\"");
  EXPECT_REFUSED(read_modules(R"([{"path":1,"type":"sentence_transformers.models.Transformer"}])"),
                 ErrorCode::kCorrupt, "\"path\"");
}

TEST(SentenceTransformer, RefusesPathsThatLeaveTheFolder) {
  for (const std::string path : {"../x", "a/../../x", "/etc", "..", R"(a\u0000b)"}) {
    EXPECT_REFUSED(read_modules(R"([{"type":"sentence_transformers.models.Transformer","path":")" +
                                path + "\"}]"),
                   ErrorCode::kCorrupt, "modules.json", "expected a folder inside the model's");
  }
}

TEST(SentenceTransformer, RefusesModulesOutOfOrder) {
  EXPECT_REFUSED(read_modules(R"([{"type":"sentence_transformers.models.Normalize","path":"1"}])"),
                 ErrorCode::kUnsupported, "modules.json", "one Transformer, as the first");
  EXPECT_REFUSED(Folder().module("sentence_transformers.models.Transformer").read(),
                 ErrorCode::kUnsupported, "one Transformer");
  EXPECT_REFUSED(Folder().pooling().pooling().read(), ErrorCode::kUnsupported, "one Pooling");
  EXPECT_REFUSED(Folder().module(kNormalize).pooling().read(), ErrorCode::kUnsupported,
                 "1_Normalize/config.json", "module_input_name", "sentence_embedding");
  EXPECT_REFUSED(
      Folder().module("sentence_transformers.models.LayerNorm", R"({"dimension":8})").read(),
      ErrorCode::kUnsupported, "LayerNorm after a Pooling");
  EXPECT_REFUSED(Folder().module("sentence_transformers.models.SpladePooling", "{}").read(),
                 ErrorCode::kUnsupported, "SpladePooling", "fill-mask");
  EXPECT_REFUSED(Folder()
                     .pooling()
                     .module(kDense, R"({"in_features":8,"out_features":2,
                     "module_output_name":"scores"})")
                     .module(kNormalize)
                     .read(),
                 ErrorCode::kUnsupported, "give logits or scores");
}

TEST(SentenceTransformer, KeepsTheOrderOfModulesAndIgnoresDropout) {
  const ModulePipeline pipeline =
      Folder()
          .pooling()
          .module("sentence_transformers.models.Dropout", R"({"dropout":0.5})")
          .module(kNormalize)
          .module(kDense, R"({"in_features":8,"out_features":4})")
          .module("sentence_transformers.models.LayerNorm", R"({"dimension":4})")
          .module(kNormalize)
          .pipeline();
  ASSERT_EQ(pipeline.vector_modules.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<NormalizeModule>(pipeline.vector_modules[0]));
  EXPECT_EQ(dense_of(pipeline.vector_modules[1]).out_features, 4);
  EXPECT_EQ(std::get<LayerNormModule>(pipeline.vector_modules[2]).dimension, 4);
  std::vector<RowModule> modules = pipeline.vector_modules;
  EXPECT_TRUE(take_last_normalize(modules));
  EXPECT_EQ(modules.size(), 3u);
  EXPECT_FALSE(take_last_normalize(modules));
}

TEST(SentenceTransformer, RefusesPoolingItDoesNotKnow) {
  EXPECT_REFUSED(Folder().module(kPooling).read(), ErrorCode::kNotFound, "1_Pooling/config.json");
  EXPECT_REFUSED(Folder().pooling(R"({"pooling_mode":"first"})").read(), ErrorCode::kUnsupported,
                 "1_Pooling/config.json", "\"first\" is not supported");
  EXPECT_REFUSED(Folder().pooling(R"({"pooling_mode":["mean",1]})").read(), ErrorCode::kCorrupt,
                 "pooling_mode");
  EXPECT_REFUSED(Folder().pooling(R"({"pooling_mode":{}})").read(), ErrorCode::kCorrupt,
                 "pooling_mode");
  EXPECT_REFUSED(Folder().pooling(R"({"pooling_mode":[]})").read(), ErrorCode::kCorrupt,
                 "names no pooling mode");
  EXPECT_REFUSED(Folder().pooling(R"({"pooling_mode_mean_tokens":1})").read(), ErrorCode::kCorrupt,
                 "true or false");
  EXPECT_REFUSED(Folder().pooling(R"({"word_embedding_dimension":0})").read(), ErrorCode::kCorrupt,
                 "word_embedding_dimension");
}

TEST(SentenceTransformer, RefusesDenseItCantCompute) {
  const auto read = [](const std::string& more) {
    return Folder()
        .pooling()
        .module(kDense, R"({"in_features":8,"out_features":4)" + more + "}")
        .read();
  };
  const auto first = [&](const std::string& more) {
    return dense_of(read(more).pipelines.at(0).vector_modules.at(0));
  };
  EXPECT_EQ(first("").activation, ops::Activation::kTanh);
  EXPECT_FALSE(
      first(
          R"(,"use_residual":false,"module_input_name":"sentence_embedding","module_output_name":null)")
          .residual);
  for (const char* name :
       {"torch.nn.modules.activation.Softmax2d", "torch.nn.modules.activation.GLU",
        "torch.nn.modules.activation.Threshold"})
    EXPECT_REFUSED(read(R"(,"activation_function":")" + std::string(name) + "\""),
                   ErrorCode::kUnsupported, "2_Dense/config.json", name, "Tanh");
  EXPECT_REFUSED(read(R"(,"activation_function":"mine.Tanh")"), ErrorCode::kUnsupported,
                 "\"mine.Tanh\"");
  EXPECT_EQ(first(R"(,"activation_function":"torch.nn.modules.activation.Softmax")").row_function,
            RowFunction::kSoftmax);
  EXPECT_TRUE(first(R"(,"use_residual":true)").residual);
  EXPECT_REFUSED(read(R"(,"module_input_name":"token_embeddings")"), ErrorCode::kUnsupported,
                 "module_input_name");
  EXPECT_REFUSED(read(R"(,"module_output_name":"other")"), ErrorCode::kUnsupported,
                 "module_output_name");
  EXPECT_REFUSED(Folder().pooling().module(kDense, "{}").read(), ErrorCode::kCorrupt,
                 "2_Dense/config.json", "in_features");
}

TEST(SentenceTransformer, RefusesDenseOfAnotherWidth) {
  EXPECT_REFUSED(Folder().pooling().module(kDense, R"({"in_features":9,"out_features":4})").read(),
                 ErrorCode::kCorrupt, "2_Dense/config.json", "in_features",
                 "gives 8 values, found 9");
  EXPECT_REFUSED(Folder()
                     .pooling(R"({"word_embedding_dimension":8,"pooling_mode":["max","mean"]})")
                     .module(kDense, R"({"in_features":16,"out_features":4})")
                     .module(kDense, R"({"in_features":5,"out_features":2})")
                     .read(),
                 ErrorCode::kCorrupt, "3_Dense/config.json", "gives 4 values, found 5");
}

TEST(SentenceTransformer, RefusesNormalizeOfAnotherOutput) {
  EXPECT_REFUSED(
      Folder().pooling().module(kNormalize, R"({"module_input_name":"token_embeddings"})").read(),
      ErrorCode::kUnsupported, "2_Normalize/config.json", "module_input_name");
}

TEST(SentenceTransformer, RefusesTransformerSettingsItCantFollow) {
  const auto read = [](const std::string& settings) {
    return Folder().pooling().file("sentence_bert_config.json", settings).read();
  };
  EXPECT_FALSE(read(R"({"max_seq_length":null})").pipelines.at(0).input.max_seq_length);
  EXPECT_REFUSED(read(R"({"max_seq_length":0})"), ErrorCode::kCorrupt, "sentence_bert_config.json",
                 "max_seq_length");
  EXPECT_REFUSED(read(R"({"max_seq_length":"512"})"), ErrorCode::kCorrupt, "max_seq_length");
  EXPECT_REFUSED(read(R"({"transformer_task":"fill-mask"})"), ErrorCode::kUnsupported,
                 "transformer_task", "fill-mask");
  EXPECT_REFUSED(read(R"({"module_output_name":"sentence_embedding"})"), ErrorCode::kUnsupported,
                 "module_output_name");
  EXPECT_REFUSED(read(R"({"modality_config":{"image":{}}})"), ErrorCode::kUnsupported,
                 "modality_config");
  EXPECT_REFUSED(read(R"({"modality_config":{"text":{"method_output_name":"pooler_output"}}})"),
                 ErrorCode::kUnsupported, "modality_config.text.method_output_name");
}

TEST(SentenceTransformer, RefusesSettingsItCantFollow) {
  const auto read = [](const std::string& settings) {
    return Folder().pooling().file("config_sentence_transformers.json", settings).read();
  };
  EXPECT_REFUSED(read(R"({"prompts":{"query":"q"},"default_prompt_name":"document"})"),
                 ErrorCode::kCorrupt, "config_sentence_transformers.json", "default_prompt_name",
                 "\"document\"");
  EXPECT_REFUSED(read(R"({"default_prompt_name":"query"})"), ErrorCode::kCorrupt, "no such prompt");
  EXPECT_REFUSED(read(R"({"default_prompt_name":1})"), ErrorCode::kCorrupt, "default_prompt_name");
  EXPECT_REFUSED(read(R"({"prompts":[]})"), ErrorCode::kCorrupt, "prompts");
  EXPECT_REFUSED(read(R"({"prompts":{"query":1}})"), ErrorCode::kCorrupt, "prompt \"query\"");
  EXPECT_REFUSED(read(R"({"model_type":"SparseEncoder"})"), ErrorCode::kUnsupported, "model_type",
                 "SparseEncoder");
  EXPECT_REFUSED(read(R"({"similarity_fn_name":"MaxSim"})"), ErrorCode::kUnsupported,
                 "similarity_fn_name", "MaxSim");
  EXPECT_REFUSED(read(R"({"truncate_dim":-1})"), ErrorCode::kCorrupt, "truncate_dim");
  EXPECT_REFUSED(read("[]"), ErrorCode::kCorrupt, "config_sentence_transformers.json");
}

}  // namespace
}  // namespace vecton::checkpoint

// What a checkpoint's files and the options decide before a weight is read: tasks, scorer, pooling,
// labels; and what is said of settings that can't be.
#include "engine/plan.h"

#include "checkpoint/test_files.h"
#include "engine/matryoshka.h"
#include "engine/model_copy.h"

namespace vecton::engine {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ModelCopy;

EngineOptions options_of(const std::string& golden) {
  EngineOptions options{.model = "tests/golden/" + golden + "/model"};
  options.threads = 1;
  return options;
}

Plan plan_of(const EngineOptions& options) { return make_plans(options, {}).front(); }

Plan plan_with(const std::string& golden, const std::string& pooler_config,
               const std::string& overrides = "") {
  EngineOptions options = options_of(golden);
  options.pooler_config = pooler_config;
  options.hf_overrides = overrides;
  return plan_of(options);
}

std::string tasks_of(const Plan& plan) {
  std::string names;
  for (const Task task : plan.tasks)
    names += (names.empty() ? "" : " ") + std::string(to_string(task));
  return names;
}

struct Decided {
  const char *golden, *tasks, *scorer, *pooling;
};

// A generative model whose name says reranker is both, unless scores are asked for.
TEST(Plan, RerankersOfGenerativeModelsGenerateToo) {
  EngineOptions options = options_of("rerank-qwen3");
  EXPECT_EQ(tasks_of(plan_of(options)), "score classify generate");
  options.runner = "pooling";
  EXPECT_EQ(tasks_of(plan_of(options)), "score classify");
  options.runner = "generate";
  EXPECT_EQ(tasks_of(plan_of(options)), "generate embed token_embed");
  options.runner = "auto";
  options.convert = "classify";
  EXPECT_EQ(tasks_of(plan_of(options)), "score classify");
  options.convert = "auto";
  options.hf_overrides = R"({"classifier_from_token": ["no", "yes"]})";
  EXPECT_EQ(tasks_of(plan_of(options)), "score classify");
}

// What each kind of checkpoint is for; the first task is the one that it was made for.
TEST(Plan, FollowsTheCheckpoint) {
  const Decided rows[] = {
      {"bert-embed-mean", "embed token_embed", "bi-encoder", "MEAN"},
      {"bert-embed-cls", "embed token_embed", "bi-encoder", "CLS"},
      {"emb-qwen3", "embed token_embed", "bi-encoder", "LAST"},
      {"bge-m3", "embed token_embed sparse_embed", "bi-encoder", "CLS"},
      {"static-embed", "embed token_embed", "bi-encoder", "MEAN"},
      {"splade-bert", "sparse_embed fill_mask token_classify", "bi-encoder", "CLS"},
      {"colbert-bert", "token_embed", "late-interaction", "CLS"},
      {"bert-classify-softmax", "classify token_classify", "", "CLS"},
      {"bert-rerank-sigmoid", "score classify token_classify", "cross-encoder", "CLS"},
      {"bert-token-classify", "token_classify", "", "CLS"},
      {"cls-qwen2-token", "token_classify", "", "LAST"},
      {"bert-mlm", "fill_mask token_classify", "", "CLS"},
      {"rerank-qwen3", "score classify generate", "cross-encoder", "LAST"},
      {"rerank-qwen3-seqcls", "score classify token_classify", "cross-encoder", "LAST"},
      {"st-cross-3", "classify token_classify", "", "CLS"},
  };
  for (const auto& [golden, tasks, scorer, pooling] : rows) {
    SCOPED_TRACE(golden);
    const Plan plan = plan_of(options_of(golden));
    EXPECT_EQ(tasks_of(plan), tasks);
    EXPECT_STREQ(to_string(plan.scorer), scorer);
    EXPECT_STREQ(checkpoint::to_string(plan.pooling.front()), pooling);
  }
}

// --convert embed takes the backbone of anything.
TEST(Plan, ConvertEmbedIsTheBackbone) {
  for (const char* golden : {"bert-classify-softmax", "bert-mlm", "bert-token-classify",
                             "rerank-qwen3", "gen-qwen2-sliding", "bert-embed-mean"}) {
    EngineOptions options = options_of(golden);
    options.convert = "embed";
    const Plan plan = plan_of(options);
    EXPECT_EQ(tasks_of(plan), "embed token_embed") << golden;
    EXPECT_EQ(plan.head, checkpoint::HeadKind::kNone) << golden;
  }
}

TEST(Plan, GenerativeModelsGenerateOrAreConverted) {
  EngineOptions options = options_of("gen-qwen2-sliding");
  EXPECT_EQ(tasks_of(plan_of(options)), "generate embed token_embed");
  options.runner = "pooling";
  EXPECT_EQ(tasks_of(plan_of(options)), "embed token_embed");
  options.convert = "classify";
  const Plan plan = plan_of(options);
  EXPECT_EQ(tasks_of(plan), "score classify");
  EXPECT_THAT(plan.classifier_from_token, ElementsAre("no", "yes"));
  options.hf_overrides = R"({"classifier_from_token": ["a"]})";
  EXPECT_THAT(plan_of(options).classifier_from_token, ElementsAre("a"));
  options.hf_overrides = R"({"classifier_from_token": ["a", "b", "c"]})";
  EXPECT_REFUSED(plan_of(options), ErrorCode::kInvalidArgument, "expected one token, or two");
}

struct Refused {
  const char* field;
  void (*set)(EngineOptions&);
  const char* message;
};

TEST(Plan, OptionsAreRefusedByName) {
  const Refused rows[] = {
      {"runner", [](EngineOptions& o) { o.runner = "generate"; },
       "runner: BertModel is not a generative model; leave out --runner generate"},
      {"runner", [](EngineOptions& o) { o.runner = "fast"; },
       "runner \"fast\" is not known; one of auto, generate, pooling is"},
      {"convert", [](EngineOptions& o) { o.convert = "reward"; },
       "convert \"reward\" is not known; one of auto, none, embed, classify is"},
      {"dtype", [](EngineOptions& o) { o.dtype = "int8"; },
       "dtype \"int8\" is not known; one of auto, float32, float16, bfloat16 is"},
      {"compute", [](EngineOptions& o) { o.compute = "fp8"; },
       "compute \"fp8\" is not known; one of float32, bfloat16, float16, int8 is"},
      {"compute", [](EngineOptions& o) { o.compute = "float16"; },
       "compute float16: the backend cpu has no such: expected one of float32, bfloat16, int8"},
      {"compute",
       [](EngineOptions& o) {
         o.compute = "float16";
         o.quantization = "mlx-affine-8";
       },
       "compute float16: the model's weights are quantised: expected float32 or int8"},
      {"compute",
       [](EngineOptions& o) {
         o.compute = "bfloat16";
         o.dtype = "float32";
       },
       "compute bfloat16: weights are kept as bfloat16: expected dtype auto or bfloat16, found "
       "float32"},
      {"compute",
       [](EngineOptions& o) {
         o.compute = "bfloat16";
         o.quantization = "mlx-affine-8";
       },
       "compute bfloat16: the model's weights are quantised: expected float32 or int8"},
      {"compute",
       [](EngineOptions& o) {
         o.compute = "int8";
         o.dtype = "bfloat16";
       },
       "compute int8: weights are kept as int8: expected dtype auto, found bfloat16"},
      {"kv_cache_dtype", [](EngineOptions& o) { o.kv_cache_dtype = "int8"; },
       "kv_cache_dtype \"int8\" is not known; one of auto, float32, bfloat16, fp8, fp8_e4m3, "
       "fp8_e5m2 is"},
      {"hf_overrides", [](EngineOptions& o) { o.hf_overrides = "[]"; },
       "hf_overrides: expected a JSON object"},
      {"pooler_config", [](EngineOptions& o) { o.pooler_config = "1"; },
       "pooler_config: expected a JSON object"},
      {"max_model_len", [](EngineOptions& o) { o.max_model_len = -1; },
       "max_model_len -1: the model takes 1 to 128 tokens (max_position_embeddings)"},
      {"max_model_len", [](EngineOptions& o) { o.max_model_len = 129; },
       "max_model_len 129: the model takes 1 to 128 tokens (max_position_embeddings)"},
      {"default_prompt_name", [](EngineOptions& o) { o.default_prompt_name = "query"; },
       "default_prompt_name \"query\" is not known; the model has no prompts"},
  };
  for (const auto& [field, set, message] : rows) {
    EngineOptions options = options_of("bert-embed-mean");
    set(options);
    const Error error = error_of([&] { plan_of(options); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << message;
    EXPECT_EQ(error.field(), field);
    EXPECT_EQ(std::string(error.what()), message);
  }
  for (const char* text : {"{", "{\"a\": }", "nonsense"}) {
    EngineOptions options = options_of("bert-embed-mean");
    options.pooler_config = text;
    EXPECT_EQ(error_of([&] { plan_of(options); }).field(), "pooler_config");
    options.pooler_config.clear();
    options.hf_overrides = text;
    EXPECT_EQ(error_of([&] { plan_of(options); }).field(), "hf_overrides");
  }
}

TEST(Plan, DefaultPromptsAreChosenByNameOrText) {
  EngineOptions options = options_of("st-prompts");
  EXPECT_EQ(plan_of(options).modules.default_prompt_name, "document");
  options.default_prompt_name = "query";
  EXPECT_EQ(plan_of(options).modules.default_prompt_name, "query");
  options.default_prompt_name = "other";
  EXPECT_REFUSED(plan_of(options), ErrorCode::kInvalidArgument,
                 "default_prompt_name \"other\" is not known; the model has document, query");
  options.default_prompt_name.clear();
  options.default_prompt = "find: ";
  EXPECT_EQ(plan_of(options).default_prompt, "find: ");
}

TEST(Plan, TheLongestTextIsTheSmallestBound) {
  const ModelCopy model("bert-embed-mean");
  const auto length = [&](int64_t asked = 0) {
    EngineOptions options = model.options();
    options.max_model_len = asked;
    return plan_of(options).max_model_len;
  };
  model.write("sentence_bert_config.json", R"({"max_seq_length": 48})");
  EXPECT_EQ(length(), 48);
  EXPECT_EQ(length(100), 100);  // an option counts more, up to the position table
  model.write("sentence_bert_config.json", "{}");
  model.write("tokenizer_config.json", R"({"model_max_length": 60})");
  EXPECT_EQ(length(), 60);
  for (const char* endless : {"1000000000000000019884624838656", "0", "-5"}) {
    model.write("tokenizer_config.json", std::string(R"({"model_max_length": )") + endless + "}");
    EXPECT_EQ(length(), 128) << endless;
  }
}

// mlx_embeddings.convert copies modules.json without its folders and pools by the model's code.
TEST(Plan, IsPooledAsMlxEmbeddingsDoesWhereItsConverterLeftNoFolders) {
  for (const auto& [golden, pooling] :
       {std::pair{"bert-embed-cls", ops::Pooling::kMean}, {"emb-qwen3", ops::Pooling::kLast}}) {
    const ModelCopy copy(golden);
    copy.remove("1_Pooling");
    copy.remove("2_Normalize");
    copy.write("modules.json",
               R"([{"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"},
                   {"idx":1,"name":"1","path":"1_Pooling",
                    "type":"sentence_transformers.models.Pooling"}])");
    copy.change_config([](json::object& config) {
      config["quantization"] = {{"group_size", 32}, {"bits", 4}};
    });
    const Plan plan = plan_of(copy.options());
    EXPECT_THAT(plan.pooling, ElementsAre(pooling)) << golden;
    EXPECT_TRUE(plan.normalize) << golden;
    EXPECT_THAT(plan.notes, ::testing::Contains(HasSubstr("mlx-embeddings"))) << golden;
  }
}

TEST(Plan, UnsaidPoolingIsNoted) {
  const ModelCopy model("bert-embed-mean");
  for (const char* file : {"modules.json", "1_Pooling", "config_sentence_transformers.json",
                           "sentence_bert_config.json"})
    model.remove(file);
  EngineOptions options = model.options();
  EXPECT_THAT(plan_of(options).notes,
              ElementsAre(HasSubstr("no modules.json says how texts are pooled: CLS, normalised")));
  options.pooler_config = R"({"pooling_type": "MEAN"})";
  EXPECT_THAT(plan_of(options).notes, IsEmpty());
}

// By config.json and by the file beside it, whatever cache is asked for.
TEST(Plan, TheQuantisedCacheOfACheckpointIsNoted) {
  for (const auto& [golden, setting] :
       {std::pair{"modelopt-llama-fp8", "config.json: kv_cache_scheme {"},
        {"modelopt-llama-nvfp4", "hf_quant_config.json: kv_cache_quant_algo \"FP8\""}}) {
    const ModelCopy model(golden);
    EngineOptions options = model.options();
    for (const char* dtype : {"auto", "fp8"}) {
      options.kv_cache_dtype = dtype;
      const Plan plan = plan_of(options);
      EXPECT_THAT(plan.notes, ElementsAre(HasSubstr(setting))) << golden;
      EXPECT_EQ(plan.kv_cache_dtype == tensor::DType::kF32, dtype == std::string("auto"));
    }
  }
}

// --- --pooler-config.

struct PoolerRefusal {
  const char *golden, *config, *message;
};

TEST(PoolerConfig, IsRefusedByName) {
  const PoolerRefusal rows[] = {
      {"bert-embed-mean", R"({"pooling_type": "MAX"})",
       "pooling_type \"MAX\" is not supported; CLS, LAST, MEAN, SPLADE, ALL or STEP is"},
      {"bert-embed-mean", R"({"pooling_type": "SPLADE"})",
       "pooling_type SPLADE needs a masked language model"},
      {"bert-classify-softmax", R"({"pooling_type": "MEAN"})",
       "pooling_type MEAN is for embedding models; the checkpoint says how its head pools"},
      {"splade-bert", R"({"pooling_type": "MEAN"})",
       "pooling_type MEAN is for embedding models; the checkpoint says how its head pools"},
      {"st-cross-3", R"({"pooling_type": "LAST"})",
       "pooling_type LAST is for embedding models; the checkpoint says how its head pools"},
      {"rerank-qwen3", R"({"pooling_type": "STEP"})",
       "pooling_type STEP needs a model that labels tokens"},
      {"bert-embed-mean", R"({"tok_pooling_type": "STEP"})",
       "pooling_type STEP needs a model that labels tokens"},
      {"bert-embed-mean", R"({"step_tag_id": 5})", "step_tag_id is for models that label tokens"},
      {"bert-embed-mean", R"({"returned_token_ids": [0]})",
       "returned_token_ids is for models that label tokens"},
      {"rerank-qwen3", R"({"pooling_type": "ALL"})",
       "pooling_type ALL needs a model that answers token by token"},
      {"bert-embed-mean", R"({"dimensions": 0})", "dimensions: expected an integer of at least 1"},
      {"bert-embed-mean", R"({"dimensions": 4.5})",
       "dimensions: expected an integer of at least 1"},
      {"bert-embed-mean", R"({"max_embed_len": 0})",
       "max_embed_len: expected an integer of at least 1"},
      {"cls-qwen2-prm", R"({"step_tag_id": -1})", "step_tag_id: expected an integer of at least 0"},
      {"cls-qwen2-prm", R"({"returned_token_ids": ["a"]})",
       "returned_token_ids: expected an integer of at least 0"},
      {"bert-classify-softmax", R"({"logit_mean": 1, "logit_bias": 1})",
       "logit_mean and logit_bias are one setting; expected one of them"},
      {"bert-classify-softmax", R"({"logit_sigma": 1, "logit_scale": 1})",
       "logit_sigma and logit_scale (its reciprocal) are one setting; expected one"},
      {"bert-classify-softmax", R"({"logit_sigma": 0})", "logit_sigma: expected a number but 0"},
      {"bert-classify-softmax", R"({"logit_scale": 0.0})", "logit_scale: expected a number but 0"},
      {"bert-classify-softmax", R"({"logit_mean": "1"})", "logit_mean: expected a number"},
      {"bert-classify-softmax", R"({"logit_bias": true})", "logit_bias: expected a number"},
      {"bert-embed-mean", R"({"logit_mean": 1})",
       "logit_mean is for classifiers and rerankers; the model gives embed"},
      {"bert-mlm", R"({"logit_scale": 2})",
       "logit_scale is for classifiers and rerankers; the model gives fill_mask"},
      {"bert-classify-softmax", R"({"enable_chunked_processing": true})",
       "enable_chunked_processing is for embedding models"},
      {"bert-embed-mean", R"({"task": "score"})", "task \"score\" is not one of this model's"},
      {"bert-embed-mean", R"({"task": "nothing"})", "task \"nothing\" is not one of this model's"},
      {"bert-classify-softmax", R"({"dimensions": 4})", "dimensions are for embedding models"},
  };
  for (const auto& [golden, config, message] : rows) {
    const Error error = error_of([&] { plan_with(golden, config); });
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << config;
    EXPECT_EQ(error.field(), "pooler_config") << config;
    EXPECT_EQ(std::string(error.what()), "pooler_config: " + std::string(message)) << golden;
  }
}

// A key of another type is refused as one that nobody knows.
TEST(PoolerConfig, KeysHaveTheirTypes) {
  for (const std::string config :
       {R"({"pooling_type": 1})", R"({"use_activation": "yes"})", R"({"normalize": 1})",
        R"({"returned_token_ids": 5})", R"({"enable_chunked_processing": 1})", R"({"task": 1})",
        R"({"pooling": "CLS"})", R"({"softmax": true})"}) {
    const std::string key = config.substr(2, config.find('"', 2) - 2);
    EXPECT_REFUSED(plan_with("bert-embed-mean", config), ErrorCode::kInvalidArgument,
                   "pooler_config: " + key +
                       " is not supported so; pooling_type (CLS, LAST, MEAN, "
                       "SPLADE, ALL, STEP), use_activation (a boolean), dimensions, logit_mean, "
                       "logit_sigma, step_tag_id, returned_token_ids, enable_chunked_processing, "
                       "max_embed_len and task are");
  }
}

TEST(PoolerConfig, NullIsUnsaid) {
  const Plan plan = plan_with("bert-embed-mean",
                              R"({"pooling_type": null, "dimensions": null, "logit_mean": null,
                                  "anything": null})");
  EXPECT_THAT(plan.pooling, ElementsAre(ops::Pooling::kMean));
  EXPECT_FALSE(plan.default_dimensions);
}

TEST(PoolerConfig, ChangesWhatItNames) {
  for (const auto& [name, pooling] : {std::pair{"CLS", ops::Pooling::kCls},
                                      {"LAST", ops::Pooling::kLast},
                                      {"MEAN", ops::Pooling::kMean}}) {
    for (const std::string key : {"pooling_type", "seq_pooling_type"}) {
      const Plan plan = plan_with("bert-embed-mean", "{\"" + key + "\": \"" + name + "\"}");
      EXPECT_THAT(plan.pooling, ElementsAre(pooling)) << key;
    }
  }
  EXPECT_FALSE(plan_with("bert-embed-mean", R"({"use_activation": false})").normalize);
  EXPECT_TRUE(plan_with("bert-embed-mean", R"({"normalize": true})").normalize);
  const auto name = [](const char* config) {
    return plan_with("bert-classify-softmax", config).activation.name();
  };
  EXPECT_EQ(name(R"({"use_activation": true})"), "softmax");
  EXPECT_EQ(name(R"({"use_activation": false})"), "identity");
  const Plan chunked = plan_with("bert-embed-mean", R"({"enable_chunked_processing": true,
                                                        "max_embed_len": 5000})");
  EXPECT_TRUE(chunked.chunked.enabled);
  EXPECT_EQ(chunked.chunked.max_embed_len, 5000);
  const Plan steps = plan_with("cls-qwen2-token", R"({"pooling_type": "STEP", "step_tag_id": 7,
                                                      "returned_token_ids": [2, 0]})");
  EXPECT_TRUE(steps.step);
  EXPECT_EQ(steps.step_tag_id, 7);
  EXPECT_THAT(steps.returned_token_ids, ElementsAre(2, 0));
  EXPECT_EQ(tasks_of(plan_with("bert-embed-mean", R"({"task": "token_embed"})")),
            "token_embed embed");
  const Plan splade = plan_with("bert-mlm", R"({"pooling_type": "SPLADE"})");
  EXPECT_EQ(tasks_of(splade), "sparse_embed fill_mask token_classify");
  EXPECT_EQ(splade.modules.similarity, checkpoint::Similarity::kDot);
}

// --- Shorter vectors: one rule for requests and for --pooler-config.

Plan trained(const std::string& overrides) {
  EngineOptions options = options_of("bert-embed-mean");
  options.hf_overrides = overrides;
  return plan_of(options);
}

TEST(Dimensions, AreThoseThatTheModelWasTrainedFor) {
  const Plan any = trained(R"({"is_matryoshka": true})"),
             listed = trained(R"({"matryoshka_dimensions": [16, 32]})"), none = trained("");
  for (const int64_t size : {1, 16, 17, 64}) {
    EXPECT_FALSE(refusal_of_dimensions(any, size)) << size;
    EXPECT_EQ(refusal_of_dimensions(listed, size).has_value(), size != 16) << size;
    EXPECT_THAT(refusal_of_dimensions(none, size).value_or(""),
                HasSubstr("does not support matryoshka representation"));
    for (const Plan* plan : {&any, &listed, &none})
      EXPECT_FALSE(refusal_of_dimensions(*plan, size, true)) << size;
  }
  for (const int64_t size : {int64_t{-1}, int64_t{0}, int64_t{65}, int64_t{1} << 40}) {
    for (const bool any_model : {false, true}) {
      EXPECT_EQ(refusal_of_dimensions(any, size, any_model),
                "dimensions should be from 1 to 64, the size of the model's embeddings");
    }
  }
  EXPECT_EQ(refusal_of_dimensions(listed, 17),
            "dimensions 17 is not one that the model was trained for: 16, 32");
}

TEST(Dimensions, ThePoolersAreHeldToTheSameRule) {
  for (const std::string overrides :
       {"", R"({"is_matryoshka": true})", R"({"matryoshka_dimensions": [16, 32]})"}) {
    const Plan plan = trained(overrides);
    for (const int64_t size : {1, 16, 17, 64, 65}) {
      const std::string config = "{\"dimensions\": " + std::to_string(size) + "}";
      const std::optional<std::string> refusal = refusal_of_dimensions(plan, size);
      if (refusal) {
        const Error error = error_of([&] { plan_with("bert-embed-mean", config, overrides); });
        EXPECT_EQ(std::string(error.what()), "pooler_config: " + *refusal);
      } else {
        EXPECT_EQ(plan_with("bert-embed-mean", config, overrides).default_dimensions, size);
      }
    }
  }
}

TEST(Dimensions, OfACutModelAreItsOwn) {
  const Plan plan = plan_of(options_of("st-truncated"));
  EXPECT_TRUE(plan.matryoshka);
  EXPECT_LT(plan.embedding_size, plan.full_embedding_size);
  EXPECT_EQ(plan.full_embedding_size, 16);
  EXPECT_FALSE(refusal_of_dimensions(plan, plan.full_embedding_size));
}

// --- What becomes of labels.

TEST(Labels, HaveTheActivationThatTheCheckpointNames) {
  const ModelCopy several("bert-classify-softmax"), one("bert-rerank-sigmoid");
  const auto name = [](const ModelCopy& model, const std::string& key, const json::value& value) {
    model.change_config([&](json::object& config) {
      for (const char* other :
           {"problem_type", "sbert_ce_default_activation_function", "sentence_transformers"})
        config.erase(other);
      if (!key.empty()) config[key] = value;
    });
    return plan_of(model.options()).activation.name();
  };
  EXPECT_EQ(name(several, "", {}), "softmax");
  EXPECT_FALSE(plan_of(several.options()).activation_named);
  EXPECT_EQ(name(one, "", {}), "sigmoid");
  EXPECT_EQ(name(several, "problem_type", "single_label_classification"), "softmax");
  EXPECT_EQ(name(several, "problem_type", "multi_label_classification"), "sigmoid");
  EXPECT_EQ(name(several, "problem_type", "regression"), "identity");
  EXPECT_EQ(name(one, "problem_type", "regression"), "identity");
  EXPECT_EQ(name(one, "sbert_ce_default_activation_function", "torch.nn.modules.linear.Identity"),
            "identity");
  EXPECT_EQ(name(several, "sentence_transformers",
                 json::object{{"activation_fn", "torch.nn.modules.activation.Tanh"}}),
            "tanh");
  EXPECT_TRUE(plan_of(several.options()).activation_named);
  EXPECT_EQ(name(several, "sentence_transformers",
                 json::object{{"activation_fn", "torch.nn.modules.activation.LogSoftmax"}}),
            "logsoftmax");
  EXPECT_REFUSED(name(several, "problem_type", "ranking"), ErrorCode::kUnsupported,
                 "problem_type \"ranking\" is not known; regression, single_label_classification "
                 "and multi_label_classification are");
  EXPECT_REFUSED(name(one, "sbert_ce_default_activation_function", "torch.nn.Nothing"),
                 ErrorCode::kUnsupported,
                 "activation function \"torch.nn.Nothing\" is not supported",
                 "LogSoftmax, Softmax and Softmin are");
  EXPECT_EQ(name(one, "sentence_transformers",
                 json::object{{"activation_fn", "torch.nn.modules.activation.RReLU"}}),
            "rrelu");
  // Of images; half as many labels as there are; arguments that are not written down.
  for (const std::string other : {"Softmax2d", "GLU", "Threshold"})
    EXPECT_REFUSED(name(several, "sentence_transformers",
                        json::object{{"activation_fn", "torch.nn.modules.activation." + other}}),
                   ErrorCode::kUnsupported, other + "\" is not supported");
}

}  // namespace
}  // namespace vecton::engine

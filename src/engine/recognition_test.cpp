// Checkpoints whose config.json names a class of its authors' own, and files that hold more than
// the model.
#include "engine/recognition.h"

#include "checkpoint/test_files.h"
#include "engine/model_copy.h"

namespace vecton::engine {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ModelCopy;
using ::testing::Not;
using testing::vector_of;

std::string same(const std::string& name) { return name; }

TEST(Recognition, ConvertingToAClassifierNeedsAHead) {
  const ModelCopy model("bert-embed-mean");
  EngineOptions options = model.options();
  options.convert = "classify";
  try {
    inspect(options);
    ADD_FAILURE() << "an embedding model has no classifier";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("has no classifier"));
  }
}

TEST(Recognition, OfAnUnknownClassIsWhatModulesJsonSays) {
  const ModelCopy model("bert-embed-mean");
  const std::vector<float> right = vector_of(model.options());
  EXPECT_THAT(inspect(model.options()).warnings, IsEmpty());
  model.call_it("SomebodysEncoder");
  EXPECT_EQ(vector_of(model.options()), right);
  const ModelInfo info = inspect(model.options());
  EXPECT_EQ(info.architecture, "BertModel");
  EXPECT_EQ(info.pooling, "MEAN");
  EXPECT_THAT(info.warnings, ElementsAre(HasSubstr("\"SomebodysEncoder\" is not known: read as "
                                                   "BertModel, which model_type \"bert\"")));
}

TEST(Recognition, OfAnUnknownClassWithoutModulesIsWhatTheTensorsSay) {
  const ModelCopy plain("bert-mlm"), classifier("bert-classify-softmax"),
      tokens("bert-token-classify");
  for (const ModelCopy* model : {&plain, &classifier, &tokens}) model->call_it("SomebodysBert");
  EXPECT_EQ(inspect(plain.options()).tasks.front(), Task::kEmbed);
  EXPECT_EQ(inspect(plain.options()).architecture, "BertModel");
  const ModelInfo info = inspect(classifier.options());
  EXPECT_EQ(info.architecture, "BertForSequenceClassification");
  EXPECT_THAT(info.tasks, ElementsAre(Task::kClassify, Task::kTokenClassify));
  EXPECT_THAT(info.warnings, ElementsAre(HasSubstr("and the tensors stand for")));
  EXPECT_EQ(inspect(tokens.options()).architecture, "BertForTokenClassification");
}

TEST(Recognition, OfAClassifierOfOtherLabelsIsTheBackbone) {
  const ModelCopy model("bert-classify-softmax");
  model.call_it("SomebodysBert");
  model.change_config([](json::object& config) {
    config["id2label"] = json::object{{"0", "one"}};
  });
  EXPECT_EQ(inspect(model.options()).architecture, "BertModel");
  EngineOptions embeds = model.options();
  embeds.convert = "embed";
  EXPECT_EQ(inspect(embeds).architecture, "BertModel");
}

TEST(Recognition, OfADecoderIsTheBackboneUnlessATokenIsTheScore) {
  const ModelCopy model("gen-llama3");
  model.call_it("SomebodysLlama");
  const ModelInfo info = inspect(model.options());
  EXPECT_EQ(info.architecture, "LlamaModel");
  EXPECT_EQ(info.pooling, "LAST");
  EngineOptions scores = model.options();
  scores.hf_overrides = R"({"classifier_from_token":["a"]})";
  EXPECT_EQ(inspect(scores).architecture, "LlamaForCausalLM");
  model.call_it("SomebodysBidirectionalLlama");
  EXPECT_REFUSED(inspect(model.options()), ErrorCode::kUnsupported,
                 "\"SomebodysBidirectionalLlama\" is not known", "is_causal");
  EngineOptions both_ways = model.options();
  both_ways.hf_overrides = R"({"is_causal":false})";
  EXPECT_EQ(inspect(both_ways).architecture, "LlamaModel");
}

TEST(Recognition, NeedsAModelTypeThatIsKnown) {
  const ModelCopy model("bert-embed-mean");
  model.call_it("SomebodysEncoder");
  model.change_config([](json::object& config) { config["model_type"] = "somebodys"; });
  EXPECT_REFUSED(inspect(model.options()), ErrorCode::kUnsupported, "\"SomebodysEncoder\"",
                 "\"somebodys\"");
}

TEST(Recognition, SaysThatCodeOfTheCheckpointIsNotRun) {
  const ModelCopy model("bert-embed-mean");
  model.call_it("SomebodysEncoder");
  model.change_config([](json::object& config) {
    config["auto_map"] = json::object{{"AutoModel", "code.SomebodysEncoder"}};
  });
  EXPECT_THAT(inspect(model.options()).warnings, ElementsAre(HasSubstr("auto_map")));
}

TEST(Recognition, SettingsThatNobodyKnowsAreNamed) {
  const ModelCopy model("bert-embed-mean");
  model.change_config([](json::object& config) { config["novelty"] = 1; });
  EXPECT_THAT(Engine::open(model.options())->info().warnings,
              Contains(HasSubstr("config.json: \"novelty\" is not known; it changes nothing")));
}

TEST(DefaultPooling, IsNotedWhereNoFileSays) {
  const ModelCopy bert("bert-embed-mean");
  bert.remove("modules.json");
  EXPECT_EQ(inspect(bert.options()).pooling, "CLS");
  EXPECT_THAT(inspect(bert.options()).warnings,
              ElementsAre(HasSubstr("no modules.json says how texts are pooled: CLS, normalised")));
  EngineOptions asked = bert.options();
  asked.pooler_config = R"({"pooling_type":"MEAN"})";
  EXPECT_THAT(inspect(asked).warnings, IsEmpty());
}

TEST(DefaultPooling, OfEveryGenerativeClassIsTheLastToken) {
  for (const char* name : {"gen-gemma2", "gen-gemma3", "gen-lfm2", "gen-llama3",
                           "gen-mistral-sliding", "gen-qwen2-sliding"}) {
    EngineOptions options{.model = std::string("tests/golden/") + name + "/model"};
    options.convert = "embed";
    EXPECT_EQ(inspect(options).pooling, "LAST") << name;
  }
  EXPECT_EQ(inspect({.model = "tests/golden/emb-gemma/model"}).pooling, "MEAN");
}

class Wrapped : public ::testing::TestWithParam<const char*> {};

TEST_P(Wrapped, NamesAreReadWithoutWhatAWrapperPutThere) {
  const ModelCopy model("bert-embed-mean");
  const std::vector<float> right = vector_of(model.options());
  const std::string prefix = GetParam();
  model.change_tensors([&](const std::string& name) { return prefix + name; });
  const auto engine = Engine::open(model.options());
  EXPECT_EQ(engine->embed({"a river and the capital"}).front(), right);
  EXPECT_THAT(engine->info().warnings, Contains(HasSubstr(prefix)));
}

INSTANTIATE_TEST_SUITE_P(Prefixes, Wrapped,
                         ::testing::Values("module.", "_orig_mod.", "model.", "encoder.",
                                           "0.auto_model.", "bert.model."));

TEST(Wrappers, InsideNamesAndAroundHeadsGoAsWell) {
  const ModelCopy model("bert-embed-mean");
  const std::vector<float> right = vector_of(model.options());
  model.change_tensors([](std::string name) {
    const size_t at = name.find("layer.0.");
    if (at != name.npos) name.insert(at + 8, "_fsdp_wrapped_module.");
    return "module.bert." + name;
  });
  EXPECT_EQ(vector_of(model.options()), right);

  const ModelCopy decoder("emb-qwen3");
  const std::vector<float> right_of_decoder = vector_of(decoder.options());
  decoder.change_tensors([](const std::string& name) { return "model." + name; });
  EXPECT_EQ(vector_of(decoder.options()), right_of_decoder);
}

TEST(Wrappers, OfTwoModelsAreRefused) {
  const ModelCopy model("bert-embed-mean");
  std::vector<testing::NamedArray> second;
  for (const auto& [name, tensor] :
       checkpoint::read_safetensors(model.path() / "model.safetensors")) {
    if (tensor::is_float(tensor.dtype))
      second.push_back(
          {"documents." + name, tensor.shape, checkpoint::read_floats(tensor.dtype, tensor.bytes)});
  }
  const auto queries = [](const std::string& name) { return "queries." + name; };
  model.change_tensors(queries, second);
  EXPECT_REFUSED(Engine::open(model.options()), ErrorCode::kUnsupported, "several models",
                 "queries.", "documents.");
}

TEST(LeftOver, TensorsAreNamedInANote) {
  const ModelCopy model("bert-embed-mean");
  const std::vector<float> right = vector_of(model.options());
  model.change_tensors(same, {{"logit_scale", {}, {1}},
                              {"crf.transitions", {2, 2}, {1, 2, 3, 4}},
                              {"encoder.layer.99.output.dense.weight", {1, 1}, {1}},
                              {"encoder.layer.99.output.dense.bias", {1}, {1}},
                              {"mlp.dense.weight", {1, 1}, {1}}});
  const auto engine = Engine::open(model.options());
  EXPECT_EQ(engine->embed({"a river and the capital"}).front(), right);
  EXPECT_THAT(engine->info().warnings,
              ElementsAre("tensors that are not used, as BertModel has no place for them: "
                          "crf.transitions, encoder.layer.99, logit_scale, mlp.dense.weight"));
}

TEST(LeftOver, TensorsInsideTheLayersAreRefused) {
  for (const char* name :
       {"encoder.layer.0.attention.self.query.lora_A.weight",
        "encoder.layer.0.attention.self.query.weight_scale", "embeddings.more.weight"}) {
    const ModelCopy model("bert-embed-mean");
    model.change_tensors(same, {{name, {1, 1}, {1}}});
    EXPECT_REFUSED(Engine::open(model.options()), ErrorCode::kCorrupt, "has no place for", name);
  }
}

TEST(LeftOver, MissingTensorsStayErrors) {
  const ModelCopy model("bert-embed-mean");
  model.change_tensors([](const std::string& name) {
    return name == "encoder.layer.1.output.dense.bias" ? "" : name;
  });
  EXPECT_REFUSED(Engine::open(model.options()), ErrorCode::kCorrupt,
                 "encoder.layer.1.output.dense.bias: missing");
}

TEST(Lengths, QueriesFilledBeyondTheModelsPositionsAreRefused) {
  const vecton::testing::ModelCopy model("colbert-bert");
  model.write("artifact.metadata", R"({"query_maxlen":100000})");
  try {
    Engine::open(model.options());
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_THAT(error.what(), ::testing::AllOf(::testing::HasSubstr("100000"),
                                               ::testing::HasSubstr("query_length"),
                                               ::testing::HasSubstr("max_position_embeddings")));
  }
}

}  // namespace
}  // namespace vecton::engine

#include "checkpoint/quantised/quantisation.h"

#include "base/json.h"
#include "checkpoint/test_files.h"

namespace vecton::checkpoint {
namespace {

std::shared_ptr<const Quantisation> read(const std::string& text) {
  const Config config(json::parse(text).as_object(), "config.json");
  auto quantisation = read_quantisation(config);
  config.check_read();
  return quantisation;
}
std::shared_ptr<const Quantisation> read_method(const std::string& object) {
  return read(R"({"quantization_config":{)" + object + "}}");
}

TEST(Quantisation, IsNoneOfADenseCheckpoint) {
  EXPECT_EQ(read("{}"), nullptr);
  EXPECT_EQ(read(R"({"quantization":null,"quantization_config":null})"), nullptr);
}

TEST(Quantisation, RefusesOtherMethodsByName) {
  for (const std::string method : {"bitsandbytes", "hqq", "exl2", "aqlm", "quip", "spqr"}) {
    EXPECT_REFUSED(read_method(R"("quant_method":")" + method + "\""), ErrorCode::kUnsupported,
                   "quantization_config.quant_method", method, "awq, compressed-tensors");
  }
  EXPECT_REFUSED(read_method(R"("load_in_4bit":true)"), ErrorCode::kUnsupported, "bitsandbytes",
                 ".dequantize()");
  EXPECT_REFUSED(read_method(R"("bits":4)"), ErrorCode::kUnsupported, "nothing");
  EXPECT_REFUSED(read(R"({"quantization_config":"awq"})"), ErrorCode::kCorrupt, "an object");
}

TEST(Quantisation, IsWhatTheOptionAsksFor) {
  const auto require = [](const std::string& text, const std::string& method) {
    require_quantisation(Config(json::parse(text).as_object(), "config.json"), method);
  };
  const auto of = [](const std::string& method) {
    return R"({"quantization_config":{"quant_method":")" + method + "\"}}";
  };
  for (const char* method : {"awq", "gptq", "fp8", "compressed-tensors", "mxfp4", "modelopt"})
    EXPECT_NO_THROW(require(of(method), method)) << method;
  EXPECT_NO_THROW(require(R"({"quantization":{"bits":4,"group_size":64}})", "mlx"));
  EXPECT_NO_THROW(require(of("awq"), "awq_marlin"));
  EXPECT_NO_THROW(require(of("gptq"), "gptq_marlin"));
  EXPECT_NO_THROW(require(of("fbgemm_fp8"), "fbgemm_fp8"));
  EXPECT_NO_THROW(require(of("fp8"), "fbgemm_fp8"));
  EXPECT_NO_THROW(require(of("modelopt"), "modelopt_fp4"));
  EXPECT_NO_THROW(require(of("modelopt_mixed"), "modelopt"));
  for (const char* text : {"{}", R"({"quantization_config":null})"}) {
    EXPECT_NO_THROW(require(text, "auto"));
    EXPECT_REFUSED(require(text, "fp8"), ErrorCode::kInvalidArgument, "\"fp8\"", "not quantised",
                   "mlx-affine-8");
  }
  EXPECT_NO_THROW(require(of("awq"), "auto"));
  EXPECT_REFUSED(require(of("awq"), "gptq"), ErrorCode::kInvalidArgument, "\"gptq\"", "\"awq\"",
                 "accepted");
  EXPECT_REFUSED(require(of("fp8"), "nonsense"), ErrorCode::kInvalidArgument, "\"nonsense\"",
                 "\"fp8\"");
  EXPECT_REFUSED(require(R"({"quantization":{"bits":4}})", "awq"), ErrorCode::kInvalidArgument,
                 "\"mlx\"");
}

// As transformers 5 writes both, which has one class for them.
TEST(Quantisation, KnowsWhatTransformersWritesOfGptqAndAwq) {
  const std::string both = R"("bits":4,"group_size":128,"act_group_aware":true,"backend":"auto",
      "batch_size":1,"block_name_to_quantize":null,"cache_block_outputs":true,"damp_percent":0.1,
      "dataset":null,"desc_act":false,"max_input_length":null,"meta":{"quantizer":"a"},
      "model_seqlen":null,"module_name_preceding_first_block":null,"pad_token_id":null,
      "modules_in_block_to_quantize":[["self_attn.q_proj"],["mlp.up_proj"]],"sym":true,
      "tokenizer":null,"true_sequential":true)";
  for (const char* own : {R"(,"quant_method":"gptq","format":"gptq","checkpoint_format":"gptq")",
                          R"(,"quant_method":"awq","format":"gemm","version":"gemm",
                              "zero_point":true,"modules_to_not_convert":null)"}) {
    const Config config(json::parse(R"({"quantization_config":{)" + both + own + "}}").as_object(),
                        "config.json");
    EXPECT_NE(read_quantisation(config), nullptr);
    EXPECT_THAT(config.check_read(), ::testing::IsEmpty()) << own;
  }
}

// What is refused of each method, by the key that is wrong.
TEST(Quantisation, RefusesSettingsByTheirKey) {
  struct Case {
    const char *settings, *key;
  };
  const Case cases[] = {
      {R"("quant_method":"awq","version":"gemv")", "quantization_config.version"},
      {R"("quant_method":"awq","version":"GEMV")", "quantization_config.version"},
      {R"("quant_method":"awq","format":"gemv")", "quantization_config.format"},
      {R"("quant_method":"awq","format":"llm-awq")", "quantization_config.format"},
      {R"("quant_method":"awq","bits":8)", "quantization_config.bits"},
      {R"("quant_method":"awq","w_bit":3)", "quantization_config.w_bit"},
      {R"("quant_method":"awq","group_size":64)", "quantization_config.group_size"},
      {R"("quant_method":"awq","group_size":-1)", "quantization_config.group_size"},
      {R"("quant_method":"awq","q_group_size":32)", "quantization_config.q_group_size"},
      {R"("quant_method":"awq","zero_point":false)", "quantization_config.zero_point"},
      {R"("quant_method":"gptq")", "quantization_config.bits"},
      {R"("quant_method":"gptq","bits":3)", "quantization_config.bits"},
      {R"("quant_method":"gptq","bits":4,"group_size":0)", "quantization_config.group_size"},
      {R"("quant_method":"gptq","bits":4,"format":"gptq_v2")", "quantization_config.format"},
      {R"("quant_method":"gptq","bits":4,"checkpoint_format":"marlin")",
       "quantization_config.checkpoint_format"},
      {R"("quant_method":"gptq","bits":4,"is_marlin_format":true)",
       "quantization_config.is_marlin_format"},
      {R"("quant_method":"fp8","weight_block_size":[64,64])",
       "quantization_config.weight_block_size"},
      {R"("quant_method":"fp8","weight_block_size":[128,128],"fmt":"e5m2")",
       "quantization_config.fmt"},
      {R"("quant_method":"fp8","weight_block_size":[128,128],"activation_scheme":"none")",
       "quantization_config.activation_scheme"},
      {R"("quant_method":"fp8","weight_block_size":[128,128],"scale_fmt":"e5m2")",
       "quantization_config.scale_fmt"},
      {R"("quant_method":"modelopt")", "quantization_config.quant_algo"},
      {R"("quant_method":"modelopt","quant_algo":"W4A16_AWQ")", "quantization_config.quant_algo"},
      {R"("quant_method":"modelopt","quantization":{"quant_algo":"INT8_SQ"})",
       "quantization_config.quantization.quant_algo"},
      {R"("quant_method":"modelopt","quant_algo":"NVFP4","pre_quant_scale":true)",
       "quantization_config.pre_quant_scale"},
      {R"("quant_method":"compressed-tensors","format":"marlin-24")", "quantization_config.format"},
      {R"("quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{})",
       "quantization_config.config_groups"},
      {R"("quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"strategy":"channel"}}},
           "quantization_status":"calibration")",
       "quantization_config.quantization_status"},
      {R"("quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":null})",
       "quantization_config.config_groups.g"},
      {R"("quant_method":"compressed-tensors","format":"float-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"num_bits":8,"type":"int"}}})",
       "quantization_config.config_groups.g.weights.type"},
      {R"("quant_method":"compressed-tensors","format":"float-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"num_bits":8,"type":"float","strategy":"group"}}})",
       "quantization_config.config_groups.g.weights.strategy"},
      {R"("quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":{
           "targets":["Conv"]}})",
       "quantization_config.config_groups.g.targets"},
      {R"("quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":{
           "weights":{}}})",
       "quantization_config.config_groups.g.targets"},
      {R"("quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"num_bits":8,"symmetric":false,"strategy":"channel"}}})",
       "quantization_config.config_groups.g.weights.symmetric"},
      {R"("quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"num_bits":1,"strategy":"channel"}}})",
       "quantization_config.config_groups.g.weights.num_bits"},
      {R"("quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"num_bits":4,"strategy":"group","group_size":24}}})",
       "quantization_config.config_groups.g.weights.group_size"},
      {R"("quant_method":"compressed-tensors","format":"nvfp4-pack-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"num_bits":4,"type":"float","strategy":"tensor_group",
           "group_size":32}}})",
       "quantization_config.config_groups.g.weights.group_size"},
      {R"("quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{
           "targets":["Linear"],"weights":{"num_bits":4,"strategy":"group","group_size":128,
           "actorder":"random"}}})",
       "quantization_config.config_groups.g.weights.actorder"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.settings);
    const Error error = testing::error_of([&] { read_method(c.settings); });
    EXPECT_THAT(error.what(), ::testing::HasSubstr(c.key));
  }
}

TEST(Quantisation, RefusesModesOfMlxByTheirKey) {
  EXPECT_REFUSED(read(R"({"quantization":{"mode":"int4"}})"), ErrorCode::kUnsupported,
                 "quantization.mode", "mxfp4");
  EXPECT_REFUSED(read(R"({"quantization":{"bits":7}})"), ErrorCode::kUnsupported,
                 "quantization.bits", "2, 3, 4, 5, 6, 8");
  EXPECT_REFUSED(read(R"({"quantization":{"group_size":16}})"), ErrorCode::kUnsupported,
                 "quantization.group_size", "32, 64, 128");
  EXPECT_REFUSED(read(R"({"quantization":{"mode":"nvfp4","group_size":32}})"),
                 ErrorCode::kUnsupported, "quantization.group_size", "only 16");
  EXPECT_REFUSED(read(R"({"quantization":{"bits":4,"a.b":{"bits":9}}})"), ErrorCode::kUnsupported,
                 "quantization.a.b.bits");
  EXPECT_NE(read(R"({"quantization":{"bits":4,"a.b":{"group_size":null},"c":false}})"), nullptr);
}

// Of compressed-tensors.
TEST(Quantisation, TakesSparsityThatIsStoredDense) {
  const auto with = [](const std::string& sparsity) {
    return R"("quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":{
        "targets":["Linear"],"weights":{"strategy":"channel"}}},"sparsity_config":)" +
           sparsity;
  };
  for (const char* dense : {"null", "{}", R"({"format":"dense","global_sparsity":0.5})"})
    EXPECT_NE(read_method(with(dense)), nullptr) << dense;
  EXPECT_REFUSED(read_method(with(R"({"format":"sparse-bitmask"})")), ErrorCode::kUnsupported,
                 "quantization_config.sparsity_config", "sparse-bitmask", "dense");
}

TEST(Quantisation, NotesGroupsInAnotherOrder) {
  const auto of = [](const std::string& order) {
    return R"("quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{
        "targets":["Linear"],"weights":{"num_bits":4,"strategy":"group","group_size":128,"actorder":)" +
           order + "}}}";
  };
  for (const char* order : {"null", "false", "\"weight\"", "\"static\""})
    EXPECT_THAT(read_method(of(order))->notes, ::testing::IsEmpty()) << order;
  for (const char* order : {"true", "\"group\"", "\"dynamic\""}) {
    EXPECT_THAT(read_method(of(order))->notes,
                ::testing::ElementsAre(
                    ::testing::AllOf(::testing::HasSubstr("config_groups.g.weights.actorder"),
                                     ::testing::HasSubstr("float32"))))
        << order;
  }
  EXPECT_THAT(read_method(R"("quant_method":"gptq","bits":4,"desc_act":true)")->notes,
              ::testing::ElementsAre(::testing::HasSubstr("desc_act true: layers")));
}

TEST(Quantisation, TakesTheAliasesOfAwq) {
  EXPECT_NE(read_method(R"("quant_method":"awq","w_bit":4,"q_group_size":128,"version":"GEMM")"),
            nullptr);
  EXPECT_NE(read_method(R"("quant_method":"awq","bits":4,"modules_to_not_convert":null)"), nullptr);
}

}  // namespace
}  // namespace vecton::checkpoint

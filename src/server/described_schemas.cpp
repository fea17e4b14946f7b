// The routes without a body, and the schemas that operations share: inputs, answers, errors.
#include "server/description.h"

namespace vecton::server {

namespace {

constexpr std::string_view kHealthPaths[] = {"/health", "/ping"};
constexpr std::string_view kRootPaths[] = {"/"};
constexpr std::string_view kPingPaths[] = {"/ping"};
constexpr std::string_view kReadyPaths[] = {"/ready"};
constexpr std::string_view kMetricsPaths[] = {"/metrics"};
constexpr std::string_view kVersionPaths[] = {"/version"};
constexpr std::string_view kLoadPaths[] = {"/load"};
constexpr std::string_view kInfoPaths[] = {"/info"};
constexpr std::string_view kTokenizerPaths[] = {"/tokenizer_info"};
constexpr std::string_view kModelsPaths[] = {"/v1/models"};
constexpr std::string_view kModelPaths[] = {"/v1/models/*"};
constexpr std::string_view kModelStatesPaths[] = {"/models"};
constexpr std::string_view kLoadModelPaths[] = {"/models/load"};
constexpr std::string_view kUnloadModelPaths[] = {"/models/unload"};
constexpr std::string_view kTagsPaths[] = {"/api/tags"};
constexpr std::string_view kRunningPaths[] = {"/api/ps"};
constexpr std::string_view kOllamaVersionPaths[] = {"/api/version"};
constexpr std::string_view kOpenapiPaths[] = {"/openapi.json"};
constexpr std::string_view kDocsPaths[] = {"/docs"};

constexpr FieldRow kLoadRows[] = {
    {"model", kText,
     "A name that is served; or a model that is not served yet, with `served-model-name` and other "
     "options of `vecton serve` beside it.",
     true}};
constexpr FieldRow kUnloadRows[] = {{"model", kText, "A name that is served.", true}};
constexpr FieldRows kLoadGroups[] = {kLoadRows};
constexpr FieldRows kUnloadGroups[] = {kUnloadRows};
constexpr BodyRow kLoadBody{"LoadModelRequest", kLoadGroups, R"({"model":"org/reranker"})"};
constexpr BodyRow kUnloadBody{"UnloadModelRequest", kUnloadGroups, R"({"model":"org/reranker"})"};
constexpr const BodyRow* kLoadModel[] = {&kLoadBody};
constexpr const BodyRow* kUnloadModel[] = {&kUnloadBody};

constexpr const char* kServerTag = "The server";
constexpr OperationRow kStatusOperations[] = {
    {"GET", kModelsPaths, kServerTag, "The names that are served", "Models"},
    {"GET", kModelPaths, kServerTag, "One of them", "Model"},
    {"GET", kModelStatesPaths, kServerTag, "All models, each with its state", "Models"},
    {"POST", kLoadModelPaths, kServerTag,
     "Loads a model; the answer comes when it is there. With a key of the operator", "Success",
     nullptr, kLoadModel},
    {"POST", kUnloadModelPaths, kServerTag,
     "Takes a model out of memory; the answer comes when its requests are done. With a key of the "
     "operator",
     "Success", nullptr, kUnloadModel},
    {"GET", kInfoPaths, kServerTag,
     "The first model and the limits, as TEI has it; of several, all under `models`", "Object"},
    {"GET", kTokenizerPaths, kServerTag,
     "tokenizer_config.json without paths; with --enable-tokenizer-info-endpoint alone", "Object"},
    {"GET", kHealthPaths, kServerTag, "Whether the models are loaded", nullptr, ""},
    {"GET", kRootPaths, kServerTag,
     "Whether the models are loaded; browsers, which accept text/html, get the playground", nullptr,
     ""},
    {"POST", kPingPaths, kServerTag, "Whether the models are loaded", nullptr, ""},
    {"GET", kReadyPaths, kServerTag, "Whether the models answer", "Object"},
    {"GET", kVersionPaths, kServerTag, "The version", "Version"},
    {"GET", kLoadPaths, kServerTag, "The requests being answered", "Load"},
    {"GET", kMetricsPaths, kServerTag, "Figures for Prometheus", nullptr, "text/plain"},
    {"GET", kTagsPaths, kServerTag, "The models, for Ollama's clients", "OllamaModels"},
    {"GET", kRunningPaths, kServerTag, "The models that are loaded, for Ollama's clients",
     "OllamaModels"},
    {"GET", kOllamaVersionPaths, kServerTag, "The version, for Ollama's clients", "Version"},
    {"GET", kOpenapiPaths, kServerTag, "This description (OpenAPI 3.1)", "Object"},
    {"GET", kDocsPaths, kServerTag, "This description as a page", nullptr, "text/html"},
};

// An answer's data is as the fields ask: numbers, base64, lists of either.
constexpr SchemaRow kSchemas[] = {
    {"Anything", "{}"},
    {"Object", R"({"type":"object"})"},
    {"TokenIds", R"({"type":"array","items":{"type":"integer","minimum":0,"maximum":2147483647}})"},
    {"TextList", R"({"type":"array","minItems":1,"items":{"type":"string"}})"},
    {"IdLists",
     R"({"type":"array","minItems":1,"items":{"type":"array","minItems":1,"items":{"type":"integer","minimum":0,"maximum":2147483647}}})"},
    {"IdList",
     R"({"type":"array","minItems":1,"items":{"type":"integer","minimum":0,"maximum":2147483647}})"},
    {"Input",
     R"({"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/TextList"},{"$ref":"#/components/schemas/IdList"},{"$ref":"#/components/schemas/IdLists"},{"$ref":"#/components/schemas/ChatMessages"},{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/ChatMessages"}},{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Item"}},{"$ref":"#/components/schemas/ItemOfFields"}]})"},
    {"TextsOrIds",
     R"({"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/TextList"},{"$ref":"#/components/schemas/IdList"},{"$ref":"#/components/schemas/IdLists"}]})"},
    {"MixedInput",
     R"({"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/IdList"},{"type":"array","minItems":1,"items":{"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/IdList"}]}}]})"},
    {"TextInput", R"({"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/TextList"}]})"},
    {"IdInput",
     R"({"anyOf":[{"$ref":"#/components/schemas/IdList"},{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/TokenIds"}}]})"},
    {"Sequence", R"({"type":"array","minItems":1,"maxItems":2,"items":{"type":"string"}})"},
    {"Sequences",
     R"({"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/Sequence"},{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Sequence"}}]})"},
    {"Part",
     R"({"type":"object","required":["type","text"],"properties":{"type":{"enum":["text"]},"text":{"type":"string"}}})"},
    {"Picture",
     R"({"anyOf":[{"type":"string"},{"type":"object","required":["url"],"properties":{"url":{"type":"string"}}}]})"},
    {"PicturePart",
     R"({"type":"object","required":["type","image_url"],"properties":{"type":{"enum":["image_url","input_image","image"],"type":"string"},"image_url":{"$ref":"#/components/schemas/Picture"}}})"},
    {"ItemOfFields",
     R"({"anyOf":[{"type":"object","required":["text"],"properties":{"text":{"type":"string"},"image":{"type":"null"},"content":{"type":"null"}}},{"type":"object","required":["image"],"properties":{"image":{"$ref":"#/components/schemas/Picture"},"text":{"type":["string","null"]},"content":{"type":"null"}}},{"type":"object","required":["content"],"properties":{"content":{"anyOf":[{"type":"string"},{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Part"},{"$ref":"#/components/schemas/PicturePart"}]}}]},"text":{"type":"null"},"image":{"type":"null"}}}]})"},
    {"Item", R"({"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/ItemOfFields"}]})"},
    {"Side",
     R"({"anyOf":[{"$ref":"#/components/schemas/Item"},{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Item"}}]})"},
    {"ChatMessage",
     R"({"type":"object","required":["role","content"],"properties":{"role":{"type":"string"},"content":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object"}},{"type":"null"}]}}})"},
    {"ChatPart",
     R"({"anyOf":[{"type":"string"},{"type":"object","required":["type","text"],"properties":{"type":{"enum":["text","input_text","output_text"],"type":"string"},"text":{"type":"string"}}},{"type":"object","required":["type","refusal"],"properties":{"type":{"enum":["refusal"],"type":"string"},"refusal":{"type":"string"}}},{"type":"object","required":["type","thinking"],"properties":{"type":{"enum":["thinking"],"type":"string"},"thinking":{"type":"string"}}},{"$ref":"#/components/schemas/PicturePart"}]})"},
    {"ChatContent",
     R"({"anyOf":[{"type":"string"},{"type":"array","items":{"$ref":"#/components/schemas/ChatPart"}},{"type":"null"}]})"},
    {"ToolCall",
     R"({"type":"object","required":["function"],"properties":{"function":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}})"},
    {"ConversationMessage",
     R"({"type":"object","required":["role"],"properties":{"role":{"type":"string"},"content":{"$ref":"#/components/schemas/ChatContent"},"tool_calls":{"anyOf":[{"type":"array","items":{"$ref":"#/components/schemas/ToolCall"}},{"type":"null"}]}}})"},
    {"Conversation",
     R"({"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/ConversationMessage"}})"},
    {"OllamaMessage",
     R"({"type":"object","required":["role"],"properties":{"role":{"type":"string"},"content":{"$ref":"#/components/schemas/ChatContent"},"images":{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"null"}]},"tool_calls":{"anyOf":[{"type":"array","items":{"$ref":"#/components/schemas/ToolCall"}},{"type":"null"}]}}})"},
    {"Tool",
     R"({"type":"object","required":["function"],"properties":{"type":{"enum":["function"],"type":"string"},"function":{"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":1},"description":{"type":["string","null"]},"parameters":{"anyOf":[{"type":"object"},{"type":"null"}]}}}}})"},
    {"ToolChoice",
     R"({"type":"object","required":["function"],"properties":{"type":{"enum":["function"],"type":"string"},"function":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}})"},
    {"ResponseTool",
     R"({"type":"object","required":["type","name"],"properties":{"type":{"enum":["function"],"type":"string"},"name":{"type":"string","minLength":1},"description":{"type":["string","null"]},"parameters":{"anyOf":[{"type":"object"},{"type":"null"}]}}})"},
    {"ResponseItem",
     R"({"anyOf":[{"type":"object","required":["role","content"],"properties":{"type":{"enum":["message"],"type":"string"},"role":{"type":"string"},"content":{"$ref":"#/components/schemas/ChatContent"}}},{"type":"object","required":["type"],"properties":{"type":{"enum":["reasoning"],"type":"string"}}},{"type":"object","required":["type","call_id","name","arguments"],"properties":{"type":{"enum":["function_call"],"type":"string"},"call_id":{"type":"string"},"name":{"type":"string"},"arguments":{"type":"string"}}},{"type":"object","required":["type","call_id"],"properties":{"type":{"enum":["function_call_output"],"type":"string"},"call_id":{"type":"string"},"output":{"$ref":"#/components/schemas/ChatContent"}}}]})"},
    {"ResponseItems",
     R"({"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/ResponseItem"},"contains":{"properties":{"type":{"not":{"const":"reasoning"}}}}})"},
    {"AnthropicImage",
     R"({"type":"object","required":["type","source"],"properties":{"type":{"enum":["image"],"type":"string"},"source":{"anyOf":[{"type":"object","required":["type","media_type","data"],"properties":{"type":{"enum":["base64"],"type":"string"},"media_type":{"type":"string"},"data":{"type":"string"}}},{"type":"object","required":["type","url"],"properties":{"type":{"enum":["url"],"type":"string"},"url":{"type":"string"}}}]}}})"},
    {"AnthropicBlock",
     R"({"anyOf":[{"$ref":"#/components/schemas/Part"},{"$ref":"#/components/schemas/AnthropicImage"},{"type":"object","required":["type","thinking"],"properties":{"type":{"enum":["thinking"],"type":"string"},"thinking":{"type":"string"}}},{"type":"object","required":["type"],"properties":{"type":{"enum":["redacted_thinking"],"type":"string"}}},{"type":"object","required":["type","id","name"],"properties":{"type":{"enum":["tool_use"],"type":"string"},"id":{"type":"string"},"name":{"type":"string"},"input":{}}},{"type":"object","required":["type","tool_use_id"],"properties":{"type":{"enum":["tool_result"],"type":"string"},"tool_use_id":{"type":"string"},"content":{"anyOf":[{"type":"string"},{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Part"},{"$ref":"#/components/schemas/AnthropicImage"}]}},{"type":"null"}]}}}]})"},
    {"AnthropicTurn",
     R"({"type":"object","required":["role","content"],"properties":{"role":{"enum":["user","assistant","system"],"type":"string"},"content":{"anyOf":[{"type":"string"},{"type":"array","items":{"$ref":"#/components/schemas/AnthropicBlock"}},{"type":"null"}]}}})"},
    {"SchemaOrText", R"({"anyOf":[{"type":"object"},{"type":"string"},{"type":"boolean"}]})"},
    {"NamedSchema",
     R"({"type":"object","required":["schema"],"properties":{"schema":{"$ref":"#/components/schemas/SchemaOrText"}}})"},
    {"AnswerFormat",
     R"({"anyOf":[{"type":"object","required":["type"],"properties":{"type":{"enum":["text"],"type":"string"},"schema":{"type":"null"},"json_schema":{"type":"null"}}},{"type":"object","required":["type"],"properties":{"type":{"enum":["json_object"],"type":"string"},"schema":{"anyOf":[{"$ref":"#/components/schemas/SchemaOrText"},{"type":"null"}]},"json_schema":{"type":"null"}}},{"type":"object","required":["type","json_schema"],"properties":{"type":{"enum":["json_schema"],"type":"string"},"schema":{"type":"null"},"json_schema":{"$ref":"#/components/schemas/NamedSchema"}}},{"type":"object","required":["type","schema"],"properties":{"type":{"enum":["json_schema"],"type":"string"},"schema":{"$ref":"#/components/schemas/SchemaOrText"},"json_schema":{"type":"null"}}}]})"},
    {"ChatMessages",
     R"({"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/ChatMessage"}})"},
    {"Messages",
     R"({"anyOf":[{"$ref":"#/components/schemas/ChatMessages"},{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/ChatMessages"}}]})"},

    {"Usage",
     R"({"type":"object","required":["prompt_tokens","total_tokens"],"properties":{"prompt_tokens":{"type":"integer"},"total_tokens":{"type":"integer"},"completion_tokens":{"type":"integer"}}})"},
    {"Vector", R"({"type":"array","items":{"type":"number"}})"},
    {"Numbers", R"({"type":"array","items":{"type":"number"}})"},
    {"Vectors", R"({"type":"array","items":{"$ref":"#/components/schemas/Vector"}})"},
    {"TokenVectors", R"({"type":"array","items":{"$ref":"#/components/schemas/Vectors"}})"},
    {"SparseVectors",
     R"({"type":"array","items":{"type":"array","items":{"type":"object","required":["index","value"],"properties":{"index":{"type":"integer"},"value":{"type":"number"}}}}})"},
    {"Embeddings",
     R"({"type":"object","required":["object","data","model","usage"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"model":{"type":"string"},"data":{"type":"array","items":{"type":"object","required":["index","embedding"],"properties":{"index":{"type":"integer"},"object":{"type":"string"},"embedding":{"anyOf":[{"type":"string"},{"$ref":"#/components/schemas/Vector"},{"$ref":"#/components/schemas/Vectors"}]}}}},"usage":{"$ref":"#/components/schemas/Usage"}}})"},
    {"Pooling",
     R"({"type":"object","required":["object","data","model","usage"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"model":{"type":"string"},"data":{"type":"array","items":{"type":"object","required":["index","data"],"properties":{"index":{"type":"integer"},"object":{"type":"string"},"data":{}}}},"usage":{"$ref":"#/components/schemas/Usage"}}})"},
    {"Classes",
     R"({"type":"object","required":["object","data","model","usage"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"model":{"type":"string"},"data":{"type":"array","items":{"type":"object","required":["index","label","probs","num_classes"],"properties":{"index":{"type":"integer"},"label":{},"probs":{"$ref":"#/components/schemas/Vector"},"num_classes":{"type":"integer"}}}},"usage":{"$ref":"#/components/schemas/Usage"}}})"},
    {"Scores",
     R"({"type":"object","required":["object","data","model","usage"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"model":{"type":"string"},"data":{"type":"array","items":{"type":"object","required":["index","score"],"properties":{"index":{"type":"integer"},"object":{"type":"string"},"score":{"type":"number"}}}},"usage":{"$ref":"#/components/schemas/Usage"}}})"},
    {"SimilarityMaps",
     R"({"type":"object","required":["object","model","tokens","images","usage"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"model":{"type":"string"},"tokens":{"type":"array","items":{"type":"object","required":["id","text","special"],"properties":{"id":{"type":"integer"},"text":{"type":"string"},"special":{"type":"boolean"}}}},"document_tokens":{"type":"array","items":{"type":"object","required":["id","text","special"],"properties":{"id":{"type":"integer"},"text":{"type":"string"},"special":{"type":"boolean"}}}},"similarities":{"$ref":"#/components/schemas/Vectors"},"images":{"type":"array","items":{"type":"object","required":["index","rows","columns","left","top","width","height","similarities"],"properties":{"index":{"type":"integer"},"rows":{"type":"integer"},"columns":{"type":"integer"},"left":{"type":"number"},"top":{"type":"number"},"width":{"type":"number"},"height":{"type":"number"},"similarities":{"type":"array","items":{"$ref":"#/components/schemas/Vectors"}}}}},"usage":{"$ref":"#/components/schemas/Usage"}}})"},
    {"RankedDocument",
     R"({"type":"object","required":["index","relevance_score"],"properties":{"index":{"type":"integer"},"document":{},"relevance_score":{"type":"number"}}})"},
    {"RankedResults",
     R"({"type":"object","required":["id","model","usage","results"],"properties":{"id":{"type":"string"},"model":{"type":"string"},"usage":{"$ref":"#/components/schemas/Usage"},"results":{"type":"array","items":{"$ref":"#/components/schemas/RankedDocument"}}}})"},
    {"RankedData",
     R"({"type":"object","required":["id","model","usage","data"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"model":{"type":"string"},"usage":{"$ref":"#/components/schemas/Usage"},"data":{"type":"array","items":{"$ref":"#/components/schemas/RankedDocument"}}}})"},
    {"RankedInputs",
     R"({"type":"object","required":["id","model","usage","data"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"model":{"type":"string"},"usage":{"$ref":"#/components/schemas/Usage"},"data":{"type":"array","items":{"type":"object","required":["index","object","score"],"properties":{"index":{"type":"integer"},"input":{"type":"string"},"object":{"type":"string"},"score":{"type":"number"}}}}}})"},
    {"RankedTexts",
     R"({"type":"array","items":{"type":"object","required":["index","score"],"properties":{"index":{"type":"integer"},"text":{"type":"string"},"score":{"type":"number"}}}})"},
    {"Ranked",
     R"({"anyOf":[{"$ref":"#/components/schemas/RankedResults"},{"$ref":"#/components/schemas/RankedData"},{"$ref":"#/components/schemas/RankedInputs"},{"$ref":"#/components/schemas/RankedTexts"}]})"},
    {"CohereEmbeddings",
     R"({"type":"object","required":["id","embeddings"],"properties":{"id":{"type":"string"},"embeddings":{"anyOf":[{"type":"object"},{"$ref":"#/components/schemas/Vectors"}]},"texts":{"type":"array","items":{"type":"string"}},"meta":{"type":"object"}}})"},
    {"Prediction",
     R"({"type":"object","required":["score","label"],"properties":{"score":{"type":"number"},"label":{}}})"},
    {"Predictions",
     R"({"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Prediction"},{"type":"array","items":{"$ref":"#/components/schemas/Prediction"}}]}})"},
    {"Fillings",
     R"({"type":"array","items":{"anyOf":[{"type":"object"},{"type":"array","items":{"type":"object"}}]}})"},
    {"Entities",
     R"({"type":"array","items":{"anyOf":[{"type":"object"},{"type":"array","items":{"type":"object"}}]}})"},
    {"ZeroShotLabels",
     R"({"anyOf":[{"type":"object","required":["sequence","labels","scores"]},{"type":"array","items":{"type":"object","required":["sequence","labels","scores"]}}]})"},
    {"TokenList",
     R"({"type":"object","required":["count","max_model_len","tokens"],"properties":{"count":{"type":"integer"},"max_model_len":{"type":"integer"},"tokens":{"$ref":"#/components/schemas/TokenIds"},"token_strs":{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"null"}]}}})"},
    {"TeiTokens",
     R"({"type":"array","items":{"type":"array","items":{"type":"object","required":["id","text","special"]}}})"},
    {"Tokenized",
     R"({"anyOf":[{"$ref":"#/components/schemas/TokenList"},{"$ref":"#/components/schemas/TeiTokens"}]})"},
    {"Detokenized",
     R"({"type":"object","required":["prompt"],"properties":{"prompt":{"type":"string"}}})"},
    {"Texts", R"({"type":"array","items":{"type":"string"}})"},
    {"TokenCount",
     R"({"type":"object","required":["input_tokens"],"properties":{"input_tokens":{"type":"integer"}}})"},
    {"Completion",
     R"({"type":"object","required":["id","object","created","model","choices","usage"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"model":{"type":"string"},"choices":{"type":"array","items":{"type":"object","required":["index","text","finish_reason"],"properties":{"index":{"type":"integer"},"text":{"type":"string"},"finish_reason":{"type":"string"}}}},"usage":{"$ref":"#/components/schemas/Usage"}}})"},
    {"ChatCompletion", R"({"type":"object","required":["id","object","created","model","choices","usage"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"model":{"type":"string"},"choices":{"type":"array","items":{"type":"object","required":["index","message","finish_reason"],"properties":{"index":{"type":"integer"},"message":{"type":"object"},"finish_reason":{"type":"string"}}}},"usage":{"$ref":"#/components/schemas/Usage"}}})"},
    {"Response",
     R"({"type":"object","required":["id","object","status","output"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"status":{"type":"string"},"output":{"type":"array","items":{"type":"object"}}}})"},
    {"AnthropicMessage",
     R"({"type":"object","required":["id","type","role","content","usage"],"properties":{"id":{"type":"string"},"type":{"type":"string"},"role":{"type":"string"},"content":{"type":"array","items":{"type":"object"}},"usage":{"type":"object"}}})"},
    {"OllamaAnswer",
     R"({"type":"object","required":["model","created_at","done"],"properties":{"model":{"type":"string"},"created_at":{"type":"string"},"done":{"type":"boolean"}}})"},
    {"OllamaEmbeddings",
     R"({"type":"object","required":["model","embeddings"],"properties":{"model":{"type":"string"},"embeddings":{"type":"array","items":{"type":"array","items":{"type":"number"}}},"total_duration":{"type":"integer"},"load_duration":{"type":"integer"},"prompt_eval_count":{"type":"integer"}}})"},
    {"OllamaEmbedding",
     R"({"type":"object","required":["embedding"],"properties":{"embedding":{"type":"array","items":{"type":"number"}}}})"},
    {"OllamaModels",
     R"({"type":"object","required":["models"],"properties":{"models":{"type":"array","items":{"type":"object"}}}})"},
    {"Model",
     R"({"type":"object","required":["id","object","created","owned_by"],"properties":{"id":{"type":"string"},"object":{"type":"string"},"created":{"type":"integer"},"owned_by":{"type":"string"},"root":{"type":"string"},"max_model_len":{"anyOf":[{"type":"integer"},{"type":"null"}]},"tasks":{"type":"array","items":{"type":"string"}},"scorer":{"anyOf":[{"type":"string"},{"type":"null"}]},"input_modalities":{"type":"array","items":{"enum":["text","image"],"type":"string"}},"status":{"type":"object","required":["value"],"properties":{"value":{"enum":["unloaded","loading","loaded","unloading","sleeping"]}}}}})"},
    {"Success",
     R"({"type":"object","required":["success"],"properties":{"success":{"const":true}}})"},
    {"Models",
     R"({"type":"object","required":["object","data"],"properties":{"object":{"type":"string"},"data":{"type":"array","items":{"$ref":"#/components/schemas/Model"}}}})"},
    {"Version",
     R"({"type":"object","required":["version"],"properties":{"version":{"type":"string"}}})"},
    {"Load",
     R"({"type":"object","required":["server_load"],"properties":{"server_load":{"type":"integer"}}})"},
    {"Error",
     R"({"type":"object","required":["error"],"properties":{"error":{"anyOf":[{"type":"string"},{"type":"object"}]}}})"},
};

}  // namespace

std::span<const OperationRow> status_operations() { return kStatusOperations; }
std::span<const SchemaRow> shared_schemas() { return kSchemas; }

}  // namespace vecton::server

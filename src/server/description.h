// What the routes take and answer, written once: /openapi.json and /docs are made from these rows,
// and a test holds them to what the dialects read.
#pragma once

#include <span>
#include <string_view>

namespace vecton::server {

// A field of a body; those of an object within it are "object.field". `schema` is JSON Schema; null
// is as good as a field that is left out, which the document says by itself.
struct FieldRow {
  std::string_view name;
  const char* schema;
  const char* about;
  bool required = false;
};

using FieldRows = std::span<const FieldRow>;

struct BodyRow {
  std::string_view name;  // of its schema
  std::span<const FieldRows> groups;
  const char* example;  // JSON that the server accepts where the model does the task
  // What fields ask of each other, as if and then: generators of clients would make several bodies
  // of anyOf.
  std::span<const char* const> rules{};
};

// One operation, under each of its paths.
struct OperationRow {
  std::string_view method;
  std::span<const std::string_view> paths;
  const char* tag;
  const char* summary;
  const char* answer;  // the name of its schema; null = no JSON
  // Of an answer that is no JSON, or may be none; several with a comma between.
  const char* other_types = nullptr;
  // Of one route several dialects may have a body.
  std::span<const BodyRow* const> bodies{};
};

struct SchemaRow {
  std::string_view name;
  const char* schema;
};

// By the files that describe them: described_*.cpp.
std::span<const OperationRow> pooling_operations();     // OpenAI, vLLM, Cohere
std::span<const OperationRow> tei_operations();         // and both dialects' routes
std::span<const OperationRow> generation_operations();  // OpenAI, Anthropic, Ollama
std::span<const OperationRow> status_operations();
std::span<const SchemaRow> shared_schemas();  // of inputs, answers and errors

// Bodies that several files' operations have.
extern const BodyRow kEmbeddingsBody, kPoolingBody, kPooledScoreBody, kClassifyBody, kScoreBody,
    kRerankBody, kMixedbreadBody, kTokenizeBody, kCompletionBody, kChatBody;

// Schemas that many fields have.
inline constexpr const char* kText = R"({"type":"string"})";
inline constexpr const char* kTexts = R"({"type":"array","items":{"type":"string"}})";
inline constexpr const char* kFlag = R"({"type":"boolean"})";
inline constexpr const char* kTrue = R"({"type":"boolean","default":true})";
inline constexpr const char* kFalse = R"({"type":"boolean","default":false})";
inline constexpr const char* kWhole = R"({"type":"integer"})";
inline constexpr const char* kPositive = R"({"type":"integer","minimum":1})";
inline constexpr const char* kCount = R"({"type":"integer","minimum":0})";
inline constexpr const char* kLimit = R"({"type":"integer","minimum":-1})";
inline constexpr const char* kObject = R"({"type":"object"})";
inline constexpr const char* kObjects = R"({"type":"array","items":{"type":"object"}})";
inline constexpr const char* kAnything = "{}";
inline constexpr const char* kTools =
    R"({"type":"array","minItems":1,"maxItems":128,"items":{"$ref":"#/components/schemas/Tool"}})";
inline constexpr const char* kToolChoice =
    R"({"anyOf":[{"enum":["none","auto","required"]},{"$ref":"#/components/schemas/ToolChoice"}]})";
inline constexpr const char* kContinueRule =
    R"({"if":{"required":["continue_final_message"],"properties":{"continue_final_message":{"const":true}}},"then":{"properties":{"add_generation_prompt":{"not":{"const":true}}}}})";
inline constexpr const char* kEfforts =
    R"({"enum":["none","minimal","low","medium","high","xhigh","max"]})";
// A field that other servers know and this one refuses.
inline constexpr const char* kRefused = R"({"type":"null","deprecated":true})";

inline constexpr FieldRow kModelRow[] = {
    {"model", kText, "A name that is served; by default the model's own."}};
inline constexpr FieldRow kPromptRuleRows[] = {
    {"truncate_prompt_tokens", R"({"type":"integer","minimum":-1,"not":{"const":0}})",
     "Cut to so many tokens; -1 = the model's maximum. Without it a text that is too long is an "
     "error."},
    {"truncation_side", R"({"enum":["left","right"]})", "The side that is cut."},
    {"cache_salt", R"({"type":"string","minLength":1,"maxLength":1024})",
     "Texts with different salts share nothing in the prefix cache. Up to 1024 bytes."},
    {"priority", R"({"type":"integer","default":0})",
     "Lower ones are computed first; other than 0 with --scheduling-policy priority alone."},
};

}  // namespace vecton::server

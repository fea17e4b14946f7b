// TEI's routes, Hugging Face's pipelines, and those that several dialects have.
#include "server/description.h"

namespace vecton::server {

namespace {

constexpr const char* kInputsOrIds = R"({"$ref":"#/components/schemas/MixedInput"})";
constexpr const char* kInputsOfText = R"({"$ref":"#/components/schemas/TextInput"})";

constexpr FieldRow kInputsRows[] = {
    {"inputs", kInputsOrIds, "A text, token ids, or a list of either.", true}};
constexpr FieldRow kTextRows[] = {{"inputs", kInputsOfText, "A text, or a list of texts.", true}};

constexpr FieldRow kTruncationRows[] = {
    {"truncate", kFlag, "Whether long texts are cut; by default --auto-truncate."},
    {"truncation_direction", R"({"enum":["Right","Left"],"default":"Right"})",
     "The side that is cut; in lower case too."},
};
constexpr FieldRow kPromptRows[] = {
    {"prompt_name", kText, "A prompt of the checkpoint, or `query` or `document`."}};
constexpr FieldRow kEmbedRows[] = {
    {"normalize", kTrue, "Whether vectors get length 1."},
    {"dimensions", kPositive, "Cut to so many, then normalized."},
};
constexpr FieldRow kAsTheyAreRows[] = {
    {"normalize", kFalse, "Changes nothing, as in TEI: the numbers are as the model gives them."}};
constexpr FieldRow kParametersRows[] = {
    {"parameters", kObject, "Hugging Face's clients put the fields beside `inputs` here."}};

constexpr FieldRow kSimilarityRows[] = {
    {"inputs", kObject, "The texts that are compared.", true},
    {"inputs.source_sentence", kText, "What the others are compared with.", true},
    {"inputs.sentences", R"({"type":"array","minItems":1,"items":{"type":"string"}})",
     "The others.", true},
    {"parameters", kObject, "Options."},
    {"parameters.truncate", kFlag, "Whether long texts are cut; by default --auto-truncate."},
    {"parameters.truncation_direction", R"({"enum":["Right","Left"],"default":"Right"})",
     "The side that is cut; in lower case too."},
    {"parameters.prompt_name", kText, "A prompt of the checkpoint, or `query` or `document`."},
};

constexpr const char* kFunctions = R"({"enum":["sigmoid","softmax","none"]})";
constexpr FieldRow kPredictRows[] = {
    {"inputs", R"({"$ref":"#/components/schemas/Sequences"})",
     "A text, [text], [text, pair], or a list of such lists.", true},
    {"raw_scores", kFalse, "Whether the scores are logits."},
    {"function_to_apply", kFunctions, "The checkpoint's own, or `none` for logits."},
    {"top_k", kPositive, "How many labels are answered."},
    {"parameters", kObject, "The last two, as Hugging Face's clients send them."},
    {"parameters.function_to_apply", kFunctions, "As `function_to_apply`."},
    {"parameters.top_k", kPositive, "As `top_k`."},
};

constexpr const char* kTargets =
    R"({"anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}]})";
constexpr FieldRow kMaskRows[] = {
    {"top_k", R"({"type":"integer","minimum":1,"default":5})", "How many fillings are answered."},
    {"targets", kTargets, "The fillings that are compared; by default the whole vocabulary."},
    {"parameters", kObject, "The same, as Hugging Face's clients send them."},
    {"parameters.top_k", kPositive, "As `top_k`."},
    {"parameters.targets", kTargets, "As `targets`."},
};

constexpr const char* kStrategies =
    R"({"enum":["none","simple","first","average","max"],"default":"simple"})";
constexpr FieldRow kEntityRows[] = {
    {"aggregation_strategy", kStrategies, "How tokens become entities."},
    {"parameters", kObject, "The same, as Hugging Face's clients send it."},
    {"parameters.aggregation_strategy", kStrategies, "As `aggregation_strategy`."},
};

constexpr FieldRow kZeroShotRows[] = {
    {"candidate_labels",
     R"({"anyOf":[{"type":"string","minLength":1},{"type":"array","minItems":1,"items":{"type":"string"}}]})",
     "The labels: a list, or names with commas between.", true},
    {"hypothesis_template", R"({"type":"string","default":"This example is {}."})",
     "A text with one {}, where the label goes."},
    {"multi_label", kFalse, "Whether each label stands for itself."},
};

constexpr FieldRow kRankRows[] = {
    {"query", kText, "What the texts are ranked for.", true},
    {"texts", R"({"type":"array","minItems":1,"items":{"type":"string"}})", "The texts.", true},
    {"raw_scores", kFalse, "Whether the scores are logits."},
    {"return_text", kFlag, "Whether the texts come back."},
    {"return_documents", kFlag, "Another name of `return_text`."},
    {"top_n", kCount, "How many are answered; 0 = all."},
};

constexpr FieldRow kTeiTokenizeRows[] = {
    {"add_special_tokens", kTrue, "Whether the tokenizer adds its own."},
    {"prompt_name", kText, "A prompt of the checkpoint, put before each text."},
};

constexpr FieldRow kDecodeRows[] = {
    {"ids", R"({"$ref":"#/components/schemas/IdInput"})", "Token ids, or a list of lists of them.",
     true},
    {"skip_special_tokens", kTrue, "Whether special tokens are left out."},
};

constexpr FieldRows kEmbedGroups[] = {kInputsRows, kTruncationRows, kPromptRows, kEmbedRows,
                                      kParametersRows};
constexpr FieldRows kTokensGroups[] = {kInputsRows, kTruncationRows, kPromptRows, kAsTheyAreRows,
                                       kParametersRows};
constexpr FieldRows kSimilarityGroups[] = {kSimilarityRows};
constexpr FieldRows kPredictGroups[] = {kPredictRows, kTruncationRows};
constexpr FieldRows kMaskGroups[] = {kInputsRows, kTruncationRows, kMaskRows};
constexpr FieldRows kEntityGroups[] = {kTextRows, kTruncationRows, kEntityRows};
constexpr FieldRows kZeroShotGroups[] = {kTextRows, kTruncationRows, kZeroShotRows,
                                         kParametersRows};
constexpr FieldRows kRankGroups[] = {kRankRows, kTruncationRows};
constexpr FieldRows kTeiTokenizeGroups[] = {kTextRows, kTeiTokenizeRows};
constexpr FieldRows kDecodeGroups[] = {kDecodeRows};

constexpr BodyRow kEmbedBody{"TeiEmbedRequest", kEmbedGroups,
                             R"({"inputs":["a sentence","another one"]})"};
constexpr BodyRow kTokensBody{"TeiTokensRequest", kTokensGroups, R"({"inputs":"a sentence"})"};
constexpr BodyRow kSimilarityBody{
    "SimilarityRequest", kSimilarityGroups,
    R"({"inputs":{"source_sentence":"who sleeps?","sentences":["a cat naps","stocks fell"]}})"};
constexpr BodyRow kPredictBody{"PredictRequest", kPredictGroups,
                               R"({"inputs":["who sleeps?","a cat naps"]})"};
constexpr BodyRow kMaskBody{"FillMaskRequest", kMaskGroups,
                            R"({"inputs":"Paris is the [MASK] of France.","top_k":3})"};
constexpr BodyRow kEntityBody{"TokenClassifyRequest", kEntityGroups,
                              R"({"inputs":"Ada lives in Paris","aggregation_strategy":"simple"})"};
constexpr BodyRow kZeroShotBody{
    "ZeroShotRequest", kZeroShotGroups,
    R"({"inputs":"the cat naps","candidate_labels":["animals","money"]})"};
constexpr BodyRow kRankBody{"TeiRerankRequest", kRankGroups,
                            R"({"query":"who sleeps?","texts":["a cat naps","stocks fell"]})"};
constexpr BodyRow kTeiTokenizeBody{"TeiTokenizeRequest", kTeiTokenizeGroups,
                                   R"({"inputs":"a sentence"})"};
constexpr BodyRow kDecodeBody{"DecodeRequest", kDecodeGroups, R"({"ids":[5,6,7]})"};

constexpr std::string_view kEmbedPaths[] = {"/embed"};
constexpr std::string_view kAllPaths[] = {"/embed_all"};
constexpr std::string_view kSparsePaths[] = {"/embed_sparse"};
constexpr std::string_view kSimilarityPaths[] = {"/similarity"};
constexpr std::string_view kPredictPaths[] = {"/predict"};
constexpr std::string_view kMaskPaths[] = {"/fill_mask"};
constexpr std::string_view kEntityPaths[] = {"/token_classify"};
constexpr std::string_view kZeroShotPaths[] = {"/zero_shot_classification"};
constexpr std::string_view kRerankPaths[] = {"/rerank", "/v1/rerank", "/v2/rerank",
                                             "/v1/reranking"};
constexpr std::string_view kTokenizePaths[] = {"/tokenize"};
constexpr std::string_view kDecodePaths[] = {"/decode"};
constexpr std::string_view kTaskPaths[] = {"/"};
constexpr std::string_view kInvocationsPaths[] = {"/invocations"};

constexpr const BodyRow* kEmbed[] = {&kEmbedBody};
constexpr const BodyRow* kTokens[] = {&kTokensBody};
constexpr const BodyRow* kSimilarity[] = {&kSimilarityBody};
constexpr const BodyRow* kPredict[] = {&kPredictBody, &kZeroShotBody};
constexpr const BodyRow* kMask[] = {&kMaskBody};
constexpr const BodyRow* kEntity[] = {&kEntityBody};
constexpr const BodyRow* kZeroShot[] = {&kZeroShotBody};
constexpr const BodyRow* kRerank[] = {&kRerankBody, &kRankBody, &kMixedbreadBody};
constexpr const BodyRow* kTokenize[] = {&kTokenizeBody, &kTeiTokenizeBody};
constexpr const BodyRow* kDecode[] = {&kDecodeBody};
constexpr const BodyRow* kRoot[] = {&kEmbedBody, &kSimilarityBody, &kRankBody,    &kPredictBody,
                                    &kMaskBody,  &kEntityBody,     &kZeroShotBody};
constexpr const BodyRow* kInvocations[] = {
    &kChatBody,     &kCompletionBody, &kEmbeddingsBody, &kPoolingBody, &kPooledScoreBody,
    &kClassifyBody, &kScoreBody,      &kRerankBody,     &kEmbedBody,   &kSimilarityBody,
    &kRankBody,     &kPredictBody,    &kMaskBody,       &kEntityBody,  &kZeroShotBody};

constexpr OperationRow kTeiOperations[] = {
    {"POST", kEmbedPaths, "Vectors", "One vector per input", "Vectors", nullptr, kEmbed},
    {"POST", kAllPaths, "Vectors", "One vector per token", "TokenVectors", nullptr, kTokens},
    {"POST", kSparsePaths, "Vectors", "Weights of tokens", "SparseVectors", nullptr, kTokens},
    {"POST", kSimilarityPaths, "Labels and scores", "How alike one text and others are", "Numbers",
     nullptr, kSimilarity},
    {"POST", kPredictPaths, "Labels and scores", "Labels and scores, highest first", "Predictions",
     nullptr, kPredict},
    {"POST", kMaskPaths, "Labels and scores", "Tokens for each mask", "Fillings", nullptr, kMask},
    {"POST", kEntityPaths, "Labels and scores", "Entities of a text", "Entities", nullptr, kEntity},
    {"POST", kZeroShotPaths, "Labels and scores", "Which of some labels a text is about",
     "ZeroShotLabels", nullptr, kZeroShot},
    {"POST", kRerankPaths, "Labels and scores",
     "Documents, best first; a body with `texts` is answered as TEI does, with `top_k` or "
     "`truncation` as Voyage does, with `input` as Mixedbread does",
     "Ranked", nullptr, kRerank},
    {"POST", kTokenizePaths, "Tokens", "Token ids of a text or a chat", "Tokenized", nullptr,
     kTokenize},
    {"POST", kDecodePaths, "Tokens", "Token ids to texts", "Texts", nullptr, kDecode},
    {"POST", kTaskPaths, "Any task", "What the loaded model is for", "Anything", nullptr, kRoot},
    {"POST", kInvocationsPaths, "Any task",
     "What the loaded model is for, by the form of the body (SageMaker)", "Anything",
     "application/octet-stream,text/event-stream", kInvocations},
};

}  // namespace

std::span<const OperationRow> tei_operations() { return kTeiOperations; }

}  // namespace vecton::server

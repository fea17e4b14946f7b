// The routes of OpenAI, vLLM and Cohere for vectors, labels and scores.
#include "server/description.h"

namespace vecton::server {

namespace {

constexpr FieldRow kPoolingHeadRows[] = {
    {"request_id", kText, "Part of the answer's id, where the header X-Request-Id has none."}};

constexpr FieldRow kInputRows[] = {
    {"input", R"({"$ref":"#/components/schemas/Input"})",
     "A text, a list of texts, token ids, or a list of these. The first element decides. Chats "
     "too, as under `messages`."},
    {"messages", R"({"$ref":"#/components/schemas/Messages"})",
     "Instead of `input`: a chat, or a list of chats, which the chat template makes texts of."},
    {"chat_template", kText, "Instead of the checkpoint's."},
    {"chat_template_kwargs", kObject, "Variables for the chat template."},
    {"add_generation_prompt", kFalse, "Whether the template opens an answer."},
    {"continue_final_message", kFalse, "Whether the last message stays open."},
    {"tools", kObjects, "For the chat template."},
    {"documents", kObjects, "For the chat template."},
    {"prompt_embeds", kRefused, "Is not served: send `input`."},
};

constexpr FieldRow kModalityRows[] = {
    {"modality", R"({"enum":["text","image"],"default":"text"})",
     "infinity's: `image` where the texts of `input` say where pictures are."}};

constexpr FieldRow kSpecialRows[] = {
    {"add_special_tokens", kFlag,
     "Whether the tokenizer adds its own; by default it does to texts."}};

constexpr FieldRow kRequestRows[] = {
    {"use_activation", kFlag,
     "Whether vectors get length 1, and labels and scores are probabilities; by default as the "
     "checkpoint says."},
    {"normalized", kFlag, "Jina's word for `use_activation`."},
    {"raw_scores", kFlag, "TEI's word for the opposite of `use_activation`."},
    {"truncate", kFlag, "Jina's word for `truncate_prompt_tokens: -1`."},
    {"truncation", kFlag, "Voyage's word for `truncate_prompt_tokens: -1`."},
    {"padding", R"({"enum":["do_not_pad"]})", "No model reads padding here."},
    {"normalize", kRefused, "Was removed: use `use_activation`."},
    {"user", kAnything, "Ignored."},
};

constexpr FieldRow kEmbeddingRows[] = {
    {"dimensions", kPositive,
     "Matryoshka: cut to so many, then normalized. For models trained so."},
    {"output_dimension", kPositive, "Voyage's word for `dimensions`."},
    {"prompt_name", kText, "A prompt of the checkpoint, put before each text."},
    {"input_type", kText,
     "What the texts are: a prompt's name, or `query` or `document` in any API's words."},
};

constexpr FieldRow kFormatRows[] = {
    {"encoding_format", R"({"enum":["float","base64","bytes","bytes_only"],"default":"float"})",
     "How vectors are written. `bytes` puts them end to end and says in the header `metadata` "
     "where each begins; `bytes_only` leaves the header out."},
    {"embed_dtype",
     R"({"enum":["float32","float16","bfloat16","fp8_e4m3","fp8_e5m2"],"default":"float32"})",
     "The numbers of base64 and the bytes forms."},
    {"endianness", R"({"enum":["native","big","little"],"default":"native"})",
     "Of base64 and the bytes forms; native is little."},
};

constexpr const char* kNumberTypes =
    R"({"enum":["float","int8","uint8","binary","ubinary","base64"]})";
constexpr FieldRow kOthersRows[] = {
    {"task", kText, "Jina's word for `input_type`."},
    {"embedding_type", kNumberTypes, "The type of the numbers, Jina's word; `float` by default."},
    {"output_dtype", kNumberTypes, "The type of the numbers, Voyage's word; `float` by default."},
    {"late_chunking", kFalse,
     "The inputs are the parts of one document, which is read as a whole; each part's own tokens "
     "are pooled."},
    {"late_chunking_params", kRefused, "Is not served: send the parts as `input`."},
};

constexpr FieldRow kPoolingRows[] = {
    {"task",
     R"({"anyOf":[{"enum":["embed","token_embed","sparse_embed","classify","token_classify","embed&token_embed","embed&sparse_embed","token_embed&embed","token_embed&sparse_embed","sparse_embed&embed","sparse_embed&token_embed","embed&token_embed&sparse_embed","embed&sparse_embed&token_embed","token_embed&embed&sparse_embed","token_embed&sparse_embed&embed","sparse_embed&embed&token_embed","sparse_embed&token_embed&embed"]},{"type":"array","minItems":1,"maxItems":1,"items":{"enum":["embed","token_embed","sparse_embed","classify","token_classify"]}},{"type":"array","minItems":1,"uniqueItems":true,"items":{"enum":["embed","token_embed","sparse_embed"]}}]})",
     "`embed`, `token_embed`, `sparse_embed`, `classify` or `token_classify`; several of the first "
     "three as a list, or with `&` between. By default what the model does with one text."},
};
constexpr FieldRow kPooledScoreRows[] = {
    {"task", R"({"enum":["score"]})", "A score per pair of texts.", true}};

constexpr FieldRow kLabelRows[] = {
    {"candidate_labels",
     R"({"anyOf":[{"type":"string","minLength":1},{"type":"array","minItems":1,"items":{"type":"string"}}]})",
     "Labels of the request: a list, or names with commas between. Of models that compare images "
     "and texts, for images; of models of natural language inference, for texts."},
    {"hypothesis_template", kText,
     "A text with one {}, where the label goes. By default `This is a photo of {}.` of images and "
     "`This example is {}.` of texts."},
    {"multi_label", kFalse, "Of texts: whether each label stands for itself."},
};

constexpr const char* kSide = R"({"$ref":"#/components/schemas/Side"})";
constexpr FieldRow kSideRows[] = {
    {"text_1", kSide, "One side: a text, or a list of texts."},
    {"text_2", kSide, "The other: one with one, one with each of several, or several in pairs."},
    {"queries", kSide, "Another name of `text_1`."},
    {"documents", kSide, "Another name of `text_2`, beside `queries`."},
    {"items", kSide, "Another name of `text_2`, beside `queries`."},
    {"data_1", kSide, "Another name of `text_1`."},
    {"data_2", kSide, "Another name of `text_2`, beside `data_1`."},
};

constexpr FieldRow kScoringRows[] = {
    {"max_tokens_per_query", kCount, "Cut queries to so many tokens; 0 = as they are."},
    {"max_tokens_per_doc", kCount, "Cut documents to so many tokens; 0 = as they are."},
    {"instruction", kText, "Instead of the one in a reranker's prompt."},
    {"chat_template_kwargs", kObject, "May have `instruction`."},
    {"chat_template_kwargs.instruction", kText, "As `instruction`."},
    {"chat_template", kRefused, "Is refused: the checkpoint's own prompt is used."},
};

constexpr FieldRow kRerankRows[] = {
    {"query", R"({"$ref":"#/components/schemas/Item"})", "What the documents are ranked for.",
     true},
    {"documents", R"({"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Item"}})",
     "Texts, or {\"text\"}.", true},
    {"top_n", kCount, "How many are answered; 0 = all."},
    {"top_k", kCount, "Voyage's word for `top_n`; with it the answer is Voyage's."},
    {"return_documents", kFlag, "Whether the documents come back; true, but for Voyage's bodies."},
};

constexpr FieldRow kMixedbreadRows[] = {
    {"query", R"({"$ref":"#/components/schemas/Item"})", "What the documents are ranked for.",
     true},
    {"input", R"({"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Item"}})",
     "The documents: texts, or {\"text\"}.", true},
    {"top_k", kCount, "How many are answered; 0 = all."},
    {"return_input", kFalse, "Whether the documents come back."},
};

constexpr FieldRow kMapRows[] = {
    {"query", R"({"$ref":"#/components/schemas/Item"})", "What the document is asked for.", true},
    {"document", R"({"$ref":"#/components/schemas/Item"})",
     "A text, or a picture with the words around it if there are any: {\"image\": ...}.", true},
};

constexpr FieldRow kCohereRows[] = {
    {"texts", R"({"type":"array","minItems":1,"items":{"type":"string"}})", "The texts."},
    {"inputs", R"({"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Item"}})",
     "Instead of `texts`: {\"content\": [{\"type\": \"text\", \"text\": ...}]}."},
    {"images", R"({"type":"array","minItems":1,"items":{"type":"string"}})",
     "Instead of `texts`, for models that read them: pictures as data URIs."},
    {"input_type", kText,
     "`search_query`, `search_document`, `classification`, `clustering`, or a prompt's name."},
    {"embedding_types",
     R"({"type":"array","items":{"enum":["float","int8","uint8","binary","ubinary","base64"]}})",
     "One or more types of numbers; [\"float\"] unless given."},
    {"output_dimension", kPositive, "Matryoshka: cut to so many, then normalized."},
    {"truncate", R"({"enum":["END","START","NONE"],"default":"END"})",
     "Which end of a long text is cut; `NONE`: an error."},
    {"max_tokens", kPositive, "What is cut to, and with `NONE` what more than is an error."},
    {"priority", R"({"type":"integer","default":0})",
     "Lower ones are computed first; other than 0 with --scheduling-policy priority alone."},
};

constexpr FieldRow kTokenizeRows[] = {
    {"prompt", kText, "A text; or `messages`."},
    {"messages", R"({"$ref":"#/components/schemas/Conversation"})",
     "Instead of `prompt`: a chat, which the chat template makes a text of."},
    {"chat_template", kText, "Instead of the checkpoint's."},
    {"chat_template_kwargs", kObject, "Variables for the chat template."},
    {"add_generation_prompt", kFlag, "Whether the template opens an answer."},
    {"continue_final_message", kFalse, "Whether the last message stays open."},
    {"tools", kTools, "As in a chat completion."},
    {"documents", kObjects, "For the chat template."},
    {"prompt_embeds", kRefused, "Is not served: send `prompt`."},
    {"return_token_strs", kFalse, "Whether the tokens come as text as well."},
    {"parallel_tool_calls", kTrue, "As in a chat completion."},
    {"tool_choice", kToolChoice, "As in a chat completion."},
    {"reasoning_effort", kEfforts, "As in a chat completion."},
    {"enable_thinking", kFlag, "As in a chat completion."},
};

constexpr FieldRow kDetokenizeRows[] = {
    {"tokens", R"({"$ref":"#/components/schemas/TokenIds"})", "Token ids of the model.", true}};

constexpr FieldRows kEmbeddingsGroups[] = {
    kModelRow,    kPoolingHeadRows, kInputRows,  kPromptRuleRows, kRequestRows,
    kSpecialRows, kEmbeddingRows,   kFormatRows, kOthersRows,     kModalityRows};
constexpr FieldRows kPoolingGroups[] = {
    kModelRow,    kPoolingHeadRows, kPoolingRows,   kInputRows,  kPromptRuleRows,
    kRequestRows, kSpecialRows,     kEmbeddingRows, kFormatRows, kModalityRows};
constexpr FieldRows kClassifyGroups[] = {kModelRow,       kPoolingHeadRows, kInputRows,
                                         kPromptRuleRows, kRequestRows,     kSpecialRows,
                                         kLabelRows,      kModalityRows};
constexpr FieldRows kPooledScoreGroups[] = {kModelRow,    kPoolingHeadRows, kPooledScoreRows,
                                            kSideRows,    kPromptRuleRows,  kRequestRows,
                                            kScoringRows, kFormatRows};
constexpr FieldRows kScoreGroups[] = {kModelRow,       kPoolingHeadRows, kSideRows,
                                      kPromptRuleRows, kRequestRows,     kScoringRows};
constexpr FieldRows kRerankGroups[] = {kModelRow,       kPoolingHeadRows, kRerankRows,
                                       kPromptRuleRows, kRequestRows,     kScoringRows};
constexpr FieldRows kMixedbreadGroups[] = {kModelRow,       kPoolingHeadRows, kMixedbreadRows,
                                           kPromptRuleRows, kRequestRows,     kScoringRows};
constexpr FieldRows kMapGroups[] = {kModelRow, kPoolingHeadRows, kMapRows, kPromptRuleRows,
                                    kRequestRows};
constexpr FieldRows kCohereGroups[] = {kModelRow, kPoolingHeadRows, kCohereRows};
constexpr FieldRows kTokenizeGroups[] = {kModelRow, kTokenizeRows, kSpecialRows};
constexpr FieldRows kDetokenizeGroups[] = {kModelRow, kDetokenizeRows};

constexpr const char* kOneInputRule =
    R"({"if":{"not":{"required":["messages"]}},"then":{"required":["input"]},"else":{"properties":{"input":{"type":"null"}}}})";
constexpr const char* kPicturesRule =
    R"({"if":{"required":["modality"],"properties":{"modality":{"const":"image"}}},"then":{"properties":{"messages":{"type":"null"},"input":{"$ref":"#/components/schemas/TextInput"}}}})";
// The parts of a document are texts.
constexpr const char* kChunksRule =
    R"({"if":{"required":["late_chunking"],"properties":{"late_chunking":{"const":true}}},"then":{"properties":{"messages":{"type":"null"},"input":{"anyOf":[{"$ref":"#/components/schemas/TextInput"},{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Item"}},{"$ref":"#/components/schemas/ItemOfFields"}]}}}})";
constexpr const char* kOneSizeRule =
    R"({"if":{"required":["dimensions"]},"then":{"properties":{"output_dimension":{"type":"null"}}}})";
constexpr const char* kOneTypeRule =
    R"({"if":{"required":["embedding_type","output_dtype"]},"then":{"anyOf":[{"properties":{"embedding_type":{"const":"float"},"output_dtype":{"const":"float"}}},{"properties":{"embedding_type":{"const":"int8"},"output_dtype":{"const":"int8"}}},{"properties":{"embedding_type":{"const":"uint8"},"output_dtype":{"const":"uint8"}}},{"properties":{"embedding_type":{"const":"binary"},"output_dtype":{"const":"binary"}}},{"properties":{"embedding_type":{"const":"ubinary"},"output_dtype":{"const":"ubinary"}}},{"properties":{"embedding_type":{"const":"base64"},"output_dtype":{"const":"base64"}}}]}})";
// What the other words for the numbers' type and form say beside them.
constexpr const char* kTypeRule =
    R"({"if":{"anyOf":[{"required":["output_dtype"],"properties":{"output_dtype":{"enum":["int8","uint8","binary","ubinary"]}}},{"required":["embedding_type"],"properties":{"embedding_type":{"enum":["int8","uint8","binary","ubinary"]}}}]},"then":{"properties":{"embed_dtype":{"enum":["float32",null]}}}})";
constexpr const char* kBase64Rule =
    R"({"if":{"anyOf":[{"required":["output_dtype"],"properties":{"output_dtype":{"const":"base64"}}},{"required":["embedding_type"],"properties":{"embedding_type":{"const":"base64"}}}]},"then":{"properties":{"encoding_format":{"enum":["float","base64",null]}}}})";
// Eight values of one bit make a number.
constexpr const char* kBitsRule =
    R"({"if":{"anyOf":[{"required":["output_dtype"],"properties":{"output_dtype":{"enum":["binary","ubinary"]}}},{"required":["embedding_type"],"properties":{"embedding_type":{"enum":["binary","ubinary"]}}}]},"then":{"properties":{"dimensions":{"multipleOf":8},"output_dimension":{"multipleOf":8}}}})";
// The two sides, under one pair of names.
constexpr const char* kSidesRule =
    R"({"if":{"not":{"anyOf":[{"required":["queries","documents"]},{"required":["queries","items"]},{"required":["data_1","data_2"]}]}},"then":{"required":["text_1","text_2"]}})";
constexpr const char* kOneSideRule =
    R"({"not":{"anyOf":[{"allOf":[{"anyOf":[{"required":["text_1"]},{"required":["text_2"]}]},{"anyOf":[{"required":["data_1"]},{"required":["data_2"]}]}]},{"allOf":[{"anyOf":[{"required":["text_1"]},{"required":["text_2"]}]},{"anyOf":[{"required":["queries"]},{"required":["documents"]},{"required":["items"]}]}]},{"allOf":[{"anyOf":[{"required":["data_1"]},{"required":["data_2"]}]},{"anyOf":[{"required":["queries"]},{"required":["documents"]},{"required":["items"]}]}]},{"required":["documents","items"]}]}})";
constexpr const char* kTokenizeRule =
    R"({"if":{"required":["messages"]},"then":{"properties":{"prompt":{"maxLength":0}}},"else":{"required":["prompt"]}})";
constexpr const char* kTokenizeToolsRule =
    R"({"if":{"required":["tool_choice"],"properties":{"tool_choice":{"not":{"enum":["none",null]}}}},"then":{"required":["tools"]}})";
constexpr const char* kTextsRule =
    R"({"if":{"not":{"anyOf":[{"required":["inputs"]},{"required":["images"]}]}},"then":{"required":["texts"]},"else":{"properties":{"texts":{"type":"null"}}}})";
constexpr const char* kInputsRule =
    R"({"if":{"required":["inputs"]},"then":{"properties":{"images":{"type":"null"}}}})";
constexpr const char* kTypesRule =
    R"({"if":{"required":["embedding_types"],"properties":{"embedding_types":{"type":"array","contains":{"enum":["binary","ubinary"]}}}},"then":{"properties":{"output_dimension":{"multipleOf":8}}}})";
constexpr const char* kLabelsRule =
    R"({"if":{"anyOf":[{"required":["hypothesis_template"]},{"required":["multi_label"],"properties":{"multi_label":{"const":true}}}]},"then":{"required":["candidate_labels"]}})";
constexpr const char* kClassifyRules[] = {kOneInputRule, kLabelsRule, kPicturesRule, kContinueRule};
constexpr const char* kEmbeddingsRules[] = {kOneInputRule, kOneSizeRule,  kChunksRule,
                                            kOneTypeRule,  kTypeRule,     kBase64Rule,
                                            kBitsRule,     kPicturesRule, kContinueRule};
constexpr const char* kPoolingRules[] = {kOneInputRule, kPicturesRule, kContinueRule, kOneSizeRule};
constexpr const char* kScoreRules[] = {kSidesRule, kOneSideRule};
constexpr const char* kTokenizeRules[] = {kTokenizeRule, kTokenizeToolsRule, kContinueRule};
constexpr const char* kCohereRules[] = {kTextsRule, kInputsRule, kTypesRule};

constexpr BodyRow kCohereBody{
    "CohereEmbedRequest", kCohereGroups,
    R"({"texts":["a sentence","another one"],"embedding_types":["float","int8"]})", kCohereRules};
constexpr BodyRow kMapBody{
    "SimilarityMapRequest", kMapGroups,
    R"({"query":"total amount","document":{"image":"data:image/png;base64,iVBORw0KGgo="}})"};
constexpr BodyRow kDetokenizeBody{"DetokenizeRequest", kDetokenizeGroups, R"({"tokens":[5,6,7]})"};

constexpr std::string_view kEmbeddingsPaths[] = {"/v1/embeddings", "/embeddings"};
constexpr std::string_view kCoherePaths[] = {"/v2/embed"};
constexpr std::string_view kOldCoherePaths[] = {"/v1/embed"};
constexpr std::string_view kPoolingPaths[] = {"/pooling"};
constexpr std::string_view kClassifyPaths[] = {"/classify"};
constexpr std::string_view kMapPaths[] = {"/similarity_map"};
constexpr std::string_view kScorePaths[] = {"/score", "/v1/score"};
constexpr std::string_view kDetokenizePaths[] = {"/detokenize"};

constexpr const BodyRow* kEmbeddings[] = {&kEmbeddingsBody};
constexpr const BodyRow* kCohere[] = {&kCohereBody};
constexpr const BodyRow* kPooling[] = {&kPoolingBody, &kPooledScoreBody};
constexpr const BodyRow* kClassify[] = {&kClassifyBody};
constexpr const BodyRow* kScore[] = {&kScoreBody};
constexpr const BodyRow* kMap[] = {&kMapBody};
constexpr const BodyRow* kDetokenize[] = {&kDetokenizeBody};

constexpr const char* kBytes = "application/octet-stream";
constexpr OperationRow kPoolingOperations[] = {
    {"POST", kEmbeddingsPaths, "Vectors",
     "One vector per input; of a late-interaction model one per token", "Embeddings", kBytes,
     kEmbeddings},
    {"POST", kCoherePaths, "Vectors", "Vectors as Cohere answers them", "CohereEmbeddings", nullptr,
     kCohere},
    {"POST", kOldCoherePaths, "Vectors", "The older form: a bare list without `embedding_types`",
     "CohereEmbeddings", nullptr, kCohere},
    {"POST", kPoolingPaths, "Vectors", "The numbers of any task", "Pooling", kBytes, kPooling},
    {"POST", kClassifyPaths, "Labels and scores", "Probabilities and the likeliest label",
     "Classes", nullptr, kClassify},
    {"POST", kScorePaths, "Labels and scores", "A score per pair of texts", "Scores", nullptr,
     kScore},
    {"POST", kMapPaths, "Labels and scores",
     "Which tokens of a text, or patches of a picture, answer which tokens of a query",
     "SimilarityMaps", nullptr, kMap},
    {"POST", kDetokenizePaths, "Tokens", "Token ids to text", "Detokenized", nullptr, kDetokenize},
};

}  // namespace

constexpr BodyRow kEmbeddingsBody{"EmbeddingsRequest", kEmbeddingsGroups,
                                  R"({"input":["a sentence","another one"]})", kEmbeddingsRules};
constexpr BodyRow kPoolingBody{"PoolingRequest", kPoolingGroups,
                               R"({"input":["a sentence","another one"]})", kPoolingRules};
constexpr BodyRow kPooledScoreBody{
    "PoolingScoreRequest", kPooledScoreGroups,
    R"({"task":"score","text_1":"who sleeps?","text_2":["a cat naps","stocks fell"]})",
    kScoreRules};
constexpr BodyRow kClassifyBody{"ClassifyRequest", kClassifyGroups,
                                R"({"input":["a sentence","another one"]})", kClassifyRules};
constexpr BodyRow kScoreBody{"ScoreRequest", kScoreGroups,
                             R"({"text_1":"who sleeps?","text_2":["a cat naps","stocks fell"]})",
                             kScoreRules};
constexpr BodyRow kRerankBody{
    "RerankRequest", kRerankGroups,
    R"({"query":"who sleeps?","documents":["a cat naps","stocks fell"],"top_n":1})"};
constexpr BodyRow kMixedbreadBody{
    "MixedbreadRerankRequest", kMixedbreadGroups,
    R"({"query":"who sleeps?","input":["a cat naps","stocks fell"],"top_k":1})"};
constexpr BodyRow kTokenizeBody{"TokenizeRequest", kTokenizeGroups,
                                R"({"prompt":"a sentence","return_token_strs":true})",
                                kTokenizeRules};

std::span<const OperationRow> pooling_operations() { return kPoolingOperations; }

}  // namespace vecton::server

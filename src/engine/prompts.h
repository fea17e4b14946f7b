// Prompts: which prompt of a checkpoint a client's word for its texts means. Clients name a prompt,
// or say what their texts are in the words of their API: Cohere's and Voyage's input_type, Jina's
// task. Names match without case.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vecton/vecton.h"

namespace vecton::engine {

// "query", "search_query", "retrieval.query" ...; "document", "passage", "search_document" ...; of
// any other word kNone.
Role role_named(std::string_view word);

struct ChosenPrompt {
  std::optional<std::string> prompt_name;  // the checkpoint's
  Role role = Role::kNone;                 // of models that mark their texts instead
  bool ignored = false;                    // the word changes nothing: see find_task_prompt
};

// A prompt by its name, or the one for queries or documents where `name` means these; nothing where
// there is none.
std::optional<ChosenPrompt> find_prompt(const ModelInfo& model, std::string_view name);

// As find_prompt, for a word of an API that its clients can't leave out: a model without prompts
// reads all texts alike, and one whose queries alone have a prompt reads documents as they are.
// Nothing for a word that no API has, and where the model tells texts apart by other words.
std::optional<ChosenPrompt> find_task_prompt(const ModelInfo& model, std::string_view word);

}  // namespace vecton::engine

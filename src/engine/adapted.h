// Adapters of PEFT: where the base model is, and what the two are together. A part of make_plans().
#pragma once

#include <filesystem>
#include <functional>

#include "checkpoint/adapter.h"
#include "engine/plan.h"
#include "vecton/options.h"

namespace vecton::engine {

// The base model's folder: local, beside the adapter, or from the hub. Errors name the adapter.
std::filesystem::path find_base(const checkpoint::Adapter& adapter, const EngineOptions& options,
                                const std::function<void(const DownloadProgress&)>& progress);

// Whether a folder has a tokenizer of its own.
bool has_tokenizer(const std::filesystem::path& folder);

// The tensors that the plan's model is loaded from, with the adapter's.
checkpoint::Tensors tensors_of(const Plan& plan);

// The head that an adapter was trained with, by its task_type; none where it doesn't say.
std::optional<checkpoint::HeadKind> head_of(const checkpoint::Adapter& adapter);

}  // namespace vecton::engine

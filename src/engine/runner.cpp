#include "engine/runner.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "checkpoint/name_text.h"
#include "checkpoint/weights.h"
#include "vecton/error.h"

namespace vecton {

namespace {

// A head's answer as a result, or why there is none.
void give(HeadAnswer answer, const Sequence& sequence, Result& result) {
  const bool finite = std::ranges::all_of(answer.values, [](float v) { return std::isfinite(v); });
  if (!finite) {
    result.error = Error(ErrorCode::kInternal, "the model gave a non-finite value for this input");
    return;
  }
  result.rows = answer.rows;
  result.columns = answer.columns;
  result.values = std::move(answer.values);
  result.ids = std::move(answer.ids);
  result.logit = answer.logit;
  if (sequence.tokens_info.empty()) return;
  for (const int32_t position : answer.positions)
    result.tokens.push_back(sequence.tokens_info[static_cast<size_t>(position)]);
}

// Where the rows `own` stand among the rows `all`, of the same sequences.
std::vector<int32_t> places(const Rows& own, const Rows& all) {
  std::vector<int32_t> at;
  for (int64_t s = 0; s < own.sequences(); ++s) {
    int32_t r = all.offsets[s];
    for (int32_t i = own.offsets[s]; i < own.offsets[s + 1]; ++i) {
      while (all.index[r] != own.index[i]) ++r;
      at.push_back(r);
    }
  }
  return at;
}

}  // namespace

Runner::Runner(const Plan& plan, const Tokenizer& tokenizer, const EngineOptions& options, Ops& ops)
    : plan_(plan) {
  Weights weights = plan.adapter ? Weights::open(plan.weights, *plan.adapter, ops, options.dtype)
                                 : Weights::open(plan.weights, ops, options.dtype);
  const TensorNames& names = plan.family->tensors;
  const std::string wrapper =
      names.words.empty() ? "" : weights.unwrap(names.words, names.prefixes);
  if (!wrapper.empty())
    warnings_.push_back("names of tensors are read without what a wrapper put there: " + wrapper);
  model_ = plan.family->load(plan.config, weights);
  heads_ = load_heads(plan, tokenizer, weights, ops);
  const std::string_view projection[] = {"linear"};  // of late interaction, with --convert embed
  if (options.convert == "embed") weights.skip(projection);
  note_left_over(weights);
  for (std::string& key : plan.config.check_read()) warnings_.push_back(std::move(key));
  parameters_ = weights.parameters();
  file_bytes_ = weights.file_bytes();
  weight_bytes_ = weights.prepared_bytes();
  for (const auto& head : heads_) weight_bytes_ += head.second->weight_bytes();
  linear_parameters_ = weights.linear_parameters();
  linear_bytes_ = weights.linear_bytes();
  dtype_ = weights.dtype();
}

void Runner::note_left_over(const Weights& weights) {
  if (plan_.family->tensors.words.empty()) return weights.check_taken();
  const std::vector<std::string> names = weights.left_over();
  if (names.empty()) return;
  warnings_.push_back("tensors that are not used, as " + plan_.architecture +
                      " has no place for them: " + names_text(names));
}

bool Runner::activates(Task task) const {
  switch (task) {
    case Task::kEmbed:
      return plan_.normalize;
    case Task::kTokenEmbed:
      return plan_.late_interaction || plan_.bge_m3;
    default:
      return true;
  }
}

std::vector<HeadInput> Runner::inputs_of(Task task, const std::vector<Sequence>& sequences) const {
  std::vector<HeadInput> inputs;
  for (const Sequence& s : sequences) {
    const bool own = task == s.tasks.front();  // use_activation is for the request's own task
    inputs.push_back(
        {.ids = s.ids,
         .prompt_tokens = s.prompt_tokens,
         .activation = own ? s.use_activation.value_or(activates(task)) : activates(task),
         .kept = s.kept,
         .parts = s.parts,
         .dimensions = s.dimensions,
         .top_k = s.top_k,
         .targets = s.targets});
  }
  return inputs;
}

Batch Runner::make_batch(const std::vector<Sequence>& sequences) const {
  Batch batch;
  const bool typed =
      std::ranges::any_of(sequences, [](const Sequence& s) { return !s.type_ids.empty(); });
  const bool partly =
      std::ranges::any_of(sequences, [](const Sequence& s) { return s.attended > 0; });
  if (!cache_.layers.empty()) {
    batch.cache = &cache_;
    batch.page_offsets = {0};
  }
  for (const Sequence& sequence : sequences) {
    add_pages(sequence, batch);
    batch.ids.insert(batch.ids.end(), sequence.ids.begin() + sequence.cached(), sequence.ids.end());
    if (typed) {
      batch.type_ids.insert(batch.type_ids.end(), sequence.type_ids.begin(),
                            sequence.type_ids.end());
      batch.type_ids.resize(batch.ids.size());
    }
    const size_t begin = batch.rows.index.size();
    batch.rows.index.resize(batch.ids.size());
    std::iota(batch.rows.index.begin() + static_cast<std::ptrdiff_t>(begin), batch.rows.index.end(),
              static_cast<int32_t>(sequence.cached()));
    batch.rows.offsets.push_back(static_cast<int32_t>(batch.ids.size()));
    if (partly) {
      batch.attended.push_back(
          static_cast<int32_t>(sequence.attended > 0 ? sequence.attended : sequence.tokens()));
    }
  }
  return batch;
}

// The pages that it begins with, and where the keys and values of the next ones go.
void Runner::add_pages(const Sequence& sequence, Batch& batch) const {
  if (!batch.cache) return;
  batch.pages.insert(batch.pages.end(), sequence.pages.begin(), sequence.pages.end());
  batch.page_offsets.push_back(static_cast<int32_t>(batch.pages.size()));
  auto row = static_cast<int32_t>(batch.ids.size());
  for (const int32_t page : sequence.claims) {
    for (int64_t i = 0; i < cache_.page_rows; ++i) {
      batch.store_from.push_back(row++);
      batch.store_to.push_back(static_cast<int32_t>(page * cache_.page_rows + i));
    }
  }
}

bool Runner::cacheable(const Sequence& sequence) const {
  if (cache_.layers.empty() || sequence.tasks.size() != 1) return false;
  Rows wanted;
  heads_.at(sequence.tasks.front())
      ->want(inputs_of(sequence.tasks.front(), {sequence}).front(), wanted);
  return wanted.count() == 1 && wanted.index.front() + 1 == sequence.tokens();
}

int64_t Runner::cache_pages(int64_t bytes) const {
  const ModelShape& shape = plan_.shape;
  if (!shape.causal || !shape.cacheable) return 0;
  const int64_t row_bytes =
      2 * shape.layers * shape.kv_heads * shape.head_dim * static_cast<int64_t>(sizeof(float));
  return std::min<int64_t>(bytes / (row_bytes * PrefixCache::kPageTokens),
                           INT32_MAX / PrefixCache::kPageTokens);
}

void Runner::make_cache(int64_t pages, Ops& ops) {
  const ModelShape& shape = plan_.shape;
  const int64_t rows = pages * PrefixCache::kPageTokens, columns = shape.kv_heads * shape.head_dim;
  cache_.page_rows = PrefixCache::kPageTokens;
  for (int64_t i = 0; i < shape.layers; ++i)
    cache_.layers.push_back({ops.allocate(rows, columns), ops.allocate(rows, columns)});
}

void Runner::run(Ops& ops, const std::vector<Sequence>& sequences) const {
  Batch batch = make_batch(sequences);
  if (sequences.front().prefix_only) {
    batch.wanted.offsets = {0, 0};
    model_->forward(ops, batch);
    return;
  }
  const std::vector<Task>& tasks = sequences.front().tasks;
  std::vector<std::vector<HeadInput>> inputs;
  std::vector<Rows> wanted(tasks.size());
  for (size_t t = 0; t < tasks.size(); ++t) {
    inputs.push_back(inputs_of(tasks[t], sequences));
    for (const HeadInput& input : inputs[t]) heads_.at(tasks[t])->want(input, wanted[t]);
  }
  batch.wanted = tasks.size() == 1 ? wanted.front() : batch.rows;
  for (const Sequence& s : sequences) s.group->results[s.index].also.resize(tasks.size() - 1);
  if (batch.wanted.count() == 0) return;
  const Tensor hidden = model_->forward(ops, batch);
  for (size_t t = 0; t < tasks.size(); ++t) {
    const Tensor rows =
        tasks.size() == 1 ? hidden : ops.gather_rows(hidden, places(wanted[t], batch.wanted));
    std::vector<HeadAnswer> answers = heads_.at(tasks[t])->answer(ops, rows, wanted[t], inputs[t]);
    for (size_t s = 0; s < sequences.size(); ++s) {
      Result& result = sequences[s].group->results[sequences[s].index];
      give(std::move(answers[s]), sequences[s], t == 0 ? result : result.also[t - 1]);
    }
  }
}

}  // namespace vecton

#include "engine/runner.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

#include "checkpoint/name_text.h"
#include "checkpoint/weights.h"
#include "engine/batch_images.h"
#include "engine/generating.h"
#include "generation/logprobs.h"
#include "ops/cache.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

// An answer as wide as this one, with no row.
Answer without_rows(Answer answer) {
  std::visit(
      [](auto& whole) {
        if constexpr (requires { whole.columns; }) {
          whole = {.rows = 0, .columns = whole.columns};
        } else if constexpr (std::is_default_constructible_v<std::decay_t<decltype(whole)>>) {
          whole = {};
        }
      },
      answer);
  return answer;
}

// Puts the answer to one of the request's tasks into its result, or why there is none.
void give(Answer answer, size_t task, Result& result) {
  if (result.error()) return;
  const bool finite =
      std::ranges::all_of(numbers_of(answer).values, [](float v) { return std::isfinite(v); });
  if (!finite) {
    result.answer = Error(ErrorCode::kInternal, "the model gave a non-finite value for this input");
    result.also.clear();
    return;
  }
  (task == 0 ? result.answer : result.also[task - 1]) = std::move(answer);
}

// The rows of each of `sequences` sequences that any of `parts` wants: parts[i] holds those of
// sequences[i][0], sequences[i][1], ...
template <class HeadWork>
tensor::Rows union_of(const std::vector<HeadWork>& work, size_t sequences) {
  std::vector<std::vector<int32_t>> wanted(sequences);
  for (const HeadWork& head : work) {
    for (size_t i = 0; i < head.sequences.size(); ++i) {
      const auto begin = head.wanted.index.begin();
      std::vector<int32_t>& all = wanted[head.sequences[i]];
      std::vector<int32_t> merged;
      std::set_union(all.begin(), all.end(), begin + head.wanted.offsets[i],
                     begin + head.wanted.offsets[i + 1], std::back_inserter(merged));
      all = std::move(merged);
    }
  }
  tensor::Rows rows;
  for (const std::vector<int32_t>& own : wanted) {
    rows.index.insert(rows.index.end(), own.begin(), own.end());
    rows.offsets.push_back(static_cast<int32_t>(rows.index.size()));
  }
  return rows;
}

// Where the rows of a head stand among the rows `all` of all sequences.
template <class HeadWork>
std::vector<int32_t> places(const HeadWork& head, const tensor::Rows& all) {
  std::vector<int32_t> at;
  for (size_t i = 0; i < head.sequences.size(); ++i) {
    int32_t r = all.offsets[head.sequences[i]];
    for (int32_t own = head.wanted.offsets[i]; own < head.wanted.offsets[i + 1]; ++own) {
      while (all.index[r] != head.wanted.index[own]) ++r;
      at.push_back(r);
    }
  }
  return at;
}

// Weights are the same where this is.
const std::filesystem::path& key_of(const Plan& plan) {
  return plan.adapter ? plan.adapter->folder : plan.weights;
}

}  // namespace

Runner::Runner(const Routes& routes, const EngineOptions& options, Ops& ops,
               const std::function<void(int64_t)>& kept) {
  struct Transformer {
    checkpoint::Weights weights;
    const models::Model* model;
  };
  std::map<std::filesystem::path, Transformer> transformers;
  for (size_t i = 0; i < routes.size(); ++i) {
    const Plan& plan = routes.plan(i);
    auto place = transformers.find(key_of(plan));
    if (place == transformers.end()) {
      checkpoint::Weights weights = open_weights(plan, options, ops);
      weights.watch(kept);
      models_.push_back(plan.family->load(plan.config, weights.computing(plan.compute)));
      place = transformers.emplace(key_of(plan), Transformer{weights, models_.back().get()}).first;
    }
    routes_.push_back({.plan = plan, .model = place->second.model});
    Route& route = routes_.back();
    if (plan.layer_pooling) route.layers.emplace(*plan.layer_pooling, plan.shape.layers, ops);
    if (plan.generates()) {
      const int64_t before = place->second.weights.linear_parameters();
      route.lm_head = load_causal_lm_head(plan, place->second.weights);
      lm_head_parameters_ += place->second.weights.linear_parameters() - before;
      route.tokenizer = &routes.tokenizer(i);
    }
    route.heads = load_heads(plan, routes.tokenizer(i), place->second.weights, ops);
    for (const auto& head : routes_.back().heads) {
      kept(head.second->weight_bytes());
      weight_bytes_ += head.second->weight_bytes();
    }
  }
  const Plan& first = routes.plan(0);
  if (!models::cache_layout(first.shape).empty()) cache_.dtype = first.kv_cache_dtype;
  for (const Route& route : routes_) {
    const auto place = transformers.find(key_of(route.plan));
    if (place == transformers.end()) continue;  // another route's as well, and done
    count(route.plan, options, place->second.weights);
    transformers.erase(place);
  }
}

checkpoint::Weights Runner::open_weights(const Plan& plan, const EngineOptions& options, Ops& ops) {
  checkpoint::Weights weights =
      checkpoint::Weights::open(plan.weights, plan.quantisation.get(),
                                plan.adapter ? &*plan.adapter : nullptr, ops, options.dtype);
  const models::TensorNames& names = plan.family->tensors;
  const std::string wrapper =
      names.words.empty() ? "" : weights.unwrap(names.words, names.prefixes);
  if (!wrapper.empty())
    warnings_.push_back("names of tensors are read without what a wrapper put there: " + wrapper);
  return weights;
}

// Only rows of tables: what every pass reads whole would have to be read again by the next one.
void Runner::rest() const {
  for (const std::function<void()>& release : table_releases_) release();
}

// What is left over, and sizes, once everything is taken that the plans need.
void Runner::count(const Plan& plan, const EngineOptions& options, checkpoint::Weights weights) {
  const std::string_view projection[] = {"linear"};  // of late interaction, with --convert embed
  if (options.convert == "embed") weights.skip(projection);
  note_left_over(plan, weights);
  for (const std::string& key : plan.config.check_read())
    warnings_.push_back(plan.config.file() + ": " + checkpoint::quoted_text(key) +
                        " is not known; it changes nothing");
  parameters_ += weights.parameters();
  file_bytes_ += weights.file_bytes();
  weight_bytes_ += weights.prepared_bytes();
  linear_parameters_ += weights.linear_parameters();
  table_releases_.insert(table_releases_.end(), weights.table_releases().begin(),
                         weights.table_releases().end());
  linear_bytes_ += weights.linear_bytes();
  if (dtype_.empty()) dtype_ = weights.dtype();
}

void Runner::note_left_over(const Plan& plan, const checkpoint::Weights& weights) {
  if (plan.family->tensors.words.empty()) return weights.check_taken();
  const std::vector<std::string> names = weights.left_over();
  if (names.empty()) return;
  warnings_.push_back("tensors that are not used, as " + plan.architecture +
                      " has no place for them: " + checkpoint::names_text(names));
}

// Of chunks nothing is wanted.
std::vector<Runner::HeadWork> Runner::head_work(const std::vector<Sequence>& sequences) const {
  std::vector<HeadWork> work;
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].generating) {
      auto head = std::ranges::find(work, Task::kGenerate, &HeadWork::task);
      if (head == work.end()) head = work.insert(work.end(), {.task = Task::kGenerate});
      head->sequences.push_back(i);
      want_logits(sequences[i], head->wanted);
      continue;
    }
    if (sequences[i].is_chunk()) continue;
    for (size_t t = 0; t < sequences[i].tasks.size(); ++t) {
      const Task task = task_of(sequences[i].tasks[t]);
      auto head = std::ranges::find(work, task, &HeadWork::task);
      if (head == work.end()) head = work.insert(work.end(), {.task = task});
      head->sequences.push_back(i);
      head->inputs.push_back({.work = &sequences[i],
                              .task = t,
                              .tokens = sequences[i].tokens_info,
                              .images = sequences[i].image_grids});
      routes_[sequences[i].route].heads.at(task)->want(head->inputs.back(), head->wanted);
    }
  }
  return work;
}

tensor::Batch Runner::make_batch(const std::vector<Sequence>& sequences) const {
  tensor::Batch batch;
  const bool typed =
      std::ranges::any_of(sequences, [](const Sequence& s) { return !s.type_ids.empty(); });
  const bool partly =
      std::ranges::any_of(sequences, [](const Sequence& s) { return s.attended > 0; });
  const bool by_length = routes_[sequences.front().route].plan.shape.long_after > 0;
  const auto groups = static_cast<size_t>(cache_.groups);
  batch.block_tables.resize(groups);
  batch.slot_mappings.resize(groups);
  for (const Sequence& sequence : sequences) {
    if (keeps_states_) {
      const int32_t read = sequence.read_slot > 0 ? sequence.read_slot : sequence.state_slot;
      batch.state_slots.push_back(sequence.cached() > 0 ? read : 0);
      for (const int32_t slot : {sequence.state_slot, sequence.snapshot_slot}) {
        if (slot == 0) continue;
        batch.state_mapping.rows.push_back(static_cast<int32_t>(batch.state_slots.size()) - 1);
        batch.state_mapping.slots.push_back(slot);
      }
    }
    add_pages(sequence, batch);
    batch.ids.insert(batch.ids.end(), sequence.ids.begin() + sequence.cached(),
                     sequence.ids.begin() + sequence.end);
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
    if (by_length) batch.lengths.push_back(static_cast<int32_t>(sequence.tokens()));
    if (partly) {
      batch.attended.push_back(
          static_cast<int32_t>(sequence.attended > 0 ? sequence.attended : sequence.tokens()));
    }
  }
  return batch;
}

// Of each group of layers: the pages that it begins with, and where the keys and values of the next
// tokens go: the rest of the last page, and new ones.
void Runner::add_pages(const Sequence& sequence, tensor::Batch& batch) const {
  const size_t groups = batch.block_tables.size();
  const auto part = [groups](const std::vector<int32_t>& pages, size_t group) {
    const size_t count = pages.size() / groups;
    return std::span(pages).subspan(group * count, count);
  };
  const auto first_row = static_cast<int64_t>(batch.ids.size());
  for (size_t group = 0; group < groups; ++group) {
    tensor::BlockTable& table = batch.block_tables[group];
    const std::span<const int32_t> old = part(sequence.block_tables, group),
                                   added = part(sequence.new_pages, group);
    table.pages.insert(table.pages.end(), old.begin(), old.end());
    table.offsets.push_back(static_cast<int32_t>(table.pages.size()));
    table.cached.push_back(static_cast<int32_t>(sequence.cached()));
    tensor::SlotMapping& mapping = batch.slot_mappings[group];
    const int64_t most = std::ssize(old) + std::ssize(added);
    const int64_t end = std::min(sequence.end, most * cache_.page_rows);
    for (int64_t token = std::max(sequence.cached(), sequence.stored); token < end; ++token) {
      const auto block = static_cast<size_t>(token / cache_.page_rows);
      const int32_t page = block < old.size() ? old[block] : added[block - old.size()];
      mapping.rows.push_back(static_cast<int32_t>(first_row + token - sequence.cached()));
      mapping.slots.push_back(
          static_cast<int32_t>(page * cache_.page_rows + token % cache_.page_rows));
    }
  }
}

bool Runner::cacheable(const Sequence& sequence) const {
  if (cache_.layers.empty() || sequence.tasks.size() != 1) return false;
  if (sequence.generating) return true;
  if (keeps_states_) return false;
  tensor::Rows wanted;
  routes_[sequence.route]
      .heads.at(task_of(sequence.tasks.front()))
      ->want({.work = &sequence}, wanted);
  return wanted.count() == 1 && wanted.index.front() + 1 == sequence.tokens();
}

// What stands for the beginning of any sequence is kept in pages; states are of one sequence that
// generates.
int64_t Runner::page_bytes() const {
  const Plan& plan = routes_.front().plan;
  const tensor::CacheLayout layout = models::cache_layout(plan.shape);
  if (routes_.size() > 1 || tensor::cache_groups(layout).empty()) return 0;
  if (!ops::is_paged(layout) && !plan.generates()) return 0;
  return ops::cache_row_bytes(layout, plan.kv_cache_dtype) * PrefixIndex::kPageTokens;
}

int64_t Runner::state_bytes() const {
  const Plan& plan = routes_.front().plan;
  return plan.generates() ? ops::cache_state_bytes(models::cache_layout(plan.shape)) : 0;
}

int64_t Runner::cache_pages(int64_t bytes) const {
  const int64_t page = page_bytes();
  return page == 0 ? 0 : std::min<int64_t>(bytes / page, INT32_MAX / PrefixIndex::kPageTokens);
}

std::vector<int64_t> Runner::cache_windows() const {
  std::vector<int64_t> windows;
  for (const tensor::CacheGroup& group :
       tensor::cache_groups(models::cache_layout(routes_.front().plan.shape)))
    windows.push_back(group.window);
  return windows;
}

void Runner::make_cache(int64_t pages, int64_t state_slots, Ops& ops) {
  const Plan& plan = routes_.front().plan;
  const tensor::CacheLayout layout = models::cache_layout(plan.shape);
  cache_ =
      vecton::ops::make_cache(layout, pages, PrefixIndex::kPageTokens, ops, plan.kv_cache_dtype);
  keeps_states_ = state_slots > 0;
  if (keeps_states_) vecton::ops::add_states(layout, state_slots + 1, ops, cache_);
}

void Runner::want_logits(const Sequence& sequence, tensor::Rows& wanted) {
  const Generating& generating = *sequence.generating;
  int64_t row = sequence.is_chunk() ? sequence.end : sequence.end - 1 - sequence.drafted;
  if (generating.wants_prompt_rows())
    row = std::max(sequence.cached(), generating.next_prompt_row());
  for (; row < sequence.end; ++row) wanted.index.push_back(static_cast<int32_t>(row));
  wanted.offsets.push_back(static_cast<int32_t>(wanted.index.size()));
}

// Rows of a prompt are many: some at a time.
void Runner::take_logits(Ops& ops, const Route& route, const Tensor& rows, const HeadWork& work,
                         const std::vector<Sequence>& sequences) const {
  constexpr int64_t kMost = 64;
  const auto vocab = static_cast<size_t>(route.plan.shape.vocab);
  std::vector<size_t> owners;  // of each row, in work.sequences
  for (size_t i = 0; i < work.sequences.size(); ++i)
    owners.resize(static_cast<size_t>(work.wanted.offsets[i + 1]), i);
  std::vector<float> of_prompt;
  for (int64_t from = 0; from < rows.rows(); from += kMost) {
    const int64_t count = std::min(kMost, rows.rows() - from);
    const Tensor logits = route.lm_head->logits(ops, rows.slice_rows(from, count));
    for (int64_t r = 0; r < count; ++r) {
      const auto row = static_cast<size_t>(from + r);
      const Sequence& sequence = sequences[work.sequences[owners[row]]];
      Generating& generating = *sequence.generating;
      const int64_t position = work.wanted.index[row];
      const int64_t written = position + 1 + sequence.drafted - sequence.tokens();
      // Its vector keeps its memory from step to step.
      std::vector<float>& all = written >= 0 ? generating.logits : of_prompt;
      all.resize(written >= 0 ? vocab * static_cast<size_t>(1 + sequence.drafted) : vocab);
      const std::span<float> values =
          std::span(all).subspan(vocab * static_cast<size_t>(std::max<int64_t>(0, written)), vocab);
      ops.download(logits.slice_rows(r, 1), values);
      if (generating.wants_prompt_rows() && position == generating.next_prompt_row()) {
        generating.prompt_logprobs.push_back(generation::logprobs_of(
            values, sequence.ids[static_cast<size_t>(position) + 1],
            *generating.writer.settings().asked->prompt_logprobs, *route.tokenizer));
      }
    }
  }
}

// Each route has a model of its own, or heads.
void Runner::run(Ops& ops, const std::vector<Sequence>& sequences) {
  if (routes_.size() == 1) return run_route(ops, sequences);
  for (size_t route = 0; route < routes_.size(); ++route) {
    std::vector<Sequence> own;
    std::ranges::copy_if(sequences, std::back_inserter(own),
                         [&](const Sequence& s) { return s.route == route; });
    if (!own.empty()) run_route(ops, own);
  }
}

Tensor Runner::hidden(Ops& ops, const Route& route, tensor::Batch& batch) {
  const bool rounds = cache_.dtype != tensor::DType::kF32;
  tensor::Cache* cache = cache_.groups > 0 || rounds ? &cache_ : nullptr;
  if (!route.layers) return route.model->forward(ops, batch, cache);
  std::vector<Tensor> states;
  const tensor::Rows wanted = std::exchange(batch.wanted, batch.rows);
  batch.layer_states = &states;
  states.push_back(route.model->forward(ops, batch, cache));
  batch.wanted = wanted;
  const Tensor rows = route.layers->mean(ops, std::move(states));
  return batch.all_wanted()
             ? rows
             : ops.gather_rows(rows, ops.upload_indices(tensor::wanted_positions(batch)));
}

void Runner::run_route(Ops& ops, const std::vector<Sequence>& sequences) {
  tensor::Batch batch = make_batch(sequences);
  const std::vector<HeadWork> work = head_work(sequences);
  batch.wanted = union_of(work, sequences.size());
  for (const Sequence& s : sequences) {
    if (s.is_chunk()) continue;
    Result& result = s.group->results[s.index];
    result.answer = {};  // a place for the answer of each head
    result.also.assign(s.tasks.size() - 1, {});
  }
  const bool stores = std::ranges::any_of(
      sequences, [](const Sequence& s) { return s.generating || !s.new_pages.empty(); });
  // What no row is wanted of is answered as it is beside others, of whom some are.
  for (const HeadWork& head : work) {
    if (head.wanted.count() != 0 || head.task == Task::kGenerate) continue;
    for (size_t i = 0; i < head.inputs.size(); ++i) {
      const Sequence& s = sequences[head.sequences[i]];
      give(without_rows(answer_of_nothing(ops, s.route, head.inputs[i])), head.inputs[i].task,
           s.group->results[s.index]);
    }
  }
  if (batch.wanted.count() == 0 && !stores) return;
  add_images(ops, *routes_[sequences.front().route].model, sequences, batch);
  const Tensor hidden = this->hidden(ops, routes_[sequences.front().route], batch);
  for (const HeadWork& head : work) {
    if (head.wanted.count() == 0) continue;
    const bool all = head.wanted.count() == batch.wanted.count();
    const Tensor rows =
        all ? hidden : ops.gather_rows(hidden, ops.upload_indices(places(head, batch.wanted)));
    if (head.task == Task::kGenerate) {
      take_logits(ops, routes_[sequences.front().route], rows, head, sequences);
      continue;
    }
    std::vector<Answer> answers = routes_[sequences.front().route].heads.at(head.task)->answer(
        ops, rows, head.wanted, head.inputs);
    for (size_t i = 0; i < answers.size(); ++i) {
      const Sequence& s = sequences[head.sequences[i]];
      give(std::move(answers[i]), head.inputs[i].task, s.group->results[s.index]);
    }
  }
}

Answer Runner::answer_of_nothing(Ops& ops, size_t route, const heads::HeadInput& input) const {
  const int64_t hidden = routes_[route].plan.shape.hidden;
  const std::vector<float> zeros(static_cast<size_t>(hidden));
  const tensor::Rows one{.offsets = {0, 1}, .index = {0}};
  const Task task = task_of(input.work->tasks[input.task]);
  return std::move(routes_[route]
                       .heads.at(task)
                       ->answer(ops, ops.upload(zeros, 1, hidden), one, std::span(&input, 1))
                       .front());
}

Result Runner::of_nothing(Ops& ops, const Sequence& sequence) const {
  Result result;
  give(answer_of_nothing(ops, sequence.route, {.work = &sequence}), 0, result);
  return result;
}

}  // namespace vecton::engine

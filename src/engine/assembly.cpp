#include "engine/assembly.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "vecton/error.h"

namespace vecton::engine {

namespace {

// The request for one side of a score.
Request side(const Request& request, const std::string& text, const std::vector<Image>& images,
             Role role, const Plan& plan) {
  Request one = request;
  one.prompt.input = text;
  one.prompt.images = images;
  one.prompt.role = role;
  if (plan.scorer != Scorer::kBiEncoder) {
    one.task = TokenEmbed{};
  } else if (plan.pipeline.gives_sparse()) {
    one.task = SparseEmbed{};
  } else {
    Embed embed;
    const bool cosine = plan.modules.similarity == checkpoint::Similarity::kCosine;
    if (cosine || plan.shape.pooled) embed.normalize = true;
    one.task = embed;
  }
  return one;
}

ops::Nearness nearness_of(checkpoint::Similarity similarity) {
  switch (similarity) {
    case checkpoint::Similarity::kCosine:
      return ops::Nearness::kCosine;
    case checkpoint::Similarity::kEuclidean:
      return ops::Nearness::kEuclidean;
    case checkpoint::Similarity::kManhattan:
      return ops::Nearness::kManhattan;
    default:
      return ops::Nearness::kDot;
  }
}

// Of the cosine of two vectors.
Tensor logits_of(Ops& ops, const models::PairLogits& pair, Tensor cosines) {
  return ops.standardize(std::move(cosines), -pair.bias / pair.scale, 1 / pair.scale);
}

// `prepare` for what stands in `field` of a request, and is read as an input of its own.
template <typename Prepare>
Sequence prepare_as(const std::string& field, const Prepare& prepare) try {
  return prepare();
} catch (const Error& e) {
  std::string own = e.field();
  if (own == "input") own = field;
  if (own == "images") own = field + "_images";
  throw Error(e.code(), e.what(), own);
}

void add_costs(const Result& part, Result& result) {
  result.usage.prompt_tokens += part.usage.prompt_tokens;
  result.usage.truncated |= part.usage.truncated;
  result.timings.tokenization += part.timings.tokenization;
  result.timings.queue = std::max(result.timings.queue, part.timings.queue);
  result.timings.inference = std::max(result.timings.inference, part.timings.inference);
  if (part.error()) result.answer = *part.error();
}

}  // namespace

Assembly::Assembly(const Routes& routes, const Writers* writers, int64_t most_tokens,
                   const std::vector<Request>& requests)
    : plan_(routes.plan(0)) {
  FetchedPictures fetched;
  const bool by_vectors =
      plan_.scorer == Scorer::kBiEncoder || plan_.scorer == Scorer::kLateInteraction;
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::string where = requests.size() == 1 ? "" : "input[" + std::to_string(i) + "]: ";
    std::optional<Request> rendered;
    if (std::holds_alternative<Chat>(requests[i].prompt.input))
      rendered = routes.render(requests[i], where);
    const Request& request = rendered ? *rendered : requests[i];
    const auto* score = std::get_if<Score>(&request.task);
    if (score && by_vectors) {
      items_.push_back(score_item(routes, request, *score, where, fetched));
      continue;
    }
    const auto* classify = std::get_if<Classify>(&request.task);
    if (classify && !classify->candidates.empty() && plan_.images && plan_.images->pooled) {
      items_.push_back(candidates_item(routes, request, *classify, where, fetched));
      continue;
    }
    if (std::holds_alternative<Generate>(request.task)) {
      Item item{.kind = Kind::kCompletions, .sequences = {}};
      Sequence prepared = routes.prepare(request, where, &fetched);
      try {
        for (Sequence& sequence : writers->make(std::move(prepared), request, i, most_tokens))
          item.sequences.push_back(add(std::move(sequence)));
      } catch (const Error& e) {
        throw Error(e.code(), where + e.what(), e.field());
      }
      items_.push_back(std::move(item));
      continue;
    }
    const std::vector<Request> pieces = routes.pieces(request, where);
    Item item{.kind = pieces.empty() ? Kind::kWhole : Kind::kPieces, .sequences = {}};
    if (pieces.empty()) item.sequences = {add(routes.prepare(request, where, &fetched))};
    for (const Request& piece : pieces)
      item.sequences.push_back(add(routes.prepare(piece, where, &fetched)));
    items_.push_back(std::move(item));
  }
}

size_t Assembly::add(Sequence sequence) {
  if (sequence.ids.empty()) {
    empty_.push_back(std::move(sequence));
    return kFirstEmpty + empty_.size() - 1;
  }
  tokens_.push_back(sequence.tokens());
  sequences_.push_back(std::move(sequence));
  return sequences_.size() - 1;
}

Assembly::Item Assembly::score_item(const Routes& routes, const Request& request, const Score& task,
                                    const std::string& where, FetchedPictures& fetched) {
  const auto* text = std::get_if<std::string>(&request.prompt.input);
  if (!task.document || !text || task.instruction)
    routes.prepare(request, where);  // says what is wrong
  if (!request.also.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                where + "also: other tasks do not come of a score that compares vectors", "also");
  }
  Sequence query = routes.prepare(side(request, *text, request.prompt.images, Role::kQuery, plan_),
                                  where, &fetched);
  // Queries that come to the same work, as those of one ranking do, are computed once.
  const bool scored = !items_.empty() && items_.back().kind == Kind::kScore;
  const size_t previous = scored ? items_.back().sequences.front() : kFirstEmpty;
  const bool again =
      previous < kFirstEmpty && static_cast<const heads::Work&>(query) == sequences_[previous];
  Item item{.kind = Kind::kScore, .activated = task.use_activation.value_or(true)};
  item.sequences.push_back(again ? previous : add(std::move(query)));
  const Request document =
      side(request, *task.document, task.document_images, Role::kDocument, plan_);
  item.sequences.push_back(
      add(prepare_as("document", [&] { return routes.prepare(document, where, &fetched); })));
  return item;
}

Assembly::Item Assembly::candidates_item(const Routes& routes, const Request& request,
                                         const Classify& task, const std::string& where,
                                         FetchedPictures& fetched) {
  const auto refuse = [&](const std::string& message, const char* field) {
    throw Error(ErrorCode::kInvalidArgument, where + message, field);
  };
  const auto* text = std::get_if<std::string>(&request.prompt.input);
  if (!text || !text->empty() || request.prompt.images.size() != 1)
    refuse("candidates: the input must be one image, without a text", "candidates");
  if (task.pair) refuse("candidates: a second text is for classifiers of pairs", "pair");
  if (!request.also.empty())
    refuse("also: other tasks do not come of an image and candidates", "also");
  Item item{.kind = Kind::kCandidates, .activated = task.use_activation.value_or(true)};
  item.sequences.push_back(add(routes.prepare(
      side(request, "", request.prompt.images, Role::kNone, plan_), where, &fetched)));
  for (size_t i = 0; i < task.candidates.size(); ++i) {
    const Request candidate = side(request, task.candidates[i], {}, Role::kNone, plan_);
    const std::string place = where + "candidates[" + std::to_string(i) + "]: ";
    item.sequences.push_back(
        add(prepare_as("candidates", [&] { return routes.prepare(candidate, place); })));
  }
  return item;
}

size_t Assembly::place_of(const std::vector<Result>& parts, size_t index) const {
  return index < kFirstEmpty ? index : parts.size() - empty_.size() + (index - kFirstEmpty);
}

const Result& Assembly::part_of(const std::vector<Result>& parts, size_t index) const {
  return parts[place_of(parts, index)];
}

void Assembly::Documents::add(const Answer& document) {
  const Numbers numbers = numbers_of(document);
  rows.insert(rows.end(), numbers.values.begin(), numbers.values.end());
  const auto* sparse = std::get_if<SparseVector>(&document);
  if (sparse) ids.insert(ids.end(), sparse->ids.begin(), sparse->ids.end());
  offsets.push_back(offsets.back() + static_cast<int32_t>(sparse ? numbers.columns : numbers.rows));
}

// How near the query of `group` is to each of its documents, [1, documents]. The cosine of vectors
// of length 1 is MaxSim of one token each, as the dot product is of any.
Tensor Assembly::compare(Ops& ops, const Answer& query, const Documents& group) const {
  const checkpoint::Similarity how = plan_.modules.similarity;
  const Numbers numbers = numbers_of(query);
  const Tensor of_query = ops.upload(numbers.values, numbers.rows, numbers.columns);
  if (const auto* sparse = std::get_if<SparseVector>(&query)) {
    const ops::SparseRows sparse_query{
        .values = of_query,
        .columns = ops.upload_indices(sparse->ids),
        .offsets = ops.upload_indices({0, static_cast<int32_t>(numbers.columns)})};
    const ops::SparseRows sparse_documents{
        .values = ops.upload(group.rows, 1, group.offsets.back()),
        .columns = ops.upload_indices(group.ids),
        .offsets = ops.upload_indices(group.offsets)};
    return ops.nearness(sparse_query, sparse_documents, nearness_of(how));
  }
  const Tensor of_documents = ops.upload(group.rows, group.offsets.back(), numbers.columns);
  if (how == checkpoint::Similarity::kEuclidean || how == checkpoint::Similarity::kManhattan)
    return ops.nearness(of_query, of_documents, nearness_of(how));
  Tensor scores = ops.max_sim(of_query, of_documents, ops.upload_indices(group.offsets));
  if (how == checkpoint::Similarity::kMeanMaxSim)
    scores = ops.standardize(std::move(scores), 0, static_cast<double>(numbers.rows));
  return scores;
}

// Documents of one query together; the scores of all queries are read at once.
void Assembly::score(Ops& ops, const std::vector<Result>& parts,
                     const std::optional<models::PairLogits>& pair,
                     std::vector<Result>& results) const {
  std::vector<Tensor> scores, logits;
  std::vector<std::vector<size_t>> scored;  // by them
  for (size_t i = 0; i < items_.size();) {
    if (items_[i].kind != Kind::kScore) {
      ++i;
      continue;
    }
    const size_t query_index = items_[i].sequences.front();
    const Result& query = part_of(parts, query_index);
    Documents group;
    std::vector<size_t> own;
    for (; i < items_.size() && items_[i].kind == Kind::kScore &&
           items_[i].sequences.front() == query_index;
         ++i) {
      const Result& document = part_of(parts, items_[i].sequences.back());
      add_costs(query, results[i]);
      add_costs(document, results[i]);
      if (results[i].error()) continue;
      results[i].answer = Relevance{};  // without a token on one side
      if (numbers_of(query.answer).rows == 0 || numbers_of(document.answer).rows == 0) continue;
      own.push_back(i);
      group.add(document.answer);
    }
    if (own.empty()) continue;
    const Tensor near = compare(ops, query.answer, group);
    if (pair) logits.push_back(logits_of(ops, *pair, near));
    scores.push_back(pair && pair->sigmoid ? ops.sigmoid(logits.back()) : near);
    scored.push_back(std::move(own));
  }
  const std::vector<std::vector<float>> read = ops.download_all(scores),
                                        own_logits = ops.download_all(logits);
  const std::vector<std::vector<float>>& before = pair ? own_logits : read;
  for (size_t group = 0; group < scored.size(); ++group) {
    for (size_t j = 0; j < scored[group].size(); ++j) {
      const size_t item = scored[group][j];
      const float logit = before[group][j];
      const bool activated = items_[item].activated || !pair;
      results[item].answer = Relevance{.score = activated ? read[group][j] : logit, .logit = logit};
    }
  }
}

// Each candidate for itself, or one of them.
Result Assembly::choose(Ops& ops, const Item& item, const std::vector<Result>& parts,
                        const models::PairLogits& pair) const {
  Result result;
  Documents candidates;
  for (const size_t index : item.sequences) add_costs(part_of(parts, index), result);
  if (result.error()) return result;
  for (const size_t index : std::span(item.sequences).subspan(1))
    candidates.add(part_of(parts, index).answer);
  const Answer& image = part_of(parts, item.sequences.front()).answer;
  Tensor values = logits_of(ops, pair, compare(ops, image, candidates));
  if (item.activated)
    values = pair.sigmoid ? ops.sigmoid(std::move(values)) : ops.softmax(std::move(values));
  Labels labels{.rows = 1, .columns = values.columns()};
  labels.values.resize(static_cast<size_t>(labels.columns));
  ops.download(values, labels.values);
  result.answer = std::move(labels);
  return result;
}

// The mean of the pieces' vectors, weighted by their lengths; of length 1 where they are.
Result Assembly::join(Ops& ops, const Item& item, const std::vector<Result>& parts) const {
  Result result;
  std::vector<float> rows;
  std::vector<double> weights;
  for (const size_t index : item.sequences) {
    const Result& part = parts[index];
    add_costs(part, result);
    const std::span<const float> values = numbers_of(part.answer).values;
    rows.insert(rows.end(), values.begin(), values.end());
    weights.push_back(static_cast<double>(tokens_[index]));
  }
  if (result.error()) return result;
  const auto pieces = static_cast<int64_t>(weights.size());
  Vectors mean{.rows = 1, .columns = static_cast<int64_t>(rows.size()) / pieces};
  mean.values.resize(static_cast<size_t>(mean.columns));
  ops.download(ops.weighted_mean(ops.upload(rows, pieces, mean.columns), weights, plan_.normalize),
               mean.values);
  result.answer = std::move(mean);
  return result;
}

Result Assembly::join_completions(const Item& item, std::vector<Result>& parts) {
  Result result = std::move(parts[item.sequences.front()]);
  for (size_t i = 1; i < item.sequences.size() && !result.error(); ++i) {
    Result& part = parts[item.sequences[i]];
    if (part.error()) {
      result.answer = *part.error();
      break;
    }
    Generation& own = std::get<Generation>(part.answer);
    result.get<Generation>().completions.push_back(std::move(own.completions.front()));
    result.timings.inference = std::max(result.timings.inference, part.timings.inference);
  }
  return result;
}

std::vector<Result> Assembly::assemble(Ops& ops, const Runner& runner,
                                       std::vector<Result> parts) const {
  for (const Sequence& sequence : empty_) parts.push_back(runner.of_nothing(ops, sequence));
  std::vector<Result> results(items_.size());
  const std::optional<models::PairLogits> pair = runner.pair_logits();
  score(ops, parts, pair, results);
  for (size_t i = 0; i < items_.size(); ++i) {
    if (items_[i].kind == Kind::kWhole)
      results[i] = std::move(parts[place_of(parts, items_[i].sequences.front())]);
    if (items_[i].kind == Kind::kCompletions) results[i] = join_completions(items_[i], parts);
    if (items_[i].kind == Kind::kCandidates)
      results[i] = choose(ops, items_[i], parts, pair.value_or(models::PairLogits{}));
    if (items_[i].kind == Kind::kPieces) results[i] = join(ops, items_[i], parts);
  }
  return results;
}

}  // namespace vecton::engine

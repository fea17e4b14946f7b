#include "engine/assembly.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace vecton {

namespace {

// The request for one side of a score.
Request side(const Request& request, const std::string& text, Role role, const Plan& plan) {
  Request one = request;
  one.task = plan.scorer != Scorer::kBiEncoder ? Task::kTokenEmbed
             : plan.pipeline.gives_sparse()    ? Task::kSparseEmbed
                                               : Task::kEmbed;
  one.input = text;
  one.pair.reset();
  one.role = role;
  one.use_activation.reset();
  if (plan.modules.similarity == Similarity::kCosine && one.task == Task::kEmbed)
    one.use_activation = true;
  return one;
}

double distance(std::span<const float> a, std::span<const float> b, Similarity how) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = double{a[i]} - b[i];
    sum += how == Similarity::kManhattan ? std::abs(d) : d * d;
  }
  return how == Similarity::kManhattan ? sum : std::sqrt(sum);
}

// The same of vectors that are weights of tokens; a token that one of them lacks weighs 0 there.
float sparse_similarity(const Result& query, const Result& document, Similarity how) {
  std::map<int32_t, std::pair<double, double>> weights;
  for (size_t i = 0; i < query.ids.size(); ++i) weights[query.ids[i]].first = query.values[i];
  for (size_t i = 0; i < document.ids.size(); ++i)
    weights[document.ids[i]].second = document.values[i];
  double dot = 0, of_query = 0, of_document = 0, squares = 0, differences = 0;
  for (const auto& [token, both] : weights) {
    const auto [a, b] = both;
    dot += a * b;
    of_query += a * a;
    of_document += b * b;
    squares += (a - b) * (a - b);
    differences += std::abs(a - b);
  }
  switch (how) {
    case Similarity::kEuclidean:
      return static_cast<float>(-std::sqrt(squares));
    case Similarity::kManhattan:
      return static_cast<float>(-differences);
    case Similarity::kCosine: {
      const double lengths = std::sqrt(of_query) * std::sqrt(of_document);
      return static_cast<float>(lengths > 0 ? dot / lengths : 0);
    }
    default:
      return static_cast<float>(dot);
  }
}

void add_costs(const Result& part, Result& result) {
  result.prompt_tokens += part.prompt_tokens;
  result.truncated |= part.truncated;
  result.timings.tokenization += part.timings.tokenization;
  result.timings.queue = std::max(result.timings.queue, part.timings.queue);
  result.timings.inference = std::max(result.timings.inference, part.timings.inference);
  if (part.error) result.error = part.error;
}

}  // namespace

Assembly::Assembly(const Routes& routes, const std::vector<Request>& requests)
    : plan_(routes.plan(0)) {
  const bool by_vectors =
      plan_.scorer == Scorer::kBiEncoder || plan_.scorer == Scorer::kLateInteraction;
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::string where = requests.size() == 1 ? "" : "input[" + std::to_string(i) + "]: ";
    const Request& request = requests[i];
    if (request.task == Task::kScore && by_vectors) {
      items_.push_back(score_item(routes, request, where));
      continue;
    }
    const std::vector<Request> pieces = routes.pieces(request, where);
    Item item{.kind = pieces.empty() ? Kind::kWhole : Kind::kPieces, .sequences = {}};
    if (pieces.empty()) item.sequences = {add(routes, routes.prepare(request, where))};
    for (const Request& piece : pieces)
      item.sequences.push_back(add(routes, routes.prepare(piece, where)));
    items_.push_back(std::move(item));
  }
}

size_t Assembly::add(const Routes& routes, Sequence sequence) {
  if (sequence.ids.empty()) {
    const int64_t columns =
        sequence.dimensions.value_or(routes.plan(sequence.route).embedding_size);
    Result zero;
    zero.rows = 1;
    zero.columns = columns;
    zero.values.resize(static_cast<size_t>(columns));
    zeros_.push_back(std::move(zero));
    return kFirstZero + zeros_.size() - 1;
  }
  tokens_.push_back(sequence.tokens());
  sequences_.push_back(std::move(sequence));
  return sequences_.size() - 1;
}

Assembly::Item Assembly::score_item(const Routes& routes, const Request& request,
                                    const std::string& where) {
  if (!request.pair || !std::holds_alternative<std::string>(request.input))
    routes.prepare(request, where);  // says what is wrong
  Sequence query = routes.prepare(
      side(request, std::get<std::string>(request.input), Role::kQuery, plan_), where);
  // Queries that come to the same work, as those of one ranking do, are computed once.
  const bool scored = !items_.empty() && items_.back().kind == Kind::kScore;
  const size_t previous = scored ? items_.back().sequences.front() : kFirstZero;
  const bool again =
      previous < kFirstZero && static_cast<const Work&>(query) == sequences_[previous];
  Item item{.kind = Kind::kScore, .sequences = {}};
  item.sequences.push_back(again ? previous : add(routes, std::move(query)));
  item.sequences.push_back(
      add(routes, routes.prepare(side(request, *request.pair, Role::kDocument, plan_), where)));
  return item;
}

const Result& Assembly::part_of(const std::vector<Result>& parts, size_t index) const {
  return index < kFirstZero ? parts[index] : zeros_[index - kFirstZero];
}

// How near a query is to each document of rows offsets[i] .. offsets[i + 1]. The cosine of vectors
// of length 1 is MaxSim of one token each, as the dot product is of any.
std::vector<float> Assembly::compare(Ops& ops, const Result& query, std::span<const float> rows,
                                     std::span<const int32_t> offsets) const {
  const Similarity how = plan_.modules.similarity;
  std::vector<float> scores(offsets.size() - 1);
  if (how == Similarity::kEuclidean || how == Similarity::kManhattan) {
    for (size_t i = 0; i < scores.size(); ++i) {
      const auto document = rows.subspan(i * query.values.size(), query.values.size());
      scores[i] = static_cast<float>(-distance(query.values, document, how));
    }
    return scores;
  }
  ops.download(ops.max_sim(ops.upload(query.values, query.rows, query.columns),
                           ops.upload(rows, offsets.back(), query.columns),
                           ops.upload_indices({offsets.begin(), offsets.end()})),
               scores);
  if (how == Similarity::kMeanMaxSim) {
    for (float& score : scores) score /= static_cast<float>(query.rows);
  }
  return scores;
}

// Documents of one query together.
void Assembly::score(Ops& ops, const std::vector<Result>& parts,
                     std::vector<Result>& results) const {
  for (size_t i = 0; i < items_.size();) {
    if (items_[i].kind != Kind::kScore) {
      ++i;
      continue;
    }
    const size_t query_index = items_[i].sequences.front();
    const Result& query = part_of(parts, query_index);
    std::vector<size_t> scored;
    std::vector<float> rows;
    std::vector<int32_t> offsets{0};
    for (; i < items_.size() && items_[i].kind == Kind::kScore &&
           items_[i].sequences.front() == query_index;
         ++i) {
      const Result& document = part_of(parts, items_[i].sequences.back());
      add_costs(query, results[i]);
      add_costs(document, results[i]);
      if (results[i].error) continue;
      results[i].rows = results[i].columns = 1;
      results[i].values = {0};  // without a token on one side
      if (plan_.pipeline.gives_sparse()) {
        results[i].logit = sparse_similarity(query, document, plan_.modules.similarity);
        results[i].values = {results[i].logit};
        continue;
      }
      if (query.rows == 0 || document.rows == 0) continue;
      scored.push_back(i);
      rows.insert(rows.end(), document.values.begin(), document.values.end());
      offsets.push_back(offsets.back() + static_cast<int32_t>(document.rows));
    }
    if (scored.empty()) continue;
    const std::vector<float> scores = compare(ops, query, rows, offsets);
    for (size_t j = 0; j < scored.size(); ++j) {
      results[scored[j]].values = {scores[j]};
      results[scored[j]].logit = scores[j];
    }
  }
}

// The mean of the pieces' vectors, weighted by their lengths; of length 1 where they are.
Result Assembly::join(const Item& item, const std::vector<Result>& parts) const {
  Result result;
  std::vector<double> sum;
  double total = 0;
  for (const size_t index : item.sequences) {
    const Result& part = parts[index];
    add_costs(part, result);
    const auto weight = static_cast<double>(tokens_[index]);
    sum.resize(part.values.size());
    for (size_t j = 0; j < part.values.size(); ++j) sum[j] += weight * part.values[j];
    total += weight;
  }
  if (result.error) return result;
  double length = 0;
  for (double& x : sum) {
    x /= total;
    length += x * x;
  }
  const double divisor = plan_.normalize ? std::max(std::sqrt(length), 1e-12) : 1;
  for (const double x : sum) result.values.push_back(static_cast<float>(x / divisor));
  result.rows = 1;
  result.columns = static_cast<int64_t>(sum.size());
  return result;
}

std::vector<Result> Assembly::assemble(Ops& ops, std::vector<Result> parts) const {
  std::vector<Result> results(items_.size());
  score(ops, parts, results);
  for (size_t i = 0; i < items_.size(); ++i) {
    const size_t first = items_[i].sequences.front();
    if (items_[i].kind == Kind::kWhole)
      results[i] = first < kFirstZero ? std::move(parts[first]) : zeros_[first - kFirstZero];
    if (items_[i].kind == Kind::kPieces) results[i] = join(items_[i], parts);
  }
  return results;
}

}  // namespace vecton

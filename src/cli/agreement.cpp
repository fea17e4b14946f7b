#include "cli/agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/dot_product.h"

namespace vecton::cli {

namespace {

constexpr size_t kMostTexts = 1000;  // whose neighbours are looked for
constexpr size_t kMostQueries = 8;   // that are compared with all other texts by MaxSim

// Of two that point nowhere 1, of one 0.
double cosine(double product, double squares_a, double squares_b) {
  if (squares_a == 0 && squares_b == 0) return 1;
  if (squares_a == 0 || squares_b == 0) return 0;
  return product / std::sqrt(squares_a * squares_b);
}

double cosine(std::span<const float> a, std::span<const float> b) {
  return cosine(base::dot_product(a, b), base::dot_product(a, a), base::dot_product(b, b));
}

double cosine(const SparseVector& a, const SparseVector& b) {
  std::map<int32_t, float> values;
  double common = 0, squares_a = 0, squares_b = 0;
  for (size_t i = 0; i < a.ids.size(); ++i) {
    values[a.ids[i]] = a.values[i];
    squares_a += double{a.values[i]} * a.values[i];
  }
  for (size_t i = 0; i < b.ids.size(); ++i) {
    squares_b += double{b.values[i]} * b.values[i];
    if (const auto place = values.find(b.ids[i]); place != values.end())
      common += double{place->second} * b.values[i];
  }
  return cosine(common, squares_a, squares_b);
}

std::span<const float> row_of(const Vectors& vectors, int64_t row) {
  return std::span(vectors.values)
      .subspan(static_cast<size_t>(row * vectors.columns), static_cast<size_t>(vectors.columns));
}

const Vectors& vectors_of(const Result& result) { return result.get<Vectors>(); }

std::set<size_t> nearest(std::span<const Result> results, size_t text, size_t count) {
  std::vector<std::pair<double, size_t>> others;
  for (size_t i = 0; i < results.size(); ++i) {
    if (i != text)
      others.emplace_back(-cosine(vectors_of(results[text]).values, vectors_of(results[i]).values),
                          i);
  }
  std::ranges::partial_sort(others, others.begin() + static_cast<std::ptrdiff_t>(count));
  std::set<size_t> found;
  for (size_t i = 0; i < count; ++i) found.insert(others[i].second);
  return found;
}

double neighbours_kept(std::span<const Result> exact, std::span<const Result> other) {
  constexpr size_t kNeighbours = 10;
  size_t kept = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const std::set<size_t> want = nearest(exact, i, kNeighbours),
                           got = nearest(other, i, kNeighbours);
    kept += static_cast<size_t>(
        std::ranges::count_if(got, [&](size_t text) { return want.contains(text); }));
  }
  return static_cast<double>(kept) / static_cast<double>(kNeighbours * exact.size());
}

double max_sim(const Vectors& query, const Vectors& document) {
  double sum = 0;
  for (int64_t i = 0; i < query.rows; ++i) {
    double best = -std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < document.rows; ++j)
      best = std::max(best, base::dot_product(row_of(query, i), row_of(document, j)));
    sum += best;
  }
  return sum;
}

double max_sim_tau(std::span<const Result> exact, std::span<const Result> other) {
  double sum = 0;
  const size_t queries = std::min(kMostQueries, exact.size());
  for (size_t query = 0; query < queries; ++query) {
    std::vector<double> want, got;
    for (size_t i = 0; i < exact.size(); ++i) {
      if (i == query) continue;
      want.push_back(max_sim(vectors_of(exact[query]), vectors_of(exact[i])));
      got.push_back(max_sim(vectors_of(other[query]), vectors_of(other[i])));
    }
    sum += kendall_tau(want, got);
  }
  return sum / static_cast<double>(queries);
}

std::vector<Measure> of_cosines(const std::vector<double>& cosines) {
  double sum = 0;
  for (const double value : cosines) sum += value;
  return {{"least_cosine", *std::ranges::min_element(cosines)},
          {"mean_cosine", sum / static_cast<double>(cosines.size())}};
}

std::vector<Measure> of_vectors(std::span<const Result> exact, std::span<const Result> other) {
  std::vector<double> cosines;
  bool one_each = true;
  for (size_t i = 0; i < exact.size(); ++i) {
    const Vectors &want = vectors_of(exact[i]), &got = vectors_of(other[i]);
    one_each &= want.rows == 1;
    for (int64_t row = 0; row < want.rows; ++row)
      cosines.push_back(cosine(row_of(want, row), row_of(got, row)));
  }
  std::vector<Measure> made = of_cosines(cosines);
  const size_t count = std::min(kMostTexts, exact.size());
  if (one_each && count > 11)
    made.push_back({"top10_kept", neighbours_kept(exact.first(count), other.first(count))});
  if (!one_each && count > 2)
    made.push_back({"max_sim_tau", max_sim_tau(exact.first(count), other.first(count))});
  return made;
}

std::vector<Measure> of_sparse(std::span<const Result> exact, std::span<const Result> other) {
  std::vector<double> cosines;
  for (size_t i = 0; i < exact.size(); ++i)
    cosines.push_back(cosine(exact[i].get<SparseVector>(), other[i].get<SparseVector>()));
  return of_cosines(cosines);
}

std::vector<Measure> of_labels(std::span<const Result> exact, std::span<const Result> other) {
  size_t rows = 0, same = 0;
  double largest = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const Labels &want = exact[i].get<Labels>(), &got = other[i].get<Labels>();
    for (size_t k = 0; k < want.values.size(); ++k)
      largest = std::max(largest, std::abs(double{want.values[k]} - got.values[k]));
    for (int64_t row = 0; row < want.rows; ++row, ++rows) {
      const auto likeliest = [&](const Labels& labels) {
        const auto begin = labels.values.begin() + row * labels.columns;
        return std::max_element(begin, begin + labels.columns) - begin;
      };
      same += likeliest(want) == likeliest(got) ? 1 : 0;
    }
  }
  return {{"same_label", rows == 0 ? 1 : static_cast<double>(same) / static_cast<double>(rows)},
          {"largest_difference", largest}};
}

std::vector<Measure> of_relevance(std::span<const Result> exact, std::span<const Result> other) {
  std::vector<double> want, got;
  double largest = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const Relevance &a = exact[i].get<Relevance>(), &b = other[i].get<Relevance>();
    want.push_back(a.logit);
    got.push_back(b.logit);
    largest = std::max(largest, std::abs(double{a.score} - b.score));
  }
  return {{"kendall_tau", kendall_tau(want, got)}, {"largest_difference", largest}};
}

std::vector<Measure> of_completions(std::span<const Result> exact, std::span<const Result> other) {
  size_t tokens = 0, same = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const std::vector<int32_t>&want = exact[i].get<Generation>().completions.front().token_ids,
          &got = other[i].get<Generation>().completions.front().token_ids;
    tokens += want.size();
    same += static_cast<size_t>(std::ranges::mismatch(want, got).in1 - want.begin());
  }
  return {
      {"same_tokens", tokens == 0 ? 1 : static_cast<double>(same) / static_cast<double>(tokens)}};
}

}  // namespace

double kendall_tau(std::span<const double> a, std::span<const double> b) {
  double sum = 0, pairs_a = 0, pairs_b = 0;
  const auto sign = [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; };
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const double one = sign(a[i] - a[j]), two = sign(b[i] - b[j]);
      sum += one * two;
      pairs_a += one * one;
      pairs_b += two * two;
    }
  }
  return cosine(sum, pairs_a, pairs_b);
}

std::vector<Measure> agreement(std::span<const Result> exact, std::span<const Result> other) {
  const Answer& kind = exact.front().answer;
  if (std::holds_alternative<SparseVector>(kind)) return of_sparse(exact, other);
  if (std::holds_alternative<Labels>(kind)) return of_labels(exact, other);
  if (std::holds_alternative<Relevance>(kind)) return of_relevance(exact, other);
  if (std::holds_alternative<Generation>(kind)) return of_completions(exact, other);
  return of_vectors(exact, other);
}

}  // namespace vecton::cli

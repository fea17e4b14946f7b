// How near the answers of one way to compute are to those of another, by the measures that people
// judge each kind of answer by.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "vecton/request.h"

namespace vecton::cli {

struct Measure {
  std::string name;  // "least_cosine"
  double value = 0;
};

// `exact` and `other` are answers to the same requests, none of them an error. Of
// - vectors and sparse vectors: least_cosine and mean_cosine of all rows. Where each text has one
//   row, and there are more than ten, top10_kept: which share of the ten nearest texts of each are
//   the same. Where a text has a row for each token, max_sim_tau: Kendall's tau of the scores that
//   each of the first texts gives all others.
// - labels: same_label, the share of rows with the same likeliest one, and largest_difference.
// - relevance: kendall_tau of the scores, and largest_difference.
// - completions: same_tokens, the share of tokens up to the first that differs.
std::vector<Measure> agreement(std::span<const Result> exact, std::span<const Result> other);

// Kendall's tau-b of two lists: 1 = the same order; ties count as neither order. 1 where all are
// ties in both.
double kendall_tau(std::span<const double> a, std::span<const double> b);

}  // namespace vecton::cli

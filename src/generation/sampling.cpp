#include "generation/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "generation/random.h"

namespace vecton::generation {

namespace {

bool has_penalties(const Sampling& s) {
  return s.repetition_penalty != 1 || s.presence_penalty != 0 || s.frequency_penalty != 0;
}

bool is_known(int32_t id, std::span<const float> logits) {
  return id >= 0 && static_cast<size_t>(id) < logits.size();
}

void forbid(std::span<float> logits, int32_t id) {
  if (is_known(id, logits)) logits[static_cast<size_t>(id)] = kNever;
}

void keep_only(std::span<float> logits, const std::vector<int32_t>& allowed) {
  std::vector<std::pair<int32_t, float>> kept;
  for (const int32_t id : allowed) {
    if (is_known(id, logits)) kept.emplace_back(id, logits[static_cast<size_t>(id)]);
  }
  std::ranges::fill(logits, kNever);
  for (const auto& [id, logit] : kept) logits[static_cast<size_t>(id)] = logit;
}

// The last token of a bad word that the completion ends with the beginning of.
void forbid_bad_words(std::span<float> logits, const Sampling& sampling,
                      const std::vector<int32_t>& ids) {
  for (const std::vector<int32_t>& word : sampling.bad_words) {
    const size_t before = word.size() - 1;
    if (before > ids.size()) continue;
    if (std::equal(word.begin(), word.end() - 1, ids.end() - static_cast<std::ptrdiff_t>(before)))
      forbid(logits, word.back());
  }
}

// What an extreme penalty leaves of a logit is still a number, which a temperature can divide.
constexpr float kMost = 1e30F;

void punish(std::span<float> logits, const Sampling& s, const History& history) {
  using Limits = std::numeric_limits<float>;
  const auto repetition =
      static_cast<float>(std::clamp<double>(s.repetition_penalty, Limits::min(), Limits::max()));
  const auto repeated = [&](int32_t id) {
    float& logit = logits[static_cast<size_t>(id)];
    if (logit == kNever) return;
    logit = std::clamp(logit > 0 ? logit / repetition : logit * repetition, -kMost, kMost);
  };
  if (s.repetition_penalty != 1 && s.repetition_context_size) {
    for (const int32_t id : history.last(*s.repetition_context_size)) {
      if (is_known(id, logits)) repeated(id);
    }
  } else if (s.repetition_penalty != 1) {
    for (const int32_t id : history.prompt()) {
      if (is_known(id, logits)) repeated(id);
    }
    for (const auto& [id, count] : history.counts()) {
      if (is_known(id, logits) && !history.in_prompt(id)) repeated(id);
    }
  }
  for (const auto& [id, count] : history.counts()) {
    if (!is_known(id, logits)) continue;
    float& logit = logits[static_cast<size_t>(id)];
    logit -= static_cast<float>(s.frequency_penalty) * static_cast<float>(count);
    logit -= static_cast<float>(s.presence_penalty);
  }
}

// The k largest and all that equal the last of them.
void keep_top_k(std::vector<Candidate>& all, int64_t k) {
  if (k <= 0 || k >= static_cast<int64_t>(all.size())) return;
  std::vector<double> values;
  values.reserve(all.size());
  for (const Candidate& c : all) values.push_back(c.probability);
  std::ranges::nth_element(values, values.begin() + (k - 1), std::greater<>());
  const double least = values[static_cast<size_t>(k - 1)];
  std::erase_if(all, [&](const Candidate& c) { return c.probability < least; });
}

// Those that the least likely make less than 1 - p with go; the likeliest stays.
void keep_top_p(std::vector<Candidate>& all, double p) {
  if (p >= 1 || all.size() < 2) return;
  double sum = 0;
  for (const Candidate& c : all) sum += c.probability;
  const double least = (1 - p) * sum;
  const auto less = [](const Candidate& a, const Candidate& b) {
    return a.probability != b.probability ? a.probability < b.probability : a.id > b.id;
  };
  // All before `begin` go; those from `end` on stay. Halves are summed up until one is left.
  size_t begin = 0, end = all.size() - 1;
  std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(end), less);
  double gone = 0;
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    const auto at = [&](size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(begin), at(middle), at(end), less);
    double half = 0;
    for (size_t i = begin; i <= middle; ++i) half += all[i].probability;
    if (gone + half <= least) {
      gone += half;
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(begin));
  std::ranges::sort(all, {}, &Candidate::id);
}

}  // namespace

History::Prompt History::kept_of(std::span<const int32_t> prompt, const Sampling& sampling) {
  if (sampling.repetition_penalty == 1) return {};
  if (!sampling.repetition_context_size) return {.ids = {prompt.begin(), prompt.end()}, .end = {}};
  const auto size = std::min<int64_t>(std::ssize(prompt), *sampling.repetition_context_size);
  return {.ids = {}, .end = {prompt.end() - size, prompt.end()}};
}

History::History(std::span<const int32_t> prompt, const Sampling& sampling)
    : prompt_(std::make_shared<const Prompt>(kept_of(prompt, sampling))),
      counts_needed_(has_penalties(sampling)) {}

void History::add(int32_t id) {
  ids_.push_back(id);
  if (counts_needed_) ++counts_[id];
}

std::unordered_set<int32_t> History::last(int64_t context_size) const {
  const auto of = [](const std::vector<int32_t>& ids, int64_t size) {
    return std::span(ids).last(static_cast<size_t>(std::min<int64_t>(size, std::ssize(ids))));
  };
  const auto written = of(ids_, context_size);
  const auto read = of(prompt_->end, context_size - std::ssize(written));
  std::unordered_set<int32_t> ids(written.begin(), written.end());
  ids.insert(read.begin(), read.end());
  return ids;
}

void mask(std::span<float> logits, std::span<const uint64_t> allowed) {
  for (size_t i = 0; i < logits.size(); ++i) {
    if ((allowed[i / 64] >> (i % 64) & 1) == 0) logits[i] = kNever;
  }
}

bool leaves_alone(const Sampling& s) {
  return !s.allowed_token_ids && s.bad_words.empty() && s.logit_bias.empty() && !has_penalties(s);
}

void adjust(std::span<float> logits, const Sampling& sampling, const History& history,
            std::span<const int32_t> never) {
  if (leaves_alone(sampling) && never.empty()) return;
  if (sampling.allowed_token_ids) keep_only(logits, *sampling.allowed_token_ids);
  forbid_bad_words(logits, sampling, history.ids());
  for (const int32_t id : never) forbid(logits, id);
  for (const auto& [id, bias] : sampling.logit_bias) {
    if (is_known(id, logits)) logits[static_cast<size_t>(id)] += bias;
  }
  punish(logits, sampling, history);
}

// The largest number, which NaN is not; lane by lane, so that compilers make vectors of it.
static float largest(std::span<const float> x) {
  std::array<float, 16> lanes;
  lanes.fill(kNever);
  size_t i = 0;
  for (; i + lanes.size() <= x.size(); i += lanes.size()) {
    for (size_t j = 0; j < lanes.size(); ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  for (; i < x.size(); ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  return std::ranges::max(lanes);
}

int32_t argmax(std::span<const float> logits) {
  constexpr size_t kBlock = 4096;  // of which one is looked through for the number's place
  float most = kNever;
  std::span<const float> best;
  for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const auto block = logits.subspan(begin, std::min(kBlock, logits.size() - begin));
    const float here = largest(block);
    if (here > most) {
      most = here;
      best = block;
    }
  }
  if (best.empty()) return -1;
  return static_cast<int32_t>(&*std::ranges::find(best, most) - logits.data());
}

std::vector<Candidate> candidates(std::span<const float> logits, const Sampling& sampling) {
  const int32_t best = argmax(logits);
  if (best < 0) return {};
  if (sampling.greedy()) return {{.id = best, .probability = 1}};
  const double most = logits[static_cast<size_t>(best)];
  // Logits below ln(least) under the best have a float's smallest probability and less.
  const double floor = sampling.min_p > 0 ? std::log(sampling.min_p) : -104.0;
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double x = (logits[i] - most) / sampling.temperature;
    if (x >= floor) all.push_back({.id = static_cast<int32_t>(i), .probability = std::exp(x)});
  }
  keep_top_k(all, sampling.top_k);
  keep_top_p(all, sampling.top_p);
  double sum = 0;
  for (const Candidate& c : all) sum += c.probability;
  for (Candidate& c : all) c.probability /= sum;
  return all;
}

int32_t sample(std::span<const float> logits, const Sampling& sampling, uint64_t position) {
  if (sampling.greedy()) return argmax(logits);
  const std::vector<Candidate> all = candidates(logits, sampling);
  if (all.empty()) return -1;
  const double at = random_uniform(sampling.seed, position);
  double sum = 0;
  for (const Candidate& c : all) {
    sum += c.probability;
    if (at < sum) return c.id;
  }
  return all.back().id;  // the probabilities do not quite make 1
}

}  // namespace vecton::generation

// Logits of the next token, and the tokens that greedy decoding goes on with, of every fixture that
// has them: the backbone's rows through lm_head, whatever the engine does with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <memory>

#include "backend/registry.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "checkpoint/gguf/config.h"
#include "checkpoint/gguf/model_file.h"
#include "checkpoint/quantised/quantisation.h"
#include "checkpoint/weights.h"
#include "fixture.h"
#include "gguf/file.h"
#include "models/registry.h"
#include "ops/cache.h"

namespace vecton::golden {
namespace {

// A cache of one sequence: the pages of each group follow one another.
struct Cached {
  static constexpr int32_t kPageRows = 4;
  tensor::Cache cache;
  int32_t pages;  // of a group

  Cached(const tensor::CacheLayout& layout, int32_t tokens, Ops& ops)
      : pages((tokens + kPageRows - 1) / kPageRows) {
    const auto groups = static_cast<int64_t>(tensor::cache_groups(layout).size());
    cache = ops::make_cache(layout, groups * pages, kPageRows, ops);
    ops::add_states(layout, 2, ops, cache);
  }

  void describe(int32_t begin, int32_t end, tensor::Batch& batch) const {
    for (int32_t group = 0; group < cache.groups; ++group) {
      tensor::BlockTable table{.pages = {}, .offsets = {0}, .cached = {begin}};
      for (int32_t page = 0; page * kPageRows < begin; ++page)
        table.pages.push_back(group * pages + page);
      table.offsets.push_back(static_cast<int32_t>(table.pages.size()));
      tensor::SlotMapping mapping;
      for (int32_t i = begin; i < end; ++i) {
        mapping.rows.push_back(i - begin);
        mapping.slots.push_back(group * pages * kPageRows + i);
      }
      batch.block_tables.push_back(std::move(table));
      batch.slot_mappings.push_back(std::move(mapping));
    }
    batch.state_slots = {begin == 0 ? 0 : 1};
    batch.state_mapping = {.rows = {0}, .slots = {1}};
  }
};

class CausalLm {
 public:
  CausalLm(const Fixture& fixture, const std::string& backend)
      : pool_(2), ops_(backend::make_ops(backend, pool_)) {
    const auto gguf = checkpoint::gguf_in_folder(fixture.model());
    const auto config = gguf ? checkpoint::gguf_config(gguf::File::open(*gguf), json::object{})
                             : checkpoint::Config::read(fixture.model() / "config.json");
    const auto quantisation = checkpoint::read_quantisation(config);
    checkpoint::Weights weights = checkpoint::Weights::open(gguf.value_or(fixture.model()),
                                                            quantisation.get(), nullptr, *ops_);
    const models::Family& family = models::find_family(config);
    shape_ = family.shape(config);
    model_ = family.load(config, weights);
    if (family.head) head_ = family.head(config, checkpoint::HeadKind::kCausalLm, 0, weights);
    const char* rows = weights.has("lm_head.weight") ? "lm_head" : "embed_tokens";
    lm_head_ =
        (weights / rows).linear(shape_.vocab, shape_.hidden, checkpoint::Weights::Bias::kIfPresent);
  }

  // Of every token of each sequence, or of the last.
  std::vector<float> logits(const std::vector<Ids>& sequences, bool last_only) {
    tensor::Batch batch;
    for (const Ids& ids : sequences) {
      for (size_t i = 0; i < ids.size(); ++i) {
        batch.ids.push_back(ids[i]);
        batch.rows.index.push_back(static_cast<int32_t>(i));
        if (!last_only || i + 1 == ids.size())
          batch.wanted.index.push_back(static_cast<int32_t>(i));
      }
      batch.rows.offsets.push_back(static_cast<int32_t>(batch.rows.index.size()));
      batch.wanted.offsets.push_back(static_cast<int32_t>(batch.wanted.index.size()));
    }
    Tensor x = ops_->linear(model_->forward(*ops_, batch, nullptr), lm_head_);
    if (head_.logit_scale != 1) x = ops_->scale(std::move(x), head_.logit_scale);
    x = ops_->softcap(std::move(x), head_.logit_softcap);
    std::vector<float> values(static_cast<size_t>(x.rows() * x.columns()));
    ops_->download(x, values);
    return values;
  }

  // The rows of one sequence, in passes of `chunk` tokens with all that the layers keep.
  std::vector<float> rows_in_chunks(const Ids& ids, int32_t chunk) {
    const auto count = static_cast<int32_t>(ids.size());
    Cached cached(models::cache_layout(shape_), count, *ops_);
    std::vector<float> rows;
    for (int32_t begin = 0; begin < count; begin += chunk) {
      const int32_t end = std::min(count, begin + chunk);
      tensor::Batch batch;
      batch.ids.assign(ids.begin() + begin, ids.begin() + end);
      for (int32_t i = begin; i < end; ++i) batch.rows.index.push_back(i);
      batch.rows.offsets.push_back(end - begin);
      batch.wanted = batch.rows;
      batch.lengths = {count};
      cached.describe(begin, end, batch);
      const Tensor x = model_->forward(*ops_, batch, &cached.cache);
      std::vector<float> some(static_cast<size_t>(x.rows() * x.columns()));
      ops_->download(x, some);
      rows.insert(rows.end(), some.begin(), some.end());
    }
    return rows;
  }
  const models::ModelShape& shape() const { return shape_; }

  // The token after each sequence.
  Ids next(const std::vector<Ids>& sequences) {
    const std::vector<float> rows = logits(sequences, true);
    Ids ids;
    for (auto row = rows.begin(); row != rows.end(); row += shape_.vocab)
      ids.push_back(static_cast<int32_t>(std::max_element(row, row + shape_.vocab) - row));
    return ids;
  }

 private:
  base::ThreadPool pool_;
  std::unique_ptr<Ops> ops_;
  models::ModelShape shape_;
  std::unique_ptr<models::Model> model_;
  checkpoint::HeadWeights head_;
  ops::LinearWeight lm_head_;
};

void check_logits(CausalLm& model, const Fixture& fixture, const json::object& c) {
  const json::value& ids = c.at("input").at("input_ids");
  const json::value& want = c.at("expect").at("logits");
  std::vector<std::pair<Ids, Matrix>> rows;
  if (want.is_array()) {
    for (size_t i = 0; i < want.get_array().size(); ++i)
      rows.emplace_back(ids_of(ids.at(i)), fixture.tensor(want.at(i)));
  } else {
    rows.emplace_back(ids_of(ids), fixture.tensor(want));
  }
  for (const auto& [row, expected] : rows) {
    const std::vector<float> got = model.logits({row}, false);
    ASSERT_EQ(got.size(), expected.values.size());
    double worst = 0;
    for (size_t i = 0; i < got.size(); ++i)
      worst = std::max(worst, std::abs(double{got[i]} - expected.values[i]));
    EXPECT_LE(worst, c.at("tolerance").to_number<double>());
  }
}

// Every token from all before it, those of the reference.
void check_greedy(CausalLm& model, const json::object& c) {
  const json::value& ids = c.at("input").at("input_ids");
  const json::object& expect = c.at("expect").as_object();
  const char* key = "token_ids";
  for (const char* other : {"output_ids", "new_ids"})
    if (expect.contains(other)) key = other;
  const json::value& want = expect.at(key);
  const bool several = want.as_array().front().is_array();
  for (size_t i = 0; i < (several ? want.get_array().size() : 1); ++i) {
    const Ids output = ids_of(several ? want.at(i) : want);
    std::vector<Ids> before = {ids_of(several ? ids.at(i) : ids)};
    for (size_t j = 0; j + 1 < output.size(); ++j) {
      before.push_back(before.back());
      before.back().push_back(output[j]);
    }
    EXPECT_EQ(model.next(before), output);
  }
}

class CausalLmGolden : public ::testing::TestWithParam<std::string> {
 protected:
  static void check(const std::string& backend) {
    const Fixture fixture(GetParam());
    CausalLm model(fixture, backend);
    for (const json::value& value : fixture.cases()) {
      const json::object& c = value.as_object();
      SCOPED_TRACE(std::string(c.at("id").as_string()));
      if (c.at("task") == "logits") check_logits(model, fixture, c);
      if (c.at("task") == "generate") check_greedy(model, c);
    }
  }
};

TEST_P(CausalLmGolden, MatchesTheReference) { check("cpu"); }

TEST_P(CausalLmGolden, MatchesTheReferenceOnOtherBackends) {
  for (const std::string& backend : other_backends()) {
    SCOPED_TRACE(backend);
    check(backend);
  }
}

// What is kept of the tokens before stands for them: the bits are those of one pass.
TEST_P(CausalLmGolden, ChunksLeaveTheBitsAsTheyAre) {
  const Fixture fixture(GetParam());
  CausalLm model(fixture, "cpu");
  for (const int32_t count : {30, 50}) {  // LongRoPE's fixtures switch at 40 and 48
    Ids ids;
    for (int32_t i = 0; i < count; ++i)
      ids.push_back(static_cast<int32_t>((i * i * 7 + 3 * i + 1) % model.shape().vocab));
    const std::vector<float> whole = model.rows_in_chunks(ids, count);
    for (const int32_t chunk : {1, 3, 16, count - 1}) {
      const std::vector<float> parts = model.rows_in_chunks(ids, chunk);
      ASSERT_EQ(parts.size(), whole.size());
      EXPECT_EQ(std::memcmp(parts.data(), whole.data(), whole.size() * sizeof(float)), 0)
          << count << " tokens in chunks of " << chunk;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, CausalLmGolden,
                         ::testing::ValuesIn(fixtures_with({"logits", "generate"})), test_name);

}  // namespace
}  // namespace vecton::golden

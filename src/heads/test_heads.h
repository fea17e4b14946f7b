// What tests of heads share: sequences of hidden rows written out, given to a head as the engine
// gives them. Included by *_test.cpp only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "checkpoint/test_files.h"
#include "checkpoint/test_parameters.h"
#include "heads/head.h"

namespace vecton::testing {

using Matrix = std::vector<std::vector<float>>;

// A text: its tokens and a hidden row for each of them.
struct Text {
  std::vector<int32_t> ids;
  Matrix rows;
};

class HeadTest : public ::testing::Test {
 protected:
  explicit HeadTest(std::unique_ptr<Ops> ops) : ops_(std::move(ops)) {}

  // The positions that the head wants of a text.
  static std::vector<int32_t> wanted(const Head& head, const HeadInput& input) {
    Rows rows;
    head.want(input, rows);
    EXPECT_EQ(rows.sequences(), 1);
    EXPECT_EQ(rows.count(), static_cast<int64_t>(rows.index.size()));
    return rows.index;
  }

  // Answers to texts of one batch; `ask` fills in what each of them wants besides its ids.
  template <class F>
  std::vector<HeadAnswer> answers(const Head& head, const std::vector<Text>& texts, F ask) {
    std::vector<HeadInput> inputs;
    Rows wanted;
    std::vector<float> hidden;
    int64_t columns = 0;
    for (const Text& text : texts) {
      HeadInput input{.ids = text.ids};
      ask(input);
      inputs.push_back(input);
      const size_t first = wanted.index.size();
      head.want(input, wanted);
      for (size_t i = first; i < wanted.index.size(); ++i) {
        const std::vector<float>& row = text.rows.at(static_cast<size_t>(wanted.index[i]));
        hidden.insert(hidden.end(), row.begin(), row.end());
        columns = static_cast<int64_t>(row.size());
      }
    }
    return head.answer(*ops_, ops_->upload(hidden, wanted.count(), columns), wanted, inputs);
  }
  std::vector<HeadAnswer> answers(const Head& head, const std::vector<Text>& texts) {
    return answers(head, texts, [](HeadInput&) {});
  }
  template <class F>
  HeadAnswer answer(const Head& head, const Text& text, const F& ask) {
    std::vector<HeadAnswer> one = answers(head, {text}, ask);
    EXPECT_EQ(one.size(), 1u);
    return std::move(one.front());
  }
  HeadAnswer answer(const Head& head, const Text& text) {
    return answer(head, text, [](HeadInput&) {});
  }

  // Answers of a batch are those of each text alone, bit by bit.
  template <class F>
  void expect_same_alone(const Head& head, const std::vector<Text>& texts, const F& ask) {
    const std::vector<HeadAnswer> together = answers(head, texts, ask);
    ASSERT_EQ(together.size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      const HeadAnswer alone = answer(head, texts[i], ask);
      EXPECT_EQ(alone.values, together[i].values) << "text " << i;
      EXPECT_EQ(alone.ids, together[i].ids) << "text " << i;
      EXPECT_EQ(alone.positions, together[i].positions) << "text " << i;
      EXPECT_EQ(alone.logit, together[i].logit) << "text " << i;
    }
  }

  std::unique_ptr<Ops> ops_;
};

inline void activated(HeadInput& input) { input.activation = true; }

}  // namespace vecton::testing

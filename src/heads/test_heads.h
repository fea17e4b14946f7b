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

// What an answer says, whatever its kind; `positions` are those of its rows' tokens.
struct Given {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;
  std::vector<int32_t> ids, positions;
  float logit = 0;
};

inline Given given(const Answer& answer) {
  const Numbers numbers = numbers_of(answer);
  Given all{.rows = numbers.rows,
            .columns = numbers.columns,
            .values = {numbers.values.begin(), numbers.values.end()}};
  const auto read = [&](const auto& kind) {
    if constexpr (requires { kind.ids; }) all.ids = kind.ids;
    if constexpr (requires { kind.logit; }) all.logit = kind.logit;
    if constexpr (requires { kind.tokens; }) {
      for (const TokenInfo& token : kind.tokens)
        all.positions.push_back(static_cast<int32_t>(token.begin));
    }
  };
  std::visit(read, answer);
  return all;
}

class HeadTest : public ::testing::Test {
 protected:
  // `task`: what texts are asked for, unless a test says more.
  HeadTest(std::unique_ptr<Ops> ops, TaskParameters task)
      : ops_(std::move(ops)), task_(std::move(task)) {}

  // The positions that the head wants of a text.
  static std::vector<int32_t> wanted(const heads::Head& head, const heads::Work& work) {
    tensor::Rows rows;
    head.want({.work = &work}, rows);
    EXPECT_EQ(rows.sequences(), 1);
    EXPECT_EQ(rows.count(), static_cast<int64_t>(rows.index.size()));
    return rows.index;
  }

  // Answers to texts of one batch; `ask` changes what is asked of each.
  template <class F>
  std::vector<Given> answers(const heads::Head& head, const std::vector<Text>& texts, F ask) {
    std::vector<heads::Work> works;
    for (const Text& text : texts) {
      works.push_back({.tasks = {task_}, .ids = text.ids});
      ask(works.back());
    }
    std::vector<std::vector<TokenInfo>> tokens;  // of each text, beginning at their positions
    for (const Text& text : texts) {
      tokens.emplace_back();
      for (const int32_t id : text.ids)
        tokens.back().push_back({.id = id, .begin = static_cast<int64_t>(tokens.back().size())});
    }
    std::vector<heads::HeadInput> inputs;
    tensor::Rows wanted;
    std::vector<float> hidden;
    int64_t columns = 0;
    for (size_t t = 0; t < texts.size(); ++t) {
      const Text& text = texts[t];
      inputs.push_back({.work = &works[t], .tokens = tokens[t]});
      const size_t first = wanted.index.size();
      head.want(inputs.back(), wanted);
      for (size_t i = first; i < wanted.index.size(); ++i) {
        const std::vector<float>& row = text.rows.at(static_cast<size_t>(wanted.index[i]));
        hidden.insert(hidden.end(), row.begin(), row.end());
        columns = static_cast<int64_t>(row.size());
      }
    }
    std::vector<Given> all;
    for (const Answer& answer :
         head.answer(*ops_, ops_->upload(hidden, wanted.count(), columns), wanted, inputs))
      all.push_back(given(answer));
    return all;
  }
  std::vector<Given> answers(const heads::Head& head, const std::vector<Text>& texts) {
    return answers(head, texts, [](heads::Work&) {});
  }
  template <class F>
  Given answer(const heads::Head& head, const Text& text, const F& ask) {
    std::vector<Given> one = answers(head, {text}, ask);
    EXPECT_EQ(one.size(), 1u);
    return std::move(one.front());
  }
  Given answer(const heads::Head& head, const Text& text) {
    return answer(head, text, [](heads::Work&) {});
  }

  // Answers of a batch are those of each text alone, bit by bit.
  template <class F>
  void expect_same_alone(const heads::Head& head, const std::vector<Text>& texts, const F& ask) {
    const std::vector<Given> together = answers(head, texts, ask);
    ASSERT_EQ(together.size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      const Given alone = answer(head, texts[i], ask);
      EXPECT_EQ(alone.values, together[i].values) << "text " << i;
      EXPECT_EQ(alone.ids, together[i].ids) << "text " << i;
      EXPECT_EQ(alone.positions, together[i].positions) << "text " << i;
      EXPECT_EQ(alone.logit, together[i].logit) << "text " << i;
    }
  }

  std::unique_ptr<Ops> ops_;
  TaskParameters task_;
};

// Vectors of length 1, probabilities in place of logits.
inline void activated(heads::Work& work) {
  const auto activate = [](auto& parameters) {
    if constexpr (requires { parameters.normalize; }) parameters.normalize = true;
    if constexpr (requires { parameters.use_activation; }) parameters.use_activation = true;
  };
  std::visit(activate, work.tasks.front());
}

}  // namespace vecton::testing

#include "server/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace vecton::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FieldsTest : public testing::Test {
 protected:
  Fields& read(std::string_view text) {
    object_ = json::parse(text).as_object();
    return fields_.emplace(object_);
  }
  // The problems that finish() throws.
  std::vector<Problem> problems() {
    try {
      static_cast<void>(fields_->finish());
    } catch (const Failure& failure) {
      return failure.problems;
    }
    return {};
  }

  json::object object_;
  std::optional<Fields> fields_;
};

TEST_F(FieldsTest, NullIsAbsent) {
  Fields& fields = read(R"({"a":null,"b":null,"c":null,"d":null})");
  EXPECT_FALSE(fields.text("a"));
  EXPECT_FALSE(fields.boolean("b"));
  EXPECT_FALSE(fields.integer("c"));
  EXPECT_FALSE(fields.choice("d", {"x"}));
  EXPECT_TRUE(problems().empty());
}

TEST_F(FieldsTest, EveryWrongFieldIsNamed) {
  Fields& fields = read(R"({"a":1,"b":"x","c":1.5,"d":"z","e":-2,"f":[]})");
  fields.text("a");
  fields.boolean("b");
  fields.integer("c");
  fields.choice("d", {"x", "y"});
  fields.integer("e", -1);
  fields.object("f");
  fields.require("g");
  const std::vector<Problem> found = problems();
  ASSERT_EQ(found.size(), 7u);
  EXPECT_EQ(found[0].where, "body.a");
  EXPECT_EQ(found[3].type, "literal_error");
  EXPECT_THAT(found[3].message, HasSubstr("'x' or 'y', found \"z\""));
  EXPECT_THAT(found[4].message, HasSubstr("at least -1"));
  EXPECT_EQ(found[6].type, "missing");
}

TEST_F(FieldsTest, NoMoreThanTenProblems) {
  Fields& fields = read("{}");
  for (int i = 0; i < 20; ++i) fields.require("x");
  EXPECT_EQ(problems().size(), 10u);
}

TEST_F(FieldsTest, UnreadFieldsAreReported) {
  Fields& fields = read(R"({"a":1,"b":2,"c":3})");
  fields.integer("a");
  fields.ignore({"c"});
  EXPECT_THAT(fields.finish(), ElementsAre("b"));
}

TEST_F(FieldsTest, UnreadFieldsOfObjectsWithinAreReportedByTheirPath) {
  Fields& fields = read(R"({"a":{"b":{"c":1},"d":2},"e":{"f":1,"g":2}})");
  Fields a(*fields.object("a"), "body.a");
  Fields b(*a.object("b"), "body.a.b");
  b.finish_within(a);
  a.finish_within(fields);
  fields.note_unread("e", *fields.object("e"), {"g"});
  EXPECT_THAT(fields.finish(), ElementsAre("a.d", "a.b.c", "e.f"));
}

TEST_F(FieldsTest, WhatChangesAnAnswerIsNotReadPast) {
  constexpr Effective kMore[] = {{"penalty", "0"}, {"seed"}};
  EXPECT_THAT(read(R"({"penalty":0.0,"seed":null,"top_k":null})").finish(kMore),
              testing::SizeIs(3));
  EXPECT_THAT(read(R"({"penalty":0.5,"seed":1})").finish(), testing::SizeIs(2));
  for (const char* body : {R"({"penalty":0.5})", R"({"seed":1})", R"({"top_k":3})"})
    EXPECT_THROW(static_cast<void>(read(body).finish(kMore)), Failure) << body;
}

TEST_F(FieldsTest, WholeFloatsAreIntegers) { EXPECT_EQ(read(R"({"a":3.0})").integer("a"), 3); }

TEST_F(FieldsTest, InputsAreToldApartByTheFirst) {
  Inputs text = read(R"({"i":"x"})").inputs("i", false);
  EXPECT_TRUE(text.single);
  EXPECT_EQ(std::get<std::string>(text.items[0]), "x");
  Inputs texts = read(R"({"i":["x","y"]})").inputs("i", false);
  EXPECT_FALSE(texts.single);
  EXPECT_EQ(texts.items.size(), 2u);
  Inputs ids = read(R"({"i":[1,2]})").inputs("i", false);
  EXPECT_TRUE(ids.single);
  EXPECT_THAT(std::get<1>(ids.items[0]), ElementsAre(1, 2));
  Inputs floats = read(R"({"i":[1.0,2e1]})").inputs("i", false);
  EXPECT_THAT(std::get<1>(floats.items[0]), ElementsAre(1, 20));
  Inputs lists = read(R"({"i":[[1,2],[3]]})").inputs("i", false);
  EXPECT_FALSE(lists.single);
  EXPECT_THAT(std::get<1>(lists.items[1]), ElementsAre(3));
  EXPECT_TRUE(read(R"({"i":[]})").inputs("i", false).items.empty());
  EXPECT_EQ(read(R"({"i":["x",[1]]})").inputs("i", true).items.size(), 2u);
}

TEST_F(FieldsTest, WrongInputsAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"i":["x",1]})", "body.i.1"},
      {R"({"i":[1,"x"]})", "body.i.1"},
      {R"({"i":[[1],"x"]})", "body.i.1"},
      {R"({"i":["x",[1]]})", "body.i.1"},
      {R"({"i":{}})", "body.i"},
      {R"({"i":true})", "body.i"},
      {R"({"i":[null]})", "body.i.0"},
      {R"({"i":[1.5]})", "body.i.0"},
      {R"({"i":[[1],[-1]]})", "body.i.1.0"},
      {R"({"i":[[3000000000]]})", "body.i.0.0"},
      {R"({})", "body.i"},
      {R"({"i":[[[1]]]})", "body.i.0.0"},
  };
  for (const auto& [body, where] : cases) {
    read(body).inputs("i", false);
    const std::vector<Problem> found = problems();
    ASSERT_EQ(found.size(), 1u) << body;
    EXPECT_EQ(found[0].where, where) << body;
  }
}

TEST_F(FieldsTest, LongValuesAreCutBetweenCharacters) {
  std::string long_text;
  for (int i = 0; i < 100; ++i) long_text += "\xc3\xa9";
  read("{\"a\":\"" + long_text + "\"}").integer("a");
  const std::string message = problems().at(0).message;
  EXPECT_LT(message.size(), 120u);
  EXPECT_NO_THROW(json::parse("\"" + message.substr(message.find("\xc3")) + "\""));
}

TEST(Fields, NumbersInMessagesArePlainDecimals) {
  const json::value body = json::parse(R"({"ids": [0.5], "a": 1.0, "b": 1e300})");
  Fields fields(body.as_object());
  fields.inputs("ids", false);
  fields.text("a");
  fields.integer("b");
  try {
    static_cast<void>(fields.finish());
    FAIL();
  } catch (const Failure& failure) {
    ASSERT_EQ(failure.problems.size(), 3u);
    EXPECT_EQ(failure.problems[0].message, "expected a token id, found 0.5");
    EXPECT_EQ(failure.problems[1].message, "expected a string, found 1.0");
    EXPECT_EQ(failure.problems[2].message, "expected an integer, found 1e+300");
  }
}

}  // namespace
}  // namespace vecton::server

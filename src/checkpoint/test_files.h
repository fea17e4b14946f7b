// What tests of this folder share: a folder that goes away, files in it, safetensors made of raw
// parts, and the error of a call. Included by *_test.cpp only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/temporary_folder.h"
#include "checkpoint/test_tensors.h"
#include "ops/ops.h"
#include "vecton/error.h"

namespace vecton::testing {

using vecton::base::TemporaryFolder;

// The numbers of a tensor, row by row.
inline std::vector<float> values_of(Ops& ops, const Tensor& x) {
  std::vector<float> values(static_cast<size_t>(x.rows() * x.columns()));
  ops.download(x, values);
  return values;
}

// The error that f() throws; a call that throws none is a failure.
template <typename F>
Error error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorCode::kInternal, "no error was thrown");
}

// Throws an Error of this code whose message has these words in it.
#define EXPECT_REFUSED(statement, expected_code, ...)                                         \
  do {                                                                                        \
    const ::vecton::Error refused_ = ::vecton::testing::error_of([&] { (void)(statement); }); \
    EXPECT_EQ(refused_.code(), expected_code) << refused_.what();                             \
    for (const auto& words_ : std::vector<std::string>{__VA_ARGS__}) {                        \
      EXPECT_THAT(refused_.what(), ::testing::HasSubstr(words_));                             \
    }                                                                                         \
  } while (false)

}  // namespace vecton::testing

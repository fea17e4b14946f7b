// Blocks of every GGUF type become the numbers that the gguf package makes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "backend/registry.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "checkpoint/float_bytes.h"
#include "checkpoint/gguf/blocks.h"
#include "fixture.h"
#include "gguf/file.h"

namespace vecton::golden {
namespace {

std::vector<float> table_rows(Ops& ops, const tensor::Weight& weight) {
  const ops::PreparedWeight table = ops.prepare_table(weight);
  std::vector<int32_t> ids(static_cast<size_t>(weight.rows));
  std::iota(ids.begin(), ids.end(), 0);
  const Ops::Lookup lookup{*table, ops.upload_indices(std::move(ids))};
  std::vector<float> values(static_cast<size_t>(weight.rows * weight.columns));
  ops.download(ops.embed({&lookup, 1}), values);
  return values;
}

std::vector<float> numbers_of(Ops& ops, const gguf::Tensor& tensor) {
  switch (tensor.type) {
    case gguf::TensorType::kF16:
      return checkpoint::read_floats(tensor::DType::kF16, tensor.bytes);
    case gguf::TensorType::kBF16:
      return checkpoint::read_floats(tensor::DType::kBF16, tensor.bytes);
    default:
      return table_rows(ops, checkpoint::gguf_blocks(tensor)->weight());
  }
}

TEST(GgufGolden, BlocksOfEveryType) {
  const std::filesystem::path folder = Fixture("gguf-dequant").folder();
  const auto stored = checkpoint::read_safetensors(folder / "expected.safetensors");
  const Fixture fixture("gguf-dequant");
  base::ThreadPool pool(1);
  const std::unique_ptr<Ops> ops = backend::make_ops("ref", pool);
  int types = 0;
  for (const json::value& value : fixture.cases()) {
    const json::object& c = value.as_object();
    if (c.at("task").as_string() != "ggml_dequantise") continue;
    const json::object& input = c.at("input").as_object();
    const checkpoint::StoredTensor& raw =
        stored.at(std::string(input.at("blocks").at("tensor").as_string()));
    const auto number = static_cast<uint32_t>(input.at("ggml_type").as_int64());
    const gguf::TypeLayout* layout = gguf::find_type(number);
    ASSERT_NE(layout, nullptr) << number;
    EXPECT_EQ(layout->name, std::string_view(input.at("type").as_string()));
    const Matrix want = fixture.tensor(c.at("expect").at("values"));
    gguf::Tensor tensor{.name = "t", .type = layout->type};
    tensor.shape = want.shape;
    tensor.bytes = raw.bytes;
    EXPECT_THAT(numbers_of(*ops, tensor), ::testing::Pointwise(::testing::FloatEq(), want.values))
        << layout->name;
    ++types;
  }
  EXPECT_EQ(types, 17);
}

}  // namespace
}  // namespace vecton::golden

#include "checkpoint/torch_file_pickle.h"

#include "checkpoint/test_files.h"
#include "checkpoint/torch_test_files.h"

namespace vecton::checkpoint {
namespace {

using ::testing::ElementsAre;
using namespace testing::pickle;

// The names within are those of `pickle`.
std::vector<PickledTensor> read(const std::string& pickle) {
  return read_state_dict(std::as_bytes(std::span(pickle)), "m.pt: data.pkl");
}
std::string floats() { return storage("FloatStorage", "0", 6); }
std::string matrix() { return pickled_tensor(floats(), 0, {2, 3}, {3, 1}); }

TEST(TorchFilePickle, ReadsDictsOfTensors) {
  const std::string pickle = program(
      dict({{"w", matrix()}, {"b", pickled_tensor(storage("HalfStorage", "x", 9), 4, {}, {})}}));
  const auto tensors = read(pickle);
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_EQ(tensors[0].storage, "0");
  EXPECT_EQ(tensors[0].dtype, tensor::DType::kF32);
  EXPECT_EQ(tensors[0].storage_size, 6);
  EXPECT_THAT(tensors[0].shape, ElementsAre(2, 3));
  EXPECT_THAT(tensors[0].strides, ElementsAre(3, 1));
  EXPECT_EQ(tensors[1].dtype, tensor::DType::kF16);
  EXPECT_EQ(tensors[1].offset, 4);
  EXPECT_TRUE(tensors[1].shape.empty());
}

TEST(TorchFilePickle, ReadsEveryFloatType) {
  const std::pair<const char*, tensor::DType> types[] = {{"FloatStorage", tensor::DType::kF32},
                                                         {"HalfStorage", tensor::DType::kF16},
                                                         {"BFloat16Storage", tensor::DType::kBF16},
                                                         {"DoubleStorage", tensor::DType::kF64}};
  for (const auto& [name, type] : types) {
    const std::string pickle =
        program(dict({{"w", pickled_tensor(storage(name, "0", 1), 0, {1}, {1})}}));
    EXPECT_EQ(read(pickle).at(0).dtype, type) << name;
  }
}

TEST(TorchFilePickle, ReadsParametersAndNamesOfOneTensor) {
  const std::string kept = parameter(matrix()) + "q\x07";
  const std::string pickle = program(dict({{"w", kept}, {"tied", "h\x07"}}, ordered_dict()));
  const auto tensors = read(pickle);
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_EQ(tensors[1].name, "tied");
  EXPECT_EQ(tensors[1].storage, "0");
  EXPECT_THAT(tensors[1].shape, ElementsAre(2, 3));
}

TEST(TorchFilePickle, RefusesBadParameters) {
  const auto with = [](const std::vector<std::string>& arguments) {
    return program(
        dict({{"w", global("torch._utils", "_rebuild_parameter") + tuple(arguments) + "R"}}));
  };
  EXPECT_EQ(read(with({matrix(), "\x89", "}"})).size(), 1u);
  EXPECT_REFUSED(read(with({matrix(), "\x89"})), ErrorCode::kUnsupported,
                 "2 arguments: expected 3");
  EXPECT_REFUSED(read(with({floats(), "\x89", "}"})), ErrorCode::kCorrupt, "expected a tensor");
  EXPECT_REFUSED(read(with({matrix(), "N", "}"})), ErrorCode::kCorrupt, "expected requires_grad");
  EXPECT_REFUSED(read(with({matrix(), "\x89", dict({{"hook", "N"}})})), ErrorCode::kUnsupported,
                 "backward hooks");
}

TEST(TorchFilePickle, ReadsOrderedDictsWithTheVersionsOfModules) {
  const std::string metadata =
      dict({{"_metadata", dict({{"", dict({{"version", "K\1"}})}}, ordered_dict())}});
  const std::string pickle = program(dict({{"w", matrix()}}, ordered_dict()) + metadata + "b");
  EXPECT_EQ(read(pickle).at(0).name, "w");
  EXPECT_TRUE(read(program("}")).empty());
}

TEST(TorchFilePickle, ReadsEveryFormOfIntegersTuplesAndItems) {
  const std::string id = tuple({text("storage"), global("torch", "FloatStorage"), text("0"),
                                text("cpu"), "J" + testing::little(70000, 4)});
  const std::string call = global("torch._utils", "_rebuild_tensor_v2") +
                           tuple({id + "Q", "M" + testing::little(300, 2), "K\2\x8a\1\3K\1\x87",
                                  "K\3K\1\x86K\1\x85\x30"}) +
                           "R";
  // POP ('0') is no instruction of a state_dict.
  EXPECT_REFUSED(read(program("}" + text("w") + call + "s")), ErrorCode::kUnsupported,
                 "instruction 48");
  const std::string plain = global("torch._utils", "_rebuild_tensor_v2") +
                            tuple({id + "Q", "M" + testing::little(300, 2), "K\2\x8a\1\3\x86",
                                   "K\3K\1\x86", "\x88", ordered_dict()}) +
                            "R";
  const std::string pickle = program("}" + text("w") + plain + "s");
  EXPECT_EQ(read(pickle).at(0).offset, 300);
  EXPECT_EQ(read(pickle).at(0).storage_size, 70000);
  EXPECT_THAT(read(pickle).at(0).shape, ElementsAre(2, 3));
}

TEST(TorchFilePickle, FetchesKeptValues) {
  // The storage is kept as 0 and as 70000, and fetched for two more tensors.
  const std::string pickle = program(dict(
      {{"a", pickled_tensor(floats() + "q" + '\0' + "r" + testing::little(70000, 4), 0, {6}, {1})},
       {"b", pickled_tensor(std::string("h") + '\0', 0, {6}, {1})},
       {"c", pickled_tensor("j" + testing::little(70000, 4), 3, {3}, {1})}}));
  ASSERT_EQ(read(pickle).size(), 3u);
  EXPECT_EQ(read(pickle)[2].storage, "0");
  EXPECT_REFUSED(read(program("h\1")), ErrorCode::kCorrupt, "not kept");
}

TEST(TorchFilePickle, RefusesWhateverElseAPickleNames) {
  const std::pair<std::string, std::string> names[] = {
      {"os", "system"},
      {"builtins", "eval"},
      {"torch._utils", "_rebuild_parameter_with_state"},
      {"torch._utils", "_rebuild_tensor_v3"},
      {"torch._utils", "_rebuild_sparse_tensor"},
      {"torch", "ComplexFloatStorage"},
      {"torch", "QInt8Storage"},
      {"torch.storage", "UntypedStorage"},
      {"torch.nn.modules.linear", "Linear"},
      {"collections", "OrderedDict.__init__"}};
  for (const auto& [module, name] : names) {
    EXPECT_REFUSED(read(program(global(module, name))), ErrorCode::kUnsupported,
                   "m.pt: data.pkl: at byte", "asks for \"" + module + "." + name + "\"");
  }
  EXPECT_REFUSED(read("\x80\x02"
                      "cos"),
                 ErrorCode::kCorrupt, "has no end");
}

TEST(TorchFilePickle, RefusesOtherInstructionsAndProtocols) {
  for (const char op :
       std::string("012FGILPSTUVadegilop\x81\x82\x83\x84\x8b\x8c\x93\x94\x95\x97")) {
    EXPECT_REFUSED(read(program("}" + std::string(1, op))), ErrorCode::kUnsupported,
                   "instruction " + std::to_string(static_cast<unsigned char>(op)));
  }
  EXPECT_REFUSED(read("\x80\x04}."), ErrorCode::kUnsupported, "protocol 4", "expected 2");
  EXPECT_REFUSED(read("}."), ErrorCode::kCorrupt, "does not begin as a pickle");
}

TEST(TorchFilePickle, RefusesEveryTruncation) {
  const std::string pickle =
      program(dict({{"w", matrix()}}, ordered_dict()) + dict({{"_metadata", "}"}}) + "b");
  EXPECT_EQ(read(pickle).size(), 1u);
  for (size_t size = 0; size < pickle.size(); ++size)
    EXPECT_REFUSED(read(pickle.substr(0, size)), ErrorCode::kCorrupt, "m.pt: data.pkl: ");
  EXPECT_REFUSED(read(pickle + "x"), ErrorCode::kCorrupt, "goes on after its end");
}

TEST(TorchFilePickle, RefusesProgramsThatMisuseTheStack) {
  const std::pair<std::string, const char*> programs[] = {
      {"", "more or less than one"},
      {"}}", "more or less than one"},
      {"}(", "more or less than one"},
      {"t", "was not begun"},
      {"u", "was not begun"},
      {"}(K\1u", "key without a value"},
      {"K\1(s", "is missing"},
      {"(q\1", "is missing"},
      {"\x85", "is missing"},
      {"R", "is missing"},
      {"))R", "expected a function"},
      {"}}R", "expected arguments"},
      {"Q", "is missing"},
      {"b", "is missing"},
      {"N)b", "expected attributes"},
      {"N}b", "expected a dict"},
      {"N", "expected a state_dict"},
      {"}K\1K\1s", "expected text as key"},
      {")K\1K\1s", "expected a dict"},
  };
  for (const auto& [body, words] : programs)
    EXPECT_REFUSED(read(program(body)), ErrorCode::kCorrupt, "m.pt: data.pkl", words);
}

TEST(TorchFilePickle, RefusesBadStoragesAndTensors) {
  const auto with = [](const std::string& value) { return program(dict({{"w", value}})); };
  EXPECT_REFUSED(read(with(tuple({text("storage")}) + "Q")), ErrorCode::kCorrupt, "storage as");
  EXPECT_REFUSED(read(with(tuple({text("module"), "N", "N", "N", "N"}) + "Q")), ErrorCode::kCorrupt,
                 "storage as");
  EXPECT_REFUSED(read(with("K\1Q")), ErrorCode::kCorrupt, "as a tuple");
  EXPECT_REFUSED(read(with(tuple({text("storage"), global("collections", "OrderedDict"), text("0"),
                                  text("cpu"), "K\1"}) +
                           "Q")),
                 ErrorCode::kCorrupt, "expected the type of a storage");
  EXPECT_REFUSED(read(with(global("torch", "FloatStorage") + ")R")), ErrorCode::kCorrupt,
                 "calls the type of a storage");
  EXPECT_REFUSED(read(with(global("collections", "OrderedDict") + "K\1\x85R")), ErrorCode::kCorrupt,
                 "made of nothing");
  EXPECT_REFUSED(
      read(program(dict(
          {{"a", matrix()}, {"b", pickled_tensor(storage("HalfStorage", "0", 6), 0, {}, {})}}))),
      ErrorCode::kCorrupt, "storage \"0\"", "two types or sizes");
  EXPECT_REFUSED(read(with(pickled_tensor(floats(), 0, {6}, {1}, "\x89" + ordered_dict() + "}"))),
                 ErrorCode::kUnsupported, "7 arguments");
  EXPECT_REFUSED(read(with(pickled_tensor(floats(), 0, {6}, {1}, "\x89" + dict({{"hook", "N"}})))),
                 ErrorCode::kUnsupported, "backward hooks");
  EXPECT_REFUSED(read(with(pickled_tensor(floats(), 0, {6}, {1}, "N}"))), ErrorCode::kCorrupt,
                 "expected requires_grad");
  EXPECT_REFUSED(read(with(pickled_tensor("N", 0, {6}, {1}))), ErrorCode::kCorrupt,
                 "expected a storage");
  EXPECT_REFUSED(read(with(pickled_tensor(floats(), 0, std::vector<int64_t>(65, 1), {}))),
                 ErrorCode::kCorrupt, "more than 64 dimensions");
  EXPECT_REFUSED(read(with("\x8a\x09" + std::string(9, '\1'))), ErrorCode::kCorrupt, "64 bits");
}

TEST(TorchFilePickle, RefusesDictsThatAreNoStateDict) {
  EXPECT_REFUSED(read(program(dict({{"epoch", "K\3"}}))), ErrorCode::kUnsupported,
                 "\"epoch\" is not a tensor", "state_dict by itself");
  EXPECT_REFUSED(read(program(dict({{"model", dict({{"w", matrix()}})}}))), ErrorCode::kUnsupported,
                 "\"model\" is not a tensor");
  EXPECT_REFUSED(read(program(dict({{"w", matrix()}, {"w", matrix()}}))), ErrorCode::kCorrupt,
                 "\"w\" is there twice");
  EXPECT_REFUSED(read(program(dict({{"w", matrix()}}) + dict({{"x", "}"}}) + "b")),
                 ErrorCode::kCorrupt, "attribute \"x\"");
  EXPECT_REFUSED(read(program(dict({{"\xc3\xa9\n", matrix()}}))), ErrorCode::kUnsupported,
                 "\"??\\n\" is not of printable ASCII");
}

TEST(TorchFilePickle, BearsADictThatHoldsItself) {
  EXPECT_REFUSED(read(program("}q\1" + text("w") + "h\1s")), ErrorCode::kUnsupported,
                 "\"w\" is not a tensor");
}

TEST(TorchFilePickle, RefusesMegabytes) {
  EXPECT_REFUSED(read(program(std::string((1 << 20) - 3, 'N'))), ErrorCode::kCorrupt,
                 "more or less than one");
  EXPECT_REFUSED(read(program(std::string(1 << 20, 'N'))), ErrorCode::kUnsupported,
                 "at most 1048576");
}

TEST(TorchFilePickle, ReadsNegativeIntegers) {
  const std::string pickle = program(
      dict({{"w", pickled_tensor(floats(), -5, {-1}, {1})},
            {"v", global("torch._utils", "_rebuild_tensor_v2") +
                      tuple({floats(), "\x8a\2\xfe\xff", "\x8a" + std::string(1, '\0') + "\x85",
                             "J\xff\xff\xff\xff\x85", "\x89", "}"}) +
                      "R"}}));
  const auto tensors = read(pickle);
  EXPECT_EQ(tensors.at(0).offset, -5);
  EXPECT_EQ(tensors.at(1).offset, -2);
  EXPECT_THAT(tensors.at(1).shape, ElementsAre(0));
  EXPECT_THAT(tensors.at(1).strides, ElementsAre(-1));
}

}  // namespace
}  // namespace vecton::checkpoint

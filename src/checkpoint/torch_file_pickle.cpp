#include "checkpoint/torch_file_pickle.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "checkpoint/torch_file_bytes.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

constexpr size_t kMaxPickleBytes = 1 << 20;  // thousands of tensors
constexpr size_t kMaxPickledRank = 64;

enum class GlobalRole { kDict, kTensor, kParameter, kStorage };
struct Global {
  std::string_view module, name;
  GlobalRole role;
  tensor::DType dtype = tensor::DType::kF32;  // of a storage
};
constexpr Global kGlobals[] = {
    {"collections", "OrderedDict", GlobalRole::kDict},
    {"torch._utils", "_rebuild_tensor_v2", GlobalRole::kTensor},
    {"torch._utils", "_rebuild_parameter", GlobalRole::kParameter},
    {"torch", "FloatStorage", GlobalRole::kStorage, tensor::DType::kF32},
    {"torch", "HalfStorage", GlobalRole::kStorage, tensor::DType::kF16},
    {"torch", "BFloat16Storage", GlobalRole::kStorage, tensor::DType::kBF16},
    {"torch", "DoubleStorage", GlobalRole::kStorage, tensor::DType::kF64},
    {"torch", "LongStorage", GlobalRole::kStorage, tensor::DType::kI64},
    {"torch", "IntStorage", GlobalRole::kStorage, tensor::DType::kI32},
    {"torch", "ShortStorage", GlobalRole::kStorage, tensor::DType::kI16},
    {"torch", "CharStorage", GlobalRole::kStorage, tensor::DType::kI8},
    {"torch", "ByteStorage", GlobalRole::kStorage, tensor::DType::kU8},
    {"torch", "BoolStorage", GlobalRole::kStorage, tensor::DType::kBool},
};

// Values lie in one list and refer to one another by their place in it: a value is made once,
// however often the pickle uses it, and one that holds itself does no harm.
using Ref = uint32_t;
struct None {};
struct Tuple {
  std::vector<Ref> items;
};
struct Dict {
  std::vector<std::pair<std::string_view, Ref>> items;
};
struct Storage {
  std::string_view key;
  tensor::DType dtype;
  int64_t size;
};
struct RebuiltTensor {
  size_t index;
};
using Value = std::variant<None, bool, int64_t, std::string_view, Tuple, Dict, const Global*,
                           Storage, RebuiltTensor>;

// Pickle's instructions of protocol 2, by their names in Python's pickletools.
enum Op : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kEmptyTuple = ')',
  kBuild = 'b',
  kGlobal = 'c',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
};

class StateDictReader {
 public:
  StateDictReader(std::span<const std::byte> pickle, const std::string& what)
      : reader_(pickle, what) {}

  std::vector<PickledTensor> read() {
    if (reader_.number(1) != kProto) fail("does not begin as a pickle");
    if (const uint64_t protocol = reader_.number(1); protocol != 2) {
      fail("pickle protocol " + std::to_string(protocol) +
               ": expected 2, which torch.save writes where it is not asked for another",
           ErrorCode::kUnsupported);
    }
    for (uint64_t op = reader_.number(1); op != kStop; op = reader_.number(1)) step(op);
    if (reader_.left() != 0) fail("goes on after its end");
    if (stack_.size() != 1 || !marks_.empty()) fail("ends with more or less than one value");
    return state_dict(pop());
  }

 private:
  [[noreturn]] void fail(const std::string& message, ErrorCode code = ErrorCode::kCorrupt) const {
    reader_.fail("at byte " + std::to_string(reader_.at()) + ": " + message, code);
  }

  void step(uint64_t op) {
    switch (op) {
      case kMark:
        return marks_.push_back(stack_.size());
      case kNone:
        return push(None{});
      case kNewTrue:
        return push(true);
      case kNewFalse:
        return push(false);
      case kBinInt:
        return push(int64_t{static_cast<int32_t>(reader_.number(4))});
      case kBinInt1:
        return push(static_cast<int64_t>(reader_.number(1)));
      case kBinInt2:
        return push(static_cast<int64_t>(reader_.number(2)));
      case kLong1:
        return push(long_integer());
      case kBinUnicode:
        return push(text());
      case kGlobal:
        return push(global());
      case kEmptyDict:
        return push(Dict{});
      case kEmptyTuple:
        return push(Tuple{});
      case kTuple1:
      case kTuple2:
      case kTuple3:
        return push(Tuple{pop_many(op - kTuple1 + 1)});
      case kTuple:
        return push(Tuple{pop_to_mark()});
      case kSetItem:
        return set_items(pop_many(2));
      case kSetItems:
        return set_items(pop_to_mark());
      case kBinPersId:
        return push(storage(pop()));
      case kReduce:
        return reduce();
      case kBuild:
        return build();
      default:
        return memo(op);
    }
  }

  // Values are kept by number and fetched again.
  void memo(uint64_t op) {
    switch (op) {
      case kBinPut:
      case kLongBinPut:
        memo_[reader_.number(op == kBinPut ? 1 : 4)] = top();
        return;
      case kBinGet:
      case kLongBinGet: {
        const auto place = memo_.find(reader_.number(op == kBinGet ? 1 : 4));
        if (place == memo_.end()) fail("fetches a value that was not kept");
        return stack_.push_back(place->second);
      }
      default:
        fail("has the instruction " + std::to_string(op) +
                 ", which no state_dict needs: expected one by itself, as model.state_dict() gives "
                 "it",
             ErrorCode::kUnsupported);
    }
  }

  void push(Value value) {
    stack_.push_back(static_cast<Ref>(values_.size()));
    values_.push_back(std::move(value));
  }

  Ref top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("uses a value that is missing");
    return stack_.back();
  }
  Ref pop() {
    const Ref ref = top();
    stack_.pop_back();
    return ref;
  }
  std::vector<Ref> pop_many(size_t count) {
    std::vector<Ref> items(count);
    for (size_t i = count; i > 0; --i) items[i - 1] = pop();
    return items;
  }
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) fail("ends a list that was not begun");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Ref> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  template <typename T>
  T& get(Ref ref, const char* expected) {
    T* value = std::get_if<T>(&values_[ref]);
    if (!value) fail(std::string("expected ") + expected + ", found something else");
    return *value;
  }

  std::string_view text() {
    const std::string_view text = reader_.text(reader_.number(4));
    if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) {
      fail("the text " + quoted_bytes(text) + " is not of printable ASCII",
           ErrorCode::kUnsupported);
    }
    return text;
  }

  int64_t long_integer() {
    const size_t width = reader_.number(1);
    if (width > 8) fail("has an integer of more than 64 bits");
    uint64_t value = reader_.number(width);
    if (width > 0 && width < 8 && (value >> (8 * width - 1)) != 0) value |= ~0ull << (8 * width);
    return static_cast<int64_t>(value);
  }

  const Global* global() {
    const std::string_view module = reader_.line(), name = reader_.line();
    for (const Global& known : kGlobals) {
      if (known.module == module && known.name == name) return &known;
    }
    fail("asks for " + quoted_bytes(std::string(module) + "." + std::string(name)) +
             ": only a state_dict of dense tensors of plain numbers is read, and nothing that a "
             "file names is ever run",
         ErrorCode::kUnsupported);
  }

  void set_items(const std::vector<Ref>& items) {
    if (items.size() % 2 != 0) fail("a dict has a key without a value");
    Dict& dict = get<Dict>(top(), "a dict");
    for (size_t i = 0; i < items.size(); i += 2)
      dict.items.emplace_back(get<std::string_view>(items[i], "text as key"), items[i + 1]);
  }

  // ("storage", type, key, device, size)
  Storage storage(Ref ref) {
    const std::vector<Ref>& id = get<Tuple>(ref, "a storage as a tuple").items;
    if (id.size() != 5 || get<std::string_view>(id[0], "\"storage\"") != "storage")
      fail("expected a storage as (\"storage\", type, key, device, size)");
    const Global& type = *get<const Global*>(id[1], "the type of a storage");
    if (type.role != GlobalRole::kStorage) fail("expected the type of a storage");
    get<std::string_view>(id[3], "a device");
    const Storage storage{get<std::string_view>(id[2], "the key of a storage"), type.dtype,
                          get<int64_t>(id[4], "the size of a storage")};
    const auto [place, fresh] = storages_.try_emplace(storage.key, storage);
    if (!fresh && (place->second.dtype != storage.dtype || place->second.size != storage.size))
      fail("storage " + quoted_bytes(storage.key) + " is there with two types or sizes");
    return storage;
  }

  void reduce() {
    const std::vector<Ref>& arguments = get<Tuple>(pop(), "arguments as a tuple").items;
    const Global& function = *get<const Global*>(pop(), "a function");
    switch (function.role) {
      case GlobalRole::kDict:
        if (!arguments.empty()) fail("an OrderedDict is made of nothing, then filled");
        return push(Dict{});
      case GlobalRole::kTensor:
        return push(tensor(arguments));
      case GlobalRole::kParameter:
        return push(parameter(arguments));
      case GlobalRole::kStorage:
        fail("calls the type of a storage");
    }
  }

  // _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks)
  RebuiltTensor tensor(const std::vector<Ref>& arguments) {
    if (arguments.size() != 6) {
      fail("a tensor with " + std::to_string(arguments.size()) +
               " arguments: expected 6 (conjugated and negated views are not supported)",
           ErrorCode::kUnsupported);
    }
    const Storage storage = get<Storage>(arguments[0], "a storage");
    PickledTensor tensor;
    tensor.storage = storage.key;
    tensor.dtype = storage.dtype;
    tensor.storage_size = storage.size;
    tensor.offset = get<int64_t>(arguments[1], "an offset");
    tensor.shape = integers(arguments[2]);
    tensor.strides = integers(arguments[3]);
    check_training(arguments[4], arguments[5]);
    tensors_.push_back(std::move(tensor));
    return {tensors_.size() - 1};
  }

  // _rebuild_parameter(tensor, requires_grad, backward_hooks): the tensor by itself
  RebuiltTensor parameter(const std::vector<Ref>& arguments) {
    if (arguments.size() != 3) {
      fail("a parameter with " + std::to_string(arguments.size()) + " arguments: expected 3",
           ErrorCode::kUnsupported);
    }
    check_training(arguments[1], arguments[2]);
    return get<RebuiltTensor>(arguments[0], "a tensor");
  }

  // What only training asks for.
  void check_training(Ref requires_grad, Ref backward_hooks) {
    get<bool>(requires_grad, "requires_grad");
    if (!get<Dict>(backward_hooks, "backward hooks").items.empty())
      fail("a tensor with backward hooks", ErrorCode::kUnsupported);
  }

  std::vector<int64_t> integers(Ref ref) {
    const std::vector<Ref>& items = get<Tuple>(ref, "a tuple of integers").items;
    if (items.size() > kMaxPickledRank) fail("a tensor of more than 64 dimensions");
    std::vector<int64_t> result;
    for (const Ref item : items) result.push_back(get<int64_t>(item, "an integer"));
    return result;
  }

  // A state_dict carries the versions of its modules as its attribute _metadata: they tell modules
  // how to load older state, and change no tensor.
  void build() {
    const Dict& state = get<Dict>(pop(), "attributes as a dict");
    get<Dict>(top(), "a dict");
    for (const auto& [name, value] : state.items) {
      if (name != "_metadata") fail("sets the attribute " + quoted_bytes(name));
      get<Dict>(value, "_metadata as a dict");
    }
  }

  std::vector<PickledTensor> state_dict(Ref ref) {
    std::set<std::string_view> names;
    std::vector<PickledTensor> result;
    for (const auto& [name, value] : get<Dict>(ref, "a state_dict").items) {
      const RebuiltTensor* tensor = std::get_if<RebuiltTensor>(&values_[value]);
      if (!tensor) {
        reader_.fail(quoted_bytes(name) + " is not a tensor: expected a state_dict by itself",
                     ErrorCode::kUnsupported);
      }
      if (!names.insert(name).second)
        reader_.fail("tensor " + quoted_bytes(name) + " is there twice");
      result.push_back(tensors_[tensor->index]);
      result.back().name = name;
    }
    return result;
  }

  ByteReader reader_;
  std::vector<Value> values_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::map<uint64_t, Ref> memo_;
  std::map<std::string_view, Storage> storages_;
  std::vector<PickledTensor> tensors_;  // without names
};

}  // namespace

std::vector<PickledTensor> read_state_dict(std::span<const std::byte> pickle,
                                           const std::string& what) {
  if (pickle.size() > kMaxPickleBytes) {
    throw Error(ErrorCode::kUnsupported, what + ": " + std::to_string(pickle.size()) +
                                             " bytes: at most " + std::to_string(kMaxPickleBytes) +
                                             " are read");
  }
  return StateDictReader(pickle, what).read();
}

}  // namespace vecton::checkpoint

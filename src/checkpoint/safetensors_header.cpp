#include "checkpoint/safetensors_header.h"

#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <set>
#include <utility>

#include "base/json.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::checkpoint {

namespace {

using Code = boost::system::error_code;

constexpr size_t kMaxRank = 64;  // NumPy's limit
constexpr std::string_view kMetadataKey = "__metadata__";

constexpr std::array<std::pair<std::string_view, tensor::DType>, 14> kDTypes{{
    {"F32", tensor::DType::kF32},
    {"F16", tensor::DType::kF16},
    {"BF16", tensor::DType::kBF16},
    {"F64", tensor::DType::kF64},
    {"I64", tensor::DType::kI64},
    {"I32", tensor::DType::kI32},
    {"I16", tensor::DType::kI16},
    {"I8", tensor::DType::kI8},
    {"U8", tensor::DType::kU8},
    {"U16", tensor::DType::kU16},
    {"U32", tensor::DType::kU32},
    {"U64", tensor::DType::kU64},
    {"BOOL", tensor::DType::kBool},
    {"F8_E4M3", tensor::DType::kF8E4M3},
}};

// Follows the parser: {"__metadata__": {KEY: STRING, ...} or null, NAME: {"dtype", "shape",
// "data_offsets"}, ...}. Anything else is refused where it begins, so nothing nests deeper.
class HeaderHandler {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  explicit HeaderHandler(const std::string& what) : what_(what) {}

  std::map<std::string, HeaderTensor> take() { return std::move(tensors_); }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }

  bool on_object_begin(Code&) {
    if (place_ == Place::kOutside) {
      place_ = Place::kNames;
    } else if (place_ == Place::kNames) {
      place_ = tensor_ ? Place::kTensor : Place::kMetadata;
      keys_.clear();
    } else {
      refuse_value();
    }
    return true;
  }

  bool on_object_end(size_t, Code&) {
    if (place_ == Place::kTensor) finish_tensor();
    place_ = Place::kNames;  // the parser ends after the outermost object
    return true;
  }

  bool on_array_begin(Code&) {
    if (place_ != Place::kTensor || (key_ != "shape" && key_ != "data_offsets")) refuse_value();
    place_ = Place::kList;
    list_.clear();
    return true;
  }

  bool on_array_end(size_t, Code&) {
    place_ = Place::kTensor;
    if (key_ == "shape") {
      tensor_->shape = list_;
    } else if (list_.size() != 2 || list_[0] > list_[1]) {
      fail("\"data_offsets\" are not [begin, end]");
    } else {
      tensor_->begin = list_[0];
      tensor_->end = list_[1];
    }
    return true;
  }

  bool on_key_part(json::string_view part, size_t, Code&) { return append(part); }
  bool on_key(json::string_view part, size_t, Code&) {
    append(part);
    key_ = std::exchange(text_, {});
    if (place_ == Place::kNames) begin_name();
    if (place_ == Place::kTensor) begin_field();
    return true;
  }

  bool on_string_part(json::string_view part, size_t, Code&) { return append(part); }
  bool on_string(json::string_view part, size_t, Code&) {
    append(part);
    const std::string value = std::exchange(text_, {});
    if (place_ == Place::kTensor && key_ == "dtype") {
      tensor_->dtype = dtype(value);
    } else if (place_ != Place::kMetadata) {
      refuse_value();
    }
    return true;
  }

  bool on_int64(int64_t value, json::string_view, Code&) {
    if (place_ != Place::kList || value < 0) refuse_value();
    if (list_.size() == kMaxRank) fail(quoted_text(key_) + " has more than 64 numbers");
    list_.push_back(value);
    return true;
  }
  bool on_uint64(uint64_t, json::string_view, Code&) { return refuse_value(); }
  bool on_double(double, json::string_view, Code&) { return refuse_value(); }
  bool on_bool(bool, Code&) { return refuse_value(); }
  bool on_null(Code&) {  // "__metadata__": null is the same as no metadata
    if (place_ != Place::kNames || tensor_ || !has_metadata_ || key_ != kMetadataKey)
      refuse_value();
    return true;
  }

  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }

 private:
  enum class Place { kOutside, kNames, kMetadata, kTensor, kList };

  bool append(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  void begin_name() {
    name_ = key_;
    tensor_ = nullptr;
    if (name_ == kMetadataKey) {
      if (std::exchange(has_metadata_, true)) fail("the key is there twice");
      return;
    }
    const auto [place, fresh] = tensors_.try_emplace(name_);
    tensor_ = &place->second;
    if (!fresh) fail("is there twice");
  }

  void begin_field() {
    if (key_ != "dtype" && key_ != "shape" && key_ != "data_offsets")
      fail("has an unknown key " + quoted_text(key_));
    if (!keys_.insert(key_).second) fail("the key " + quoted_text(key_) + " is there twice");
  }

  void finish_tensor() const {
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!keys_.contains(key)) fail("has no " + quoted_text(key));
    }
  }

  tensor::DType dtype(std::string_view name) const {
    for (const auto& [known, type] : kDTypes) {
      if (known == name) return type;
    }
    fail("dtype " + quoted_text(name) + " is not supported", ErrorCode::kUnsupported);
  }

  // A value of a type that has no place here.
  [[noreturn]] bool refuse_value() const {
    switch (place_) {
      case Place::kOutside:
      case Place::kNames:
        fail("is not an object");
      case Place::kMetadata:
        fail(quoted_text(key_) + " is not a string");
      case Place::kTensor:
        fail(quoted_text(key_) + (key_ == "dtype" ? " is not a string" : " is not a list"));
      case Place::kList:
        break;
    }
    fail(quoted_text(key_) + " holds something else than integers from 0 to 2^63-1");
  }

  [[noreturn]] void fail(const std::string& message, ErrorCode code = ErrorCode::kCorrupt) const {
    throw Error(code,
                what_ + ": " + (tensor_ ? "tensor " : "") + quoted_text(name_) + ": " + message);
  }

  const std::string& what_;
  Place place_ = Place::kOutside;
  std::map<std::string, HeaderTensor> tensors_;
  HeaderTensor* tensor_ = nullptr;  // the one being read; none inside "__metadata__"
  bool has_metadata_ = false;
  std::string name_, key_, text_;  // of the tensor, of the value that follows, being collected
  std::set<std::string> keys_;     // of the tensor being read
  std::vector<int64_t> list_;
};

}  // namespace

std::map<std::string, HeaderTensor> read_safetensors_header(std::string_view text,
                                                            const std::string& what) {
  if (text.empty() || text[0] != '{')
    throw Error(ErrorCode::kCorrupt, what + ": the header is not a JSON object");
  json::basic_parser<HeaderHandler> parser(json::parse_options{}, what);
  Code error;
  const size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    error = json::error::extra_data;
  if (error) {
    throw Error(ErrorCode::kCorrupt, what + ": header: not valid JSON at byte " +
                                         std::to_string(used) + ": " + error.message());
  }
  return parser.handler().take();
}

std::string_view safetensors_dtype(tensor::DType dtype) {
  for (const auto& [name, type] : kDTypes) {
    if (type == dtype) return name;
  }
  throw Error(ErrorCode::kInternal, "a dtype that safetensors files do not have");
}

}  // namespace vecton::checkpoint

#include "server/vllm_answer.h"

#include <utility>

#include "server/answer_memory.h"

namespace vecton::server::openai {

namespace {

bool has_rows(Task task) { return task == Task::kTokenEmbed || task == Task::kTokenClassify; }

// All rows, one after the other: a whole type is of each for itself.
std::string answer_bytes(const NumberFormat& format, const Numbers& r) {
  if (!is_whole(format.type) || r.rows <= 1)
    return number_bytes(r.values, format.type, format.endian);
  std::string bytes;
  const auto columns = static_cast<size_t>(r.columns);
  for (size_t at = 0; at < r.values.size(); at += columns)
    bytes += number_bytes(r.values.subspan(at, columns), format.type, format.endian);
  return bytes;
}

// The same as base64; of plain floats without a copy.
void append_answer_base64(std::string& out, const NumberFormat& format, const Numbers& r) {
  out += '"';
  if (format.type == NumberType::kFloat32 && format.endian == Endian::kLittle) {
    append_base64(out, r.values);
  } else {
    append_base64(out, answer_bytes(format, r));
  }
  out += '"';
}

void append_values(std::string& out, const NumberFormat& format, Task task, const Answer& answer) {
  const Numbers r = numbers_of(answer);
  if (const auto* sparse = std::get_if<SparseVector>(&answer)) {
    append_weights(out, sparse->ids, sparse->values);
  } else if (format.form == NumberFormat::Form::kBase64) {
    append_answer_base64(out, format, r);
  } else if (is_whole(format.type)) {
    append_whole(out, r.values, format.type);
  } else if (has_rows(task)) {
    append_rows(out, r.values, r.rows, r.columns);
  } else {
    append_floats(out, r.values);
  }
}

void append_parts(std::string& out, const NumberFormat& format, const Parts& parts,
                  const Result& result) {
  if (!parts.several) return append_values(out, format, parts.tasks.front(), result.answer);
  out += '{';
  for (size_t i = 0; i < parts.tasks.size(); ++i) {
    out += (i ? ",\"" : "\"") + std::string(to_string(parts.tasks[i])) + "\":";
    append_values(out, format, parts.tasks[i], i ? result.also.at(i - 1) : result.answer);
  }
  out += '}';
}

HttpResponse render_json(const Head& head, const NumberFormat& format, const Entry& entry,
                         const Parts& parts, std::vector<Result> results) {
  HttpResponse response{.content_type = std::string(kJsonType)};
  std::string& out = response.body;
  append_head(out, head);
  const int64_t tokens = total_tokens(results);
  for (size_t i = 0; i < results.size(); ++i) {
    if (i == 1) reserve_answer(out, out.size() * (results.size() + 1));
    if (i) out += ',';
    out += "{\"index\":";
    append_number(out, static_cast<int64_t>(i));
    out += std::string(",\"object\":\"") + entry.object + "\",\"" + entry.key + "\":";
    append_parts(out, format, parts, results[i]);
    out += '}';
    results[i] = {};  // an answer is large enough once
  }
  append_tail(out, tokens);
  return response;
}

// All numbers end to end; where each result lies stands in the header "metadata", unless bytes_only
// asks for none.
HttpResponse render_bytes(const Head& head, const NumberFormat& format, Task task,
                          const std::vector<Result>& results) {
  HttpResponse response{.content_type = "application/octet-stream"};
  std::string metadata;
  append_head(metadata, head);
  for (size_t i = 0; i < results.size(); ++i) {
    const Numbers r = numbers_of(results[i].answer);
    if (i) metadata += ',';
    metadata += "{\"index\":" + std::to_string(i) + ",\"embed_dtype\":\"" + to_string(format.type) +
                "\",\"endianness\":\"" + (format.endian == Endian::kBig ? "big" : "little") +
                "\",\"start\":" + std::to_string(response.body.size());
    response.body += answer_bytes(format, r);
    metadata += ",\"end\":" + std::to_string(response.body.size()) + ",\"shape\":[" +
                (has_rows(task) ? std::to_string(r.rows) + "," : "") + std::to_string(r.columns) +
                "]}";
  }
  append_tail(metadata, total_tokens(results));
  if (format.form == NumberFormat::Form::kBytes)
    response.headers.emplace_back("metadata", std::move(metadata));
  return response;
}

}  // namespace

NumberFormat read_format(Fields& fields) {
  NumberFormat format;
  const auto form = fields.choice("encoding_format", {"float", "base64", "bytes", "bytes_only"});
  if (form == "base64") format.form = NumberFormat::Form::kBase64;
  if (form == "bytes") format.form = NumberFormat::Form::kBytes;
  if (form == "bytes_only") format.form = NumberFormat::Form::kBytesOnly;
  if (const auto type = fields.choice("embed_dtype",
                                      {"float32", "float16", "bfloat16", "fp8_e4m3", "fp8_e5m2"})) {
    format.type = number_type_from(*type).value_or(format.type);
  }
  if (fields.choice("endianness", {"native", "big", "little"}) == "big")
    format.endian = Endian::kBig;
  return format;
}

HttpResponse render(const Head& head, const NumberFormat& format, const Entry& entry,
                    const Parts& parts, std::vector<Result> results) {
  if (format.bytes()) return render_bytes(head, format, parts.tasks.front(), results);
  return render_json(head, format, entry, parts, std::move(results));
}

}  // namespace vecton::server::openai

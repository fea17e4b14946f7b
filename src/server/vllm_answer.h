// Answers of vLLM's pooling routes: a list of entries, each with its numbers as JSON or base64, or
// all numbers as bytes.
#pragma once

#include <string>
#include <vector>

#include "server/fields.h"
#include "server/number_type.h"
#include "server/render.h"
#include "server/vllm_fields.h"
#include "vecton/vecton.h"

namespace vecton::server::openai {

struct NumberFormat {
  enum class Form { kFloat, kBase64, kBytes, kBytesOnly } form = Form::kFloat;
  Endian endian = Endian::kLittle;
  NumberType type = NumberType::kFloat32;  // of bytes; of JSON's numbers where it is a whole one

  bool bytes() const { return form == Form::kBytes || form == Form::kBytesOnly; }
};

// encoding_format, embed_dtype, endianness.
NumberFormat read_format(Fields& fields);

// An entry's name, and the member with its numbers.
struct Entry {
  const char* object;
  const char* key;
};

// The tasks of a result: its own, then those of Result::also. The numbers of one task stand as they
// are, those of `several` in an object with a member for each.
struct Parts {
  std::vector<Task> tasks;
  bool several = false;
};

// One answer for all results.
HttpResponse render(const Head& head, const NumberFormat& format, const Entry& entry,
                    const Parts& parts, std::vector<Result> results);

}  // namespace vecton::server::openai

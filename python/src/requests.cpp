// Requests and their answers: the one place that knows how include/vecton spells them.
#include "requests.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/best_of.h"
#include "generation.h"

namespace vecton::python {

namespace {

// What an answer has, whatever its task.
struct Part {
  const Error* error = nullptr;
  int64_t rows = 0, columns = 0;
  std::span<const float> values{};
  std::span<const int32_t> ids{};
  std::span<const TokenInfo> tokens{};
  float logit = 0;
};

Part part_of(const Result& result, int64_t also) {
  const Answer& answer =
      also < 0 || result.error() ? result.answer : result.also.at(static_cast<size_t>(also));
  const Numbers numbers = numbers_of(answer);
  Part part{.error = std::get_if<Error>(&answer),
            .rows = numbers.rows,
            .columns = numbers.columns,
            .values = numbers.values};
  if (const auto* vectors = std::get_if<Vectors>(&answer)) part.tokens = vectors->tokens;
  if (const auto* labels = std::get_if<Labels>(&answer)) part.tokens = labels->tokens;
  if (const auto* sparse = std::get_if<SparseVector>(&answer)) part.ids = sparse->ids;
  if (const auto* fillings = std::get_if<Fillings>(&answer)) part.ids = fillings->ids;
  if (const auto* relevance = std::get_if<Relevance>(&answer)) part.logit = relevance->logit;
  return part;
}

EncodeOptions::Side side_named(const std::string& name) {
  if (name == "left") return EncodeOptions::Side::kLeft;
  if (name == "right") return EncodeOptions::Side::kRight;
  throw nb::value_error(
      ("truncation_side must be \"left\" or \"right\", found \"" + name + "\"").c_str());
}

Role role_named(const std::string& name) {
  if (name == "query") return Role::kQuery;
  if (name == "document") return Role::kDocument;
  throw nb::value_error(("role must be \"query\" or \"document\", found \"" + name + "\"").c_str());
}

template <class T>
void optional_integer(Arguments& arguments, const char* name, std::optional<T>& target) {
  if (const nb::handle value = arguments.take(name)) target = to_integer(value, name);
}
void optional_text(Arguments& arguments, const char* name, std::optional<std::string>& target) {
  if (const nb::handle value = arguments.take(name)) target = to_text(value, name);
}
void optional_flag(Arguments& arguments, const char* name, std::optional<bool>& target) {
  if (const nb::handle value = arguments.take(name)) target = to_bool(value, name);
}

// Each task takes its own parameters; those of others stay and are refused.
void read(Arguments& arguments, Embed& task) {
  optional_integer(arguments, "dimensions", task.dimensions);
  arguments.flag("dimensions_of_any_model", task.dimensions_of_any_model);
  optional_flag(arguments, "normalize", task.normalize);
}
void read(Arguments& arguments, TokenEmbed& task) {
  optional_flag(arguments, "normalize", task.normalize);
}
void read(Arguments&, SparseEmbed&) {}
void read(Arguments& arguments, Classify& task) {
  if (const nb::handle candidates = arguments.take("candidates"))
    task.candidates = to_texts(candidates, "candidates");
  optional_flag(arguments, "use_activation", task.use_activation);
}
void read(Arguments& arguments, TokenClassify& task) {
  optional_flag(arguments, "use_activation", task.use_activation);
}
void read(Arguments& arguments, Score& task) {
  optional_text(arguments, "instruction", task.instruction);
  optional_flag(arguments, "use_activation", task.use_activation);
}
void read(Arguments& arguments, Generate& task) { read_generate(arguments, task); }
void read(Arguments& arguments, FillMask& task) {
  arguments.integer("top_k", task.top_k);
  if (const nb::handle targets = arguments.take("targets"))
    task.targets = to_texts(targets, "targets");
}

Request make_request(nb::kwargs values) {
  Arguments arguments{nb::dict(values)};
  std::string task = "embed", role, side;
  arguments.text("task", task);
  const std::optional<Task> kind = task_from_string(task);
  if (!kind) {
    throw nb::value_error(
        ("task must be embed, token_embed, sparse_embed, classify, token_classify, score, "
         "fill_mask or generate, found \"" +
         task + "\"")
            .c_str());
  }
  Request request{.task = default_parameters(*kind)};
  std::visit([&](auto& parameters) { read(arguments, parameters); }, request.task);
  arguments.text("role", role);
  if (!role.empty()) request.prompt.role = role_named(role);
  optional_text(arguments, "prompt_name", request.prompt.prompt_name);
  optional_text(arguments, "prompt", request.prompt.prompt_text);
  optional_flag(arguments, "add_special_tokens", request.prompt.add_special_tokens);
  optional_integer(arguments, "truncate_to", request.prompt.truncation.to);
  arguments.text("truncation_side", side);
  if (!side.empty()) request.prompt.truncation.side = side_named(side);
  optional_integer(arguments, "max_prompt_tokens", request.prompt.max_tokens);
  arguments.text("cache_salt", request.cache_salt);
  arguments.integer("priority", request.priority);
  if (const nb::handle also = arguments.take("also")) {
    for (const nb::handle item : nb::iter(also)) {
      const Request* other = nullptr;
      if (!nb::try_cast<const Request*>(item, other) || other == nullptr)
        throw nb::type_error("also must be a list of Requests");
      request.also.push_back(other->task);
    }
  }
  arguments.finish(("a request of task " + task).c_str());
  return request;
}

// Of an object that is neither text nor token ids: the Prompt that Python's side makes of it, or
// nothing where it knows no such thing.
nb::object prompt_of(nb::handle input, const std::string& where) {
  if (PyList_Check(input.ptr()) || PyTuple_Check(input.ptr())) return nb::none();
  return nb::module_::import_("vecton.pictures").attr("prompt_of")(input, where);
}

void set_input(Prompt& prompt, nb::handle input, const std::string& where) {
  if (PyUnicode_Check(input.ptr())) {
    prompt.input = to_text(input, where);
    return;
  }
  const Chat* chat = nullptr;
  if (nb::try_cast<const Chat*>(input, chat) && chat != nullptr) {
    prompt.input = *chat;
    return;
  }
  const Prompt* pictured = nullptr;
  nb::object made = nb::borrow(input);
  if (!nb::isinstance<Prompt>(input)) made = prompt_of(input, where);
  if (nb::try_cast<const Prompt*>(made, pictured) && pictured != nullptr) {
    prompt.input = pictured->input;
    prompt.images = pictured->images;
    return;
  }
  const bool many = PySequence_Check(input.ptr()) && !PyBytes_Check(input.ptr()) &&
                    !PyByteArray_Check(input.ptr());
  if (!many) {
    const char* const hint =
        PyBytes_Check(input.ptr())
            ? ": decode it first, or give {\"image\": ...} where it is a picture"
            : "";
    throw nb::type_error((where +
                          " must be a text (str), a list of token ids or a picture, found " +
                          kind_of(input) + hint)
                             .c_str());
  }
  prompt.input = to_ids(input, where);
}

// A text with pictures, or one of both.
Prompt to_document(nb::handle value, const std::string& where) {
  Prompt prompt;
  if (PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr()) || value.is_none()) {
    prompt.input = to_text(value, where);
  } else {
    set_input(prompt, value, where);
  }
  if (!std::holds_alternative<std::string>(prompt.input))
    throw nb::type_error((where + " must be a text (str) or a picture").c_str());
  return prompt;
}

void set_second(Request& request, nb::handle second, const std::string& where) {
  if (auto* score = std::get_if<Score>(&request.task)) {
    Prompt document = to_document(second, where);
    score->document = std::move(std::get<std::string>(document.input));
    score->document_images = std::move(document.images);
  } else if (auto* classify = std::get_if<Classify>(&request.task)) {
    if (!second.is_none()) classify->pair = to_text(second, where);
  } else if (auto* embed = std::get_if<Embed>(&request.task)) {
    embed->late_chunks = to_texts(second, where);
  } else {
    throw nb::type_error("this task takes no second texts");
  }
}

// Files' bytes, and texts that say where files are.
std::vector<Image> to_images(nb::handle list) {
  std::vector<Image> images;
  for (const nb::handle item : nb::iter(list)) {
    if (PyBytes_Check(item.ptr())) {
      images.push_back({.bytes = std::string(PyBytes_AsString(item.ptr()),
                                             static_cast<size_t>(PyBytes_Size(item.ptr())))});
    } else {
      images.push_back({.source = to_text(item, "images[" + std::to_string(images.size()) + "]")});
    }
  }
  return images;
}

template <class T>
nb::object array_1d(std::vector<T> values) {
  auto* const moved = new std::vector<T>(std::move(values));
  nb::capsule owner(moved, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(moved->data(), {moved->size()}, owner));
}

}  // namespace

const Chat& to_chat(nb::handle messages) {
  const Chat* chat = nullptr;
  if (nb::try_cast<const Chat*>(messages, chat) && chat != nullptr) return *chat;
  const Prompt* prompt = nullptr;
  if (nb::try_cast<const Prompt*>(messages, prompt) && prompt != nullptr)
    chat = std::get_if<Chat>(&prompt->input);
  if (chat == nullptr)
    throw nb::type_error(("expected Messages, found " + kind_of(messages)).c_str());
  return *chat;
}

std::vector<Request> make_requests(nb::list inputs, nb::handle like, nb::handle seconds,
                                   size_t first) {
  const size_t count = nb::len(inputs);
  const bool each = PyList_Check(like.ptr());
  if (each && nb::len(like) != count)
    throw nb::value_error("there must be as many requests as inputs");
  const Request* one = each ? nullptr : nb::cast<const Request*>(like);
  const bool pairs = !seconds.is_none();
  if (pairs && nb::len(seconds) != count)
    throw nb::value_error("there must be as many second texts as inputs");
  std::vector<Request> requests;
  requests.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    requests.push_back(each ? *nb::cast<const Request*>(like[i]) : *one);
    const std::string where = "input[" + std::to_string(first + i) + "]";
    set_input(requests.back().prompt, inputs[i], where);
    if (pairs) set_second(requests.back(), seconds[i], "second" + where.substr(5));
  }
  return requests;
}

const Result& Results::at(int64_t index) const {
  if (index < 0 || index >= size()) throw nb::index_error("no such result");
  return (*results_)[static_cast<size_t>(index)];
}

void Results::raise_first(size_t first) const {
  for (size_t i = 0; i < results_->size(); ++i) {
    const Error* const error = part_of((*results_)[i], -1).error;
    if (!error) continue;
    const bool several = first > 0 || results_->size() > 1;
    const std::string where = several ? "input[" + std::to_string(first + i) + "]: " : "";
    throw Error(error->code(), where + error->what(), error->field());
  }
}

nb::object Results::error(int64_t index) const {
  const Error* const error = part_of(at(index), -1).error;
  return error ? exception_of(*error) : nb::none();
}

// The values of one result, which lie where the engine put them.
nb::object Results::values(int64_t index, int64_t also) const {
  const Part part = part_of(at(index), also);
  if (part.error) throw Error(*part.error);
  auto* const keep = new Shared(results_);
  nb::capsule owner(keep, [](void* p) noexcept { delete static_cast<Shared*>(p); });
  float* const data = const_cast<float*>(part.values.data());
  return nb::cast(nb::ndarray<nb::numpy, float, nb::ndim<2>>(
      data, {static_cast<size_t>(part.rows), static_cast<size_t>(part.columns)}, owner));
}

nb::object Results::vector(int64_t index) const {
  const Part part = part_of(at(index), -1);
  if (part.error) throw Error(*part.error);
  auto* const keep = new Shared(results_);
  nb::capsule owner(keep, [](void* p) noexcept { delete static_cast<Shared*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, float, nb::ndim<1>>(const_cast<float*>(part.values.data()),
                                                             {part.values.size()}, owner));
}

nb::object Results::ids(int64_t index, int64_t also) const {
  const Part part = part_of(at(index), also);
  if (part.error) throw Error(*part.error);
  return array_1d(std::vector<int32_t>(part.ids.begin(), part.ids.end()));
}

nb::object Results::sizes(int64_t also) const {
  std::vector<int64_t> rows;
  for (const Result& result : *results_) rows.push_back(part_of(result, also).rows);
  return array_1d(std::move(rows));
}

nb::object Results::tokens(int64_t index, int64_t also) const {
  const Part part = part_of(at(index), also);
  if (part.error) throw Error(*part.error);
  std::vector<int32_t> ids;
  std::vector<int64_t> begin, end;
  std::vector<uint8_t> special;
  for (const TokenInfo& token : part.tokens) {
    ids.push_back(token.id);
    begin.push_back(token.begin);
    end.push_back(token.end);
    special.push_back(token.special);
  }
  return nb::make_tuple(array_1d(std::move(ids)), array_1d(std::move(begin)),
                        array_1d(std::move(end)), array_1d(std::move(special)));
}

// The rows of all results below each other.
nb::object Results::matrix(int64_t also) const {
  size_t rows = 0, columns = 0;
  for (const Result& result : *results_) {
    const Part part = part_of(result, also);
    rows += static_cast<size_t>(part.rows);
    columns = std::max(columns, static_cast<size_t>(part.columns));
  }
  auto values = std::make_unique<std::vector<float>>();
  {
    nb::gil_scoped_release release;
    values->reserve(rows * columns);
    for (const Result& result : *results_) {
      const Part part = part_of(result, also);
      values->insert(values->end(), part.values.begin(), part.values.end());
    }
  }
  if (values->size() != rows * columns)
    throw nb::value_error("the results have rows of different lengths");
  auto* const moved = values.release();
  nb::capsule owner(moved, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return nb::cast(
      nb::ndarray<nb::numpy, float, nb::ndim<2>>(moved->data(), {rows, columns}, owner));
}

// The rows of all results into an array from row `start` on.
void Results::copy_into(nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu> out,
                        int64_t start, int64_t also) const {
  nb::gil_scoped_release release;
  size_t row = static_cast<size_t>(start);
  for (const Result& result : *results_) {
    const Part part = part_of(result, also);
    if (part.error) throw Error(*part.error);
    const size_t rows = static_cast<size_t>(part.rows);
    if (static_cast<size_t>(part.columns) != out.shape(1) || row + rows > out.shape(0))
      throw Error(ErrorCode::kInvalidArgument,
                  "out has the shape [" + std::to_string(out.shape(0)) + ", " +
                      std::to_string(out.shape(1)) + "]; the results have " +
                      std::to_string(part.columns) + " columns",
                  "out");
    std::memcpy(out.data() + row * out.shape(1), part.values.data(),
                part.values.size() * sizeof(float));
    row += rows;
  }
}

nb::object Results::scores() const {
  std::vector<float> scores;
  for (const Result& result : *results_) {
    const Part part = part_of(result, -1);
    scores.push_back(part.values.empty() ? 0 : part.values.front());
  }
  return array_1d(std::move(scores));
}

nb::object Results::logits() const {
  std::vector<float> logits;
  for (const Result& result : *results_) logits.push_back(part_of(result, -1).logit);
  return array_1d(std::move(logits));
}

nb::object Results::prompt_tokens() const {
  std::vector<int64_t> counts;
  for (const Result& result : *results_) counts.push_back(result.usage.prompt_tokens);
  return array_1d(std::move(counts));
}

nb::object Results::truncated() const {
  nb::list flags;
  for (const Result& result : *results_) flags.append(result.usage.truncated);
  return flags;
}

nb::object Results::entities(int64_t index, const std::string& text, const std::string& aggregation,
                             const Engine& engine) const {
  const std::optional<Aggregation> how = aggregation_from_string(aggregation);
  if (!how)
    throw nb::value_error(
        ("aggregation must be none, simple, first, average or max, found \"" + aggregation + "\"")
            .c_str());
  const Part part = part_of(at(index), -1);
  if (part.error) throw Error(*part.error);
  nb::list list;
  for (const Entity& entity : find_entities(at(index).get<Labels>(), text, engine.tokenizer(),
                                            engine.info().labels, *how)) {
    nb::dict row;
    row["label"] = entity.label;
    row["score"] = entity.score;
    row["begin"] = entity.begin;
    row["end"] = entity.end;
    row["text"] = nb::steal(PyUnicode_DecodeUTF8(
        entity.text.data(), static_cast<Py_ssize_t>(entity.text.size()), "replace"));
    list.append(row);
  }
  return list;
}

nb::object Results::generation(int64_t index, std::optional<int64_t> best) const {
  const Result& result = at(index);
  if (const Error* const error = result.error()) throw Error(*error);
  const auto& all = result.get<Generation>();
  if (!best) return to_python(all);
  Generation kept = all;
  engine::keep_best(kept, *best);
  return to_python(kept);
}

nb::object Results::fillings(int64_t index, const Engine& engine) const {
  nb::list masks;
  for (const std::vector<Filling>& choices :
       find_fillings(at(index).get<Fillings>(), engine.tokenizer())) {
    nb::list rows;
    for (const Filling& filling : choices) {
      nb::dict row;
      row["score"] = filling.score;
      row["token"] = filling.token;
      row["token_str"] = nb::steal(PyUnicode_DecodeUTF8(
          filling.text.data(), static_cast<Py_ssize_t>(filling.text.size()), "replace"));
      row["sequence"] = nb::steal(PyUnicode_DecodeUTF8(
          filling.sequence.data(), static_cast<Py_ssize_t>(filling.sequence.size()), "replace"));
      rows.append(row);
    }
    masks.append(rows);
  }
  return masks;
}

void bind_requests(nb::module_& m) {
  nb::class_<Request>(m, "Request", "What is to be done with inputs: a task and its parameters.")
      .def("__init__",
           [](Request* self, nb::kwargs values) {
             new (self) Request(make_request(std::move(values)));
           })
      .def_prop_ro("task", [](const Request& self) { return to_string(task_of(self.task)); });

  nb::class_<Chat>(m, "Messages",
                   "Messages as JSON, of which the model's chat template makes a text.")
      .def("__init__", [](Chat* self, nb::kwargs values) {
        Chat chat;
        Arguments arguments{nb::dict(values)};
        arguments.text("messages", chat.input.messages);
        arguments.text("tools", chat.input.tools);
        arguments.text("documents", chat.input.documents);
        arguments.text("variables", chat.input.variables);
        arguments.flag("add_generation_prompt", chat.input.add_generation_prompt);
        arguments.text("continue_final_message", chat.input.continue_final_message);
        arguments.text("chat_template", chat.chat_template);
        arguments.finish("Messages");
        new (self) Chat(std::move(chat));
      });

  nb::class_<Prompt>(m, "Prompt",
                     "An input with pictures: its text or Messages, and files' bytes (bytes) or "
                     "where files are (str).")
      .def(
          "__init__",
          [](Prompt* self, nb::handle input, nb::list images) {
            Prompt prompt;
            set_input(prompt, input, "input");
            prompt.images = to_images(images);
            new (self) Prompt(std::move(prompt));
          },
          nb::arg("input"), nb::arg("images"))
      .def_prop_ro("text",
                   [](const Prompt& self) {
                     const auto* text = std::get_if<std::string>(&self.input);
                     return text ? std::optional(*text) : std::nullopt;
                   })
      .def_prop_ro("images", [](const Prompt& self) { return self.images.size(); });

  nb::class_<Results>(m, "Results", "The answers to requests, in their order.")
      .def("__len__", &Results::size)
      .def("raise_first", &Results::raise_first, nb::arg("first") = 0)
      .def("error", &Results::error, nb::arg("index"))
      .def("values", &Results::values, nb::arg("index"), nb::arg("also") = -1)
      .def("vector", &Results::vector, nb::arg("index"))
      .def("ids", &Results::ids, nb::arg("index"), nb::arg("also") = -1)
      .def("sizes", &Results::sizes, nb::arg("also") = -1)
      .def("tokens", &Results::tokens, nb::arg("index"), nb::arg("also") = -1)
      .def("matrix", &Results::matrix, nb::arg("also") = -1)
      // A converted `out` would be a copy, which nobody reads.
      .def("copy_into", &Results::copy_into, nb::arg("out").noconvert(), nb::arg("start"),
           nb::arg("also") = -1)
      .def("generation", &Results::generation, nb::arg("index"), nb::arg("best") = nb::none())
      .def("scores", &Results::scores)
      .def("logits", &Results::logits)
      .def_prop_ro("prompt_tokens", &Results::prompt_tokens)
      .def_prop_ro("truncated", &Results::truncated);
}

}  // namespace vecton::python

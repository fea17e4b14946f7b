
#include "engine.h"

namespace vecton::python {

namespace {

// A tokenizer of its own, or that of an engine, as long as that is open.
struct SharedTokenizer {
  std::shared_ptr<const Tokenizer> own;
  nb::object engine;

  // `run` with the tokenizer, without the interpreter's lock.
  template <class Run>
  auto with(Run run) const {
    const EngineHandle* const handle = own ? nullptr : nb::cast<const EngineHandle*>(engine);
    nb::gil_scoped_release release;
    if (own) return run(*own);
    const std::shared_ptr<Engine> open = handle->use();
    return run(open->tokenizer());
  }
};

EncodeOptions::Side side_named(const std::string& name, const char* field) {
  if (name == "left") return EncodeOptions::Side::kLeft;
  if (name == "right") return EncodeOptions::Side::kRight;
  throw nb::value_error(
      (std::string(field) + " must be \"left\" or \"right\", found \"" + name + "\"").c_str());
}

EncodeOptions to_encode_options(nb::dict values) {
  EncodeOptions options;
  Arguments arguments(std::move(values));
  arguments.flag("add_special_tokens", options.add_special_tokens);
  arguments.integer("max_length", options.max_length);
  arguments.integer("pad_to_multiple_of", options.pad_to_multiple_of);
  std::string truncation = "do_not_truncate", padding = "do_not_pad", side;
  arguments.text("truncation", truncation);
  arguments.text("padding", padding);
  using Truncation = EncodeOptions::Truncation;
  using Padding = EncodeOptions::Padding;
  if (truncation == "longest_first")
    options.truncation = Truncation::kLongestFirst;
  else if (truncation == "only_first")
    options.truncation = Truncation::kOnlyFirst;
  else if (truncation == "only_second")
    options.truncation = Truncation::kOnlySecond;
  else if (truncation != "do_not_truncate")
    throw nb::value_error(
        ("truncation must be longest_first, only_first, only_second or do_not_truncate, found " +
         truncation)
            .c_str());
  if (padding == "longest")
    options.padding = Padding::kLongest;
  else if (padding == "max_length")
    options.padding = Padding::kMaxLength;
  else if (padding != "do_not_pad")
    throw nb::value_error(
        ("padding must be longest, max_length or do_not_pad, found " + padding).c_str());
  arguments.text("truncation_side", side);
  if (!side.empty()) options.truncation_side = side_named(side, "truncation_side");
  side.clear();
  arguments.text("padding_side", side);
  if (!side.empty()) options.padding_side = side_named(side, "padding_side");
  arguments.finish("encode()");
  options.offsets = true;
  return options;
}

}  // namespace

nb::object tokenizer_of(nb::object engine) {
  return nb::cast(SharedTokenizer{.own = nullptr, .engine = std::move(engine)});
}

void bind_tokenizer(nb::module_& m) {
  nb::class_<Encoding>(m, "Encoding", "The tokens of one text or pair.")
      .def_ro("ids", &Encoding::ids)
      .def_ro("type_ids", &Encoding::type_ids)
      .def_ro("attention_mask", &Encoding::attention_mask)
      .def_ro("special_tokens_mask", &Encoding::special_tokens_mask)
      .def_ro("sequences", &Encoding::sequences)
      .def_ro("offsets", &Encoding::char_offsets,
              "Characters of the text that each token came from.")
      .def_ro("truncated", &Encoding::truncated);

  using Self = const SharedTokenizer&;
  using T = const Tokenizer&;
  nb::class_<SharedTokenizer>(m, "Tokenizer")
      .def_static(
          "open",
          [](const std::string& folder) {
            nb::gil_scoped_release release;
            return SharedTokenizer{.own = Tokenizer::open(folder), .engine = {}};
          },
          nb::arg("folder"))
      .def(
          "encode_batch",
          [](Self self, nb::list texts, nb::object pairs, nb::kwargs options) {
            const std::vector<std::string> first = to_texts(texts, "texts");
            const std::vector<std::string> second =
                pairs.is_none() ? std::vector<std::string>() : to_texts(pairs, "pairs");
            if (!second.empty() && second.size() != first.size())
              throw nb::value_error("pairs must be as many as texts");
            const EncodeOptions how = to_encode_options(nb::dict(options));
            return self.with([&](T t) { return t.encode_batch(first, second, how); });
          },
          nb::arg("texts"), nb::arg("pairs") = nb::none(), nb::arg("options"))
      .def(
          "decode",
          [](Self self, nb::object ids, bool skip_special_tokens) {
            const std::vector<int32_t> tokens = to_ids(ids, "ids");
            return self.with([&](T t) { return t.decode(tokens, skip_special_tokens); });
          },
          nb::arg("ids"), nb::arg("skip_special_tokens") = false)
      .def(
          "id_to_token",
          [](Self self, int32_t id) {
            return self.with([id](T t) {
              const std::string token(t.id_to_token(id));
              return token.empty() ? std::optional<std::string>() : token;
            });
          },
          nb::arg("id"))
      .def(
          "token_to_id",
          [](Self self, const std::string& token) {
            return self.with([&](T t) { return t.token_to_id(token); });
          },
          nb::arg("token"))
      .def(
          "special_token_id",
          [](Self self, const std::string& name) {
            return self.with([&](T t) { return t.special_token_id(name); });
          },
          nb::arg("name"))
      .def_prop_ro("special_tokens",
                   [](Self self) { return self.with([](T t) { return t.special_tokens(); }); })
      .def_prop_ro("vocab_size",
                   [](Self self) { return self.with([](T t) { return t.vocab_size(); }); })
      .def_prop_ro("model_max_length",
                   [](Self self) { return self.with([](T t) { return t.model_max_length(); }); })
      .def_prop_ro("returns_type_ids",
                   [](Self self) { return self.with([](T t) { return t.returns_type_ids(); }); })
      .def_prop_ro("pads_left",
                   [](Self self) { return self.with([](T t) { return t.pads_left(); }); })
      .def_prop_ro("truncates_left",
                   [](Self self) { return self.with([](T t) { return t.truncates_left(); }); });
}

}  // namespace vecton::python


#include "binding.h"

namespace vecton::python {

namespace {

// A tokenizer that keeps alive whatever owns it.
struct SharedTokenizer {
  std::shared_ptr<const Tokenizer> tokenizer;
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

nb::object shared_tokenizer(std::shared_ptr<const Tokenizer> tokenizer) {
  return nb::cast(SharedTokenizer{std::move(tokenizer)});
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

  nb::class_<SharedTokenizer>(m, "Tokenizer")
      .def_static(
          "open",
          [](const std::string& folder) {
            nb::gil_scoped_release release;
            return SharedTokenizer{Tokenizer::open(folder)};
          },
          nb::arg("folder"))
      .def(
          "encode_batch",
          [](const SharedTokenizer& self, nb::list texts, nb::object pairs, nb::kwargs options) {
            const std::vector<std::string> first = to_texts(texts, "texts");
            const std::vector<std::string> second =
                pairs.is_none() ? std::vector<std::string>() : to_texts(pairs, "pairs");
            if (!second.empty() && second.size() != first.size())
              throw nb::value_error("pairs must be as many as texts");
            const EncodeOptions how = to_encode_options(nb::dict(options));
            nb::gil_scoped_release release;
            return self.tokenizer->encode_batch(first, second, how);
          },
          nb::arg("texts"), nb::arg("pairs") = nb::none(), nb::arg("options"))
      .def(
          "decode",
          [](const SharedTokenizer& self, nb::object ids, bool skip_special_tokens) {
            return self.tokenizer->decode(to_ids(ids, "ids"), skip_special_tokens);
          },
          nb::arg("ids"), nb::arg("skip_special_tokens") = false)
      .def(
          "id_to_token",
          [](const SharedTokenizer& self, int32_t id) -> std::optional<std::string> {
            const std::string_view token = self.tokenizer->id_to_token(id);
            if (token.empty()) return {};
            return std::string(token);
          },
          nb::arg("id"))
      .def(
          "token_to_id",
          [](const SharedTokenizer& self, const std::string& token) {
            return self.tokenizer->token_to_id(token);
          },
          nb::arg("token"))
      .def(
          "special_token_id",
          [](const SharedTokenizer& self, const std::string& name) {
            return self.tokenizer->special_token_id(name);
          },
          nb::arg("name"))
      .def(
          "num_special_tokens",
          [](const SharedTokenizer& self, bool pair) {
            return self.tokenizer->num_special_tokens(pair);
          },
          nb::arg("pair") = false)
      .def_prop_ro("special_tokens",
                   [](const SharedTokenizer& self) { return self.tokenizer->special_tokens(); })
      .def_prop_ro("vocab_size",
                   [](const SharedTokenizer& self) { return self.tokenizer->vocab_size(); })
      .def_prop_ro("model_max_length",
                   [](const SharedTokenizer& self) { return self.tokenizer->model_max_length(); })
      .def_prop_ro("model_takes_type_ids", [](const SharedTokenizer& self) {
        return self.tokenizer->model_takes_type_ids();
      });
}

}  // namespace vecton::python

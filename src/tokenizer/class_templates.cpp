#include "tokenizer/class_templates.h"

namespace vecton::tokenizer {

namespace {

json::array pieces(const std::vector<TemplatePart>& parts, json::object& tokens) {
  json::array out;
  for (const auto& [name, type] : parts) {
    const bool sequence = name == "$A" || name == "$B";
    const std::string_view id = sequence ? name.substr(1) : name;
    json::object part{{"id", id}, {"type_id", type}};
    out.push_back(json::object{{sequence ? "Sequence" : "SpecialToken", std::move(part)}});
    if (!sequence) tokens.insert_or_assign(id, json::object{{"ids", nullptr}});
  }
  return out;
}

}  // namespace

json::value template_processing(const std::vector<TemplatePart>& single,
                                const std::vector<TemplatePart>& pair) {
  json::object tokens;
  json::object out{{"type", "TemplateProcessing"}};
  out.emplace("single", pieces(single, tokens));
  out.emplace("pair", pieces(pair, tokens));
  out.emplace("special_tokens", std::move(tokens));
  return out;
}

json::value bert_template(std::string_view cls, std::string_view sep, int cls_type) {
  return template_processing({{cls, cls_type}, {"$A", 0}, {sep, 0}},
                             {{cls, cls_type}, {"$A", 0}, {sep, 0}, {"$B", 1}, {sep, 1}});
}

json::value doubled_template(std::string_view begin, std::string_view end) {
  return template_processing({{begin, 0}, {"$A", 0}, {end, 0}},
                             {{begin, 0}, {"$A", 0}, {end, 0}, {end, 0}, {"$B", 0}, {end, 0}});
}

json::value end_template(std::string_view end) {
  return template_processing({{"$A", 0}, {end, 0}}, {{"$A", 0}, {end, 0}, {"$B", 0}, {end, 0}});
}

json::value xlnet_template(std::string_view cls, std::string_view sep) {
  return template_processing({{"$A", 0}, {sep, 0}, {cls, 2}},
                             {{"$A", 0}, {sep, 0}, {"$B", 1}, {sep, 1}, {cls, 2}});
}

json::value begin_end_template(std::string_view begin, std::string_view end) {
  std::vector<TemplatePart> pair;
  const auto add = [&](std::string_view sequence, int type) {
    if (!begin.empty()) pair.emplace_back(begin, type);
    pair.emplace_back(sequence, type);
    if (!end.empty()) pair.emplace_back(end, type);
  };
  add("$A", 0);
  const std::vector<TemplatePart> single = pair;
  add("$B", 1);
  return template_processing(single, pair);
}

json::value roberta_processing(std::string_view begin, std::string_view end, bool trim_offsets,
                               bool add_prefix_space) {
  return {{"type", "RobertaProcessing"},
          {"trim_offsets", trim_offsets},
          {"add_prefix_space", add_prefix_space},
          {"cls", json::array{begin, nullptr}},
          {"sep", json::array{end, nullptr}}};
}

}  // namespace vecton::tokenizer

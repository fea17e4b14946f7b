// Requests with images: what stands for them in the text, and the prompts of models that read both.
#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "base/json.h"
#include "engine/chat_images.h"
#include "engine/images.h"
#include "engine/preparer.h"
#include "vecton/error.h"

namespace vecton::engine {

namespace {

// Whether an instruction ends as a sentence does.
bool is_closed(std::string_view text) {
  constexpr std::string_view kMarks = "!\"#%&'()*,-./:;?@[\\]_{}";
  constexpr std::string_view kWide[] = {"。", "！", "？", "…",  "”", "’",
                                        "»",  "；", "：", "）", "」"};
  return kMarks.find(text.back()) != std::string_view::npos ||
         std::ranges::any_of(kWide, [&](std::string_view mark) { return text.ends_with(mark); });
}

}  // namespace

std::vector<Image> Preparer::images_of(const Request& request) {
  std::vector<Image> images = request.prompt.images;
  if (const auto* score = std::get_if<Score>(&request.task))
    images.insert(images.end(), score->document_images.begin(), score->document_images.end());
  return images;
}

std::vector<PreparedPicture> Preparer::read_pictures(const Request& request,
                                                     FetchedPictures* fetched) const {
  const std::vector<Image> images = images_of(request);
  if (images.empty()) return {};
  if (!plan_.images || !reader_) refuse_images(plan_.architecture, images);
  if (std::ssize(images) > plan_.max_images) {
    refuse_field("images: at most " + base::counted(plan_.max_images, "image") +
                     " are taken in one request (limit_mm_per_prompt), found " +
                     std::to_string(images.size()),
                 "images");
  }
  if (!std::holds_alternative<std::string>(request.prompt.input))
    refuse_field("images: the input must be a text or messages: token ids say nothing of images",
                 "images");
  std::vector<PreparedPicture> pictures;
  const size_t first = request.prompt.images.size();
  for (size_t i = 0; i < images.size(); ++i) {
    try {
      pictures.push_back(reader_(images[i], fetched));
    } catch (const Error& e) {
      const std::string field = i < first ? "images" : "document_images";
      const size_t place = i < first ? i : i - first;
      throw Error(e.code(), field + "[" + std::to_string(place) + "]: " + e.what(), field);
    }
  }
  return pictures;
}

// What Qwen3-VL-Embedding's processor makes of an instruction and an input.
std::string Preparer::embedding_text(const Request& request, const std::string& text) const {
  const models::EmbeddingPrompt& prompt = *plan_.embedding_prompt;
  std::string instruction = prompt_of(request);
  if (instruction.empty()) instruction = prompt.instruction;
  if (!is_closed(instruction)) instruction += '.';
  const json::array messages{
      json::object{{"role", "system"}, {"content", instruction}},
      json::object{{"role", "user"},
                   {"content", text.empty() ? std::string(prompt.nothing) : text}}};
  ChatInput input{.messages = json::serialize(messages)};
  input.add_generation_prompt = true;
  return templates_->render(input);
}

// The text that a late-interaction model reads of one.
std::string Preparer::retrieval_text(const Request& request, const std::string& text) const {
  const models::RetrievalPrompt& prompt = plan_.images->retrieval;
  const Role role = role_of(request);
  const bool pictured = !request.prompt.images.empty();
  if (role == Role::kQuery && !pictured) return prompt.query ? prompt.query(text) : text;
  if (role != Role::kDocument && !pictured) return text;
  const std::string images = placeholders(*plan_.images, request.prompt.images.size());
  return prompt.document ? prompt.document(images, text) : images + text;
}

// `request` as its text is read: with the prompt of its model, and placeholders.
Request Preparer::with_images(const Request& request,
                              const std::vector<PreparedPicture>& pictures) const {
  const models::ImageInput& input = *plan_.images;
  Request placed = request;
  auto& text = std::get<std::string>(placed.prompt.input);
  const std::string placeholder = placeholder_of(input, *tokenizer_);
  if (auto* score = std::get_if<Score>(&placed.task)) {
    const auto queries = static_cast<std::ptrdiff_t>(request.prompt.images.size());
    const std::vector<PreparedPicture> first(pictures.begin(), pictures.begin() + queries),
        second(pictures.begin() + queries, pictures.end());
    text = place_images(text, input, placeholder, first);
    if (score->document)
      score->document = place_images(*score->document, input, placeholder, second);
    score->document_images.clear();
  } else if (plan_.late_interaction) {
    text = retrieval_text(request, text);
    if (!pictures.empty()) text = place_images(text, input, placeholder, pictures);
  } else {
    text = place_images(text, input, placeholder, pictures);
    const bool prompted = !request.prompt.prompt_text || !request.prompt.prompt_text->empty();
    if (plan_.embedding_prompt && prompted && std::holds_alternative<Embed>(request.task)) {
      text = embedding_text(request, text);
      placed.prompt.prompt_text = "";
      placed.prompt.add_special_tokens = false;
    }
  }
  placed.prompt.images.clear();
  const int64_t added = added_tokens(input, pictures);
  if (placed.prompt.truncation.to && added > 0) {
    const int64_t room = max_tokens(request, max_model_len(request)) - added;
    if (room < 1) {
      throw Error(ErrorCode::kTooLong,
                  "images: the images alone have " + base::counted(added, "token") +
                      "; there is room for " + std::to_string(room + added),
                  "images");
    }
    placed.prompt.truncation.to = room;
  }
  return placed;
}

// An image that is a sequence of its own.
void Preparer::set_pooled_image(const Request& request, std::vector<PreparedPicture> pictures,
                                Sequence& sequence) const {
  const auto& text = std::get<std::string>(request.prompt.input);
  if (!text.empty() || pictures.size() != 1 || pictures.front().images.size() != 1)
    refuse_field(
        plan_.shape.vocab > 0
            ? "images: the model reads one image or a text, not both: send them as inputs of their "
              "own"
            : "images: the model reads one image, and no text",
        "images");
  sequence.ids = {0};
  sequence.images = {{0, 1, pictures.front().images.front().digest}};
  sequence.pictures = std::make_shared<SequenceImages>();
  sequence.pictures->images = std::move(pictures.front().images);
  sequence.pictures->features.resize(1);
}

void Preparer::set_images(const Request& request, FetchedPictures* fetched,
                          Sequence& sequence) const {
  std::vector<PreparedPicture> pictures = read_pictures(request, fetched);
  if (!plan_.images) return set_input(request, sequence);
  if (plan_.images->pooled) {
    if (!pictures.empty()) return set_pooled_image(request, std::move(pictures), sequence);
    if (plan_.shape.vocab == 0)
      refuse_field("the model reads images, and no text: expected an input with one image",
                   "input");
    return set_input(request, sequence);
  }
  // Token ids are taken as they are: one that stands for an image elsewhere is a token here.
  if (!std::holds_alternative<std::string>(request.prompt.input))
    return set_input(request, sequence);
  set_input(with_images(request, pictures), sequence);
  std::vector<tensor::Image> images;
  for (PreparedPicture& picture : pictures)  // whose grids stay
    std::ranges::move(picture.images, std::back_inserter(images));
  expand_images(*plan_.images, std::move(images), sequence, row_break_);
  if (!sequence.tokens_info.empty())
    sequence.image_grids = image_grids(*plan_.images, pictures, sequence);
}

}  // namespace vecton::engine

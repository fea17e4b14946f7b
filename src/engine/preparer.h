// Preparer: a Request to a Sequence: its prompt, its token ids, its limits. Immutable and
// thread-safe. Messages have become a text before (routes.h). Scores that are taken of two vectors
// are two requests here: see assembly.h.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/images.h"
#include "engine/plan.h"
#include "engine/sequence.h"
#include "vecton/tokenizer.h"
#include "vecton/vecton.h"

namespace vecton::engine {

// What the request says that its text is, by role or by the name of a prompt.
Role role_of(const Request& request);
// The text that is read with the prompt's, of tasks of pairs; null = none.
const std::string* second_text(const Request& request);

// Throws kInvalidArgument naming the request's field.
[[noreturn]] void refuse_field(const std::string& message, const char* field);

class Preparer {
 public:
  // Errors name the token that the checkpoint's settings need and its tokenizer doesn't have.
  // `reader`: of models that read images.
  Preparer(const Plan& plan, std::shared_ptr<const Tokenizer> tokenizer, PictureReader reader = {});

  // Errors name the field of the request; `where` comes before the message ("input[3]: "). A text
  // without tokens is an error, but for a static embedding, whose vector it is zero. `fetched`: as
  // PictureReader has it.
  Sequence prepare(const Request& request, const std::string& where,
                   FetchedPictures* fetched = nullptr) const;

  // The token ids that the pieces of an over-long text are made of: see ChunkedProcessing.
  std::vector<Request> pieces(const Request& request, const std::string& where) const;

  std::optional<int32_t> mask_id() const { return mask_id_; }

 private:
  void check_task(const Request& request) const;
  std::string prompt_of(const Request& request) const;
  int64_t max_tokens(const Request& request, int64_t limit) const;
  int64_t max_model_len(const Request& request) const;
  int64_t role_len(Role role) const;
  int64_t limit_of(const Request& request) const;
  Encoding encode(const std::string& text, EncodeOptions options) const;
  Encoding encode_whole(const std::string& text, const Request& request,
                        const EncodeOptions& options) const;
  [[noreturn]] static void refuse_length(const std::string& tokens, int64_t limit,
                                         const Request& request);
  std::string field_too_long(const Request& request, FetchedPictures* fetched) const;
  bool is_zero(const Request& request) const;
  void check_ids(const Sequence& sequence) const;
  static void check_length(const Sequence& sequence, int64_t limit, const Request& request);
  void pad(Sequence& sequence) const;

  // Requests with images (preparer_images.cpp).
  static std::vector<Image> images_of(const Request& request);
  std::vector<PreparedPicture> read_pictures(const Request& request,
                                             FetchedPictures* fetched) const;
  std::string embedding_text(const Request& request, const std::string& text) const;
  std::string retrieval_text(const Request& request, const std::string& text) const;
  Request with_images(const Request& request, const std::vector<PreparedPicture>& pictures) const;
  void set_pooled_image(const Request& request, std::vector<PreparedPicture> pictures,
                        Sequence& sequence) const;
  void set_images(const Request& request, FetchedPictures* fetched, Sequence& sequence) const;

  // One way from a request to token ids each.
  void set_input(const Request& request, Sequence& sequence) const;
  void set_text(const Request& request, const std::string& text, Sequence& sequence) const;
  void set_pair(const Request& request, const std::string& text, const std::string& pair,
                Sequence& sequence) const;
  void set_marked(const Request& request, const std::string& text, Role role,
                  Sequence& sequence) const;
  void set_messages(const Request& request, const std::string& text, Sequence& sequence) const;
  void set_retrieval(const Request& request, const std::string& text, Sequence& sequence) const;
  void set_answered(Role role, Sequence& sequence) const;
  void set_rerank_prompt(const Request& request, const Score& task, const std::string& query,
                         Sequence& sequence) const;
  void set_ids(const Request& request, const std::vector<int32_t>& ids, Sequence& sequence) const;
  void set_parts(const Request& request, const Embed& task, Sequence& sequence) const;
  void take(Encoding encoding, bool of_tokens, Sequence& sequence) const;

  // Of checkpoints whose texts go through a chat template (preparer_messages.cpp).
  std::string render(const std::string& prompt, const std::string& text, const std::string* pair,
                     Role role) const;
  void check_template() const;
  std::vector<int32_t> template_end(const std::string& prompt, bool of_pair, Role role) const;

  void check_dimensions(const Embed& task) const;
  void set_targets(const FillMask& task, Sequence& sequence) const;

  const Plan& plan_;
  ModelInfo names_;  // of prompts, as find_prompt() wants them
  std::shared_ptr<const Tokenizer> tokenizer_;
  PictureReader reader_;
  std::shared_ptr<const ChatTemplates> templates_;  // null = texts are no messages
  std::optional<int32_t> mask_id_, pad_id_;
  int32_t query_marker_ = -1, document_marker_ = -1, fill_ = -1;  // of late interaction; -1 = none
  std::set<int32_t> skiplist_;
  int32_t row_break_ = -1;  // ImageInput::row_break; -1 = none
};

}  // namespace vecton::engine

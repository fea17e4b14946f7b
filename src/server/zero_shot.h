// Labels that a request brings itself: transformers' zero-shot pipelines. Of texts, each label
// becomes a hypothesis, and a model of natural language inference says whether the text entails it;
// of images, a model that compares images and texts says which label's text is the image's.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "server/dialect.h"

namespace vecton::server {

// Images are read by themselves, without a text around them.
bool compares_images(const ModelInfo& info);

struct ZeroShot {
  std::vector<std::string> labels;
  std::string hypothesis;                    // with {} where the label goes
  bool of_images = false;                    // what is classified
  bool multi_label = false;                  // each label for itself, instead of one of them
  size_t entailment = 0, contradiction = 0;  // labels of the model

  // Reads candidate_labels, hypothesis_template and multi_label. Throws Failure (kTask) where the
  // model can't.
  static ZeroShot read(const ModelInfo& info, Fields& fields);

  // How many requests one text or image comes to, and these: `one` with other tasks.
  size_t requests_each() const { return of_images ? 1 : labels.size(); }
  std::vector<Request> requests(const Request& one) const;
  // Where the body has the texts, for errors of these requests.
  void name_texts(const std::string& field, CallPlan& plan) const;
  // The probabilities of the labels, from the results of one input's requests.
  std::vector<double> scores(std::span<const Result> results) const;
};

}  // namespace vecton::server

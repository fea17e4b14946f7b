// Any bytes as the body of any route's request: refused with a status and a body, or answered; both
// are valid JSON where they say so. The first line is the path.
//
//   fuzz_server -max_len=4096 -dict=fuzz/server/dictionary fuzz/server/corpus
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "server/auth.h"
#include "server/routes.h"

namespace {

using namespace vecton;
using namespace vecton::server;

struct Fixture {
  Fixture() {
    options.engine.model = "tiny";
    options.max_client_batch_size = 100;
    info.tasks = {Task::kEmbed, Task::kTokenEmbed};
    info.max_model_len = 48;
    info.hidden_size = info.embedding_size = 2;
    info.prompts = {{"query", "find: "}};
  }

  ServerOptions options;
  const std::vector<std::string> names = {"tiny"};
  ModelInfo info;
  std::shared_ptr<const Tokenizer> tokenizer = Tokenizer::open(VECTON_FUZZ_MODEL);
  const Context context{options, names, info, *tokenizer};
};

void check(const HttpResponse& response) {
  if (response.status < 200 || response.status > 599) std::abort();
  if (response.content_type == kJsonType)
    json::parse(response.body);  // its exception ends the fuzzer
}

std::vector<Result> results_for(const Plan& plan) {
  std::vector<Result> results(plan.requests.size());
  for (Result& result : results) {
    result.rows = 1;
    result.columns = 2;
    result.values = {0.25f, -1e-20f};
  }
  return results;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Fixture fixture;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), input.size());
  HttpRequest http{.method = "POST", .path = std::string(input.substr(0, line))};
  authorized(input, {"key"});
  const Route* route = find_route(http.method, http.path);
  if (!route || !route->works()) return 0;
  json::value body;
  try {
    body = parse_json(input.substr(std::min(line + 1, input.size())), "request body");
  } catch (const Error&) {
    return 0;
  }
  if (!body.is_object()) return 0;
  for (const Planner planner : {route->openai, route->tei}) {
    if (!planner) continue;
    const Refusal refuse =
        planner == route->tei ? route->refusal() : Route{.openai = planner}.refusal();
    try {
      const Plan plan = planner({fixture.context, http, body.get_object(), "id"});
      check(plan.render(results_for(plan)));
    } catch (const Failure& failure) {
      check(refuse(failure, 48));
    } catch (const Error& error) {
      check(refuse(Failure(error), 48));
    }
  }
  return 0;
}

#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace vecton::server {
namespace {

using testing::HasSubstr;

TEST(Histogram, BoundsAreInclusiveAndCumulative) {
  Histogram histogram({1, 2, 4});
  for (const double value : {0.5, 1.0, 1.5, 4.0, 9.0}) histogram.observe(value);
  std::string out;
  histogram.write(out, "h", "a=\"b\"");
  EXPECT_EQ(
      out,
      "h_bucket{a=\"b\",le=\"1\"} 2\nh_bucket{a=\"b\",le=\"2\"} 3\nh_bucket{a=\"b\",le=\"4\"} 4\n"
      "h_bucket{a=\"b\",le=\"+Inf\"} 5\nh_sum{a=\"b\"} 16\nh_count{a=\"b\"} 5\n");
}

TEST(Histogram, ATraceIsTheExemplarOfItsBucket) {
  Histogram histogram({1, 2});
  histogram.observe(0.5, "4bf9");
  histogram.observe(0.75, "00f0");
  histogram.observe(1.5);
  std::string plain, open;
  histogram.write(plain, "h", "");
  EXPECT_EQ(plain.find('#'), std::string::npos);
  histogram.write(open, "h", "", MetricsFormat::kOpenMetrics);
  EXPECT_THAT(open,
              testing::MatchesRegex(
                  "h_bucket.le=\"1\". 2 # .trace_id=\"00f0\". 0.75 [0-9]+[.][0-9]+\n"
                  "h_bucket.le=\"2\". 3\nh_bucket.le=\"[+]Inf\". 3\nh_sum 2.75\nh_count 3\n"));
}

TEST(Metrics, AreOpenMetricsToWhoAsks) {
  EXPECT_EQ(metrics_format("text/plain;version=0.0.4"), MetricsFormat::kPrometheus);
  EXPECT_EQ(metrics_format(""), MetricsFormat::kPrometheus);
  EXPECT_EQ(metrics_format("application/openmetrics-text;q=0"), MetricsFormat::kPrometheus);
  EXPECT_EQ(metrics_format("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.3"),
            MetricsFormat::kOpenMetrics);
  EXPECT_EQ(open_metrics("# HELP a_total Things.\n# TYPE a_total counter\na_total 3\n"
                         "# HELP te_b Others.\n# TYPE te_b counter\nte_b 1\n"
                         "# HELP h Seconds.\n# TYPE h histogram\n"
                         "h_bucket{le=\"1\"} 2 # {trace_id=\"x\"} 0.5 7.000\n"
                         "h_bucket{le=\"1e-05\"} 2\nh_bucket{le=\"+Inf\"} 2\n"),
            "# HELP a Things.\n# TYPE a counter\na_total 3\n"
            "# HELP te_b Others.\n# TYPE te_b unknown\nte_b 1\n"
            "# HELP h Seconds.\n# TYPE h histogram\n"
            "h_bucket{le=\"1.0\"} 2 # {trace_id=\"x\"} 0.5 7.000\n"
            "h_bucket{le=\"1e-05\"} 2\nh_bucket{le=\"+Inf\"} 2\n# EOF\n");
}

TEST(Histogram, BoundsFollowTeisRules) {
  const std::vector<double> durations = Histogram::durations();
  ASSERT_EQ(durations.size(), 35u);
  EXPECT_DOUBLE_EQ(durations[0], 1e-5);
  EXPECT_DOUBLE_EQ(durations[1], 1.5e-5);
  EXPECT_EQ(Histogram::powers_of_two(10), (std::vector<double>{1, 2, 4, 8, 16}));
}

TEST(Metrics, CountsRequests) {
  Metrics server;
  ModelMetrics metrics("a \"b\"");
  metrics.request_began(true, Work::kPredict, 2);
  EXPECT_EQ(metrics.in_flight(), 1);
  Result result;
  result.usage.prompt_tokens = 5;
  result.usage.truncated = true;
  metrics.request_ended(true, Work::kPredict, 0.01, std::vector<Result>{result, result});
  server.failed("validation");
  server.answered("POST", "/embed", 200);
  EXPECT_EQ(metrics.in_flight(), 0);
  const EngineStats stats{.requests_waiting = 7,
                          .prompt_tokens = 10,
                          .prefix_cache_queries = 40,
                          .prefix_cache_hits = 30,
                          .cache_pages = 8,
                          .cache_pages_used = 2,
                          .cache_tokens = 128};
  const std::string text = server.text(std::vector<ModelFigures>{{metrics, stats}});
  EXPECT_THAT(text, HasSubstr("\nte_request_count{method=\"batch\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nte_request_success{method=\"batch\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nte_request_failure{err=\"validation\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nte_request_input_length_sum 10\n"));
  EXPECT_THAT(
      text,
      HasSubstr("\nvllm:request_prompt_tokens_count{model_name=\"a \\\"b\\\"\",engine=\"0\"} 2\n"));
  EXPECT_THAT(
      text, HasSubstr("\nvllm:num_requests_waiting{model_name=\"a \\\"b\\\"\",engine=\"0\"} 7\n"));
  const std::string model = "{model_name=\"a \\\"b\\\"\",engine=\"0\"} ";
  EXPECT_THAT(text, HasSubstr("\nvllm:prefix_cache_queries_total" + model + "40\n"));
  EXPECT_THAT(text, HasSubstr("\nvllm:prefix_cache_hits_total" + model + "30\n"));
  EXPECT_THAT(text, HasSubstr("\nvllm:kv_cache_usage_perc" + model + "0.25\n"));
  EXPECT_THAT(text, HasSubstr("\nvecton_kv_cache_tokens{model_name=\"a \\\"b\\\"\"} 128\n"));
  EXPECT_THAT(text, HasSubstr("\nte_predict_count 2\n"));
  EXPECT_THAT(text, HasSubstr("\nte_predict_success 2\n"));
  EXPECT_THAT(text, HasSubstr("\nte_predict_inference_duration_count 2\n"));
  EXPECT_THAT(text, HasSubstr("\nte_embed_count 0\n"));
  EXPECT_THAT(text, HasSubstr("\nvecton_truncated_inputs_total 2\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "\nvecton_http_requests_total{method=\"POST\",path=\"/embed\",status=\"200\"} 1\n"));
}

TEST(Metrics, CountsCompletions) {
  ModelMetrics metrics("m");
  metrics.request_began(false, Work::kGenerate, 1);
  metrics.generated(true, 0.5, 1);
  metrics.generated(false, 0.25, 1);
  metrics.generated(false, 0.25, 1);
  metrics.completed(FinishReason::kLength, 3, 0.5, 0.5);
  metrics.completed(FinishReason::kStop, 1, 0.5, 0);
  metrics.aborted();
  metrics.request_ended(false, Work::kGenerate, 1, std::vector<Result>(1));
  metrics.request_began(false, Work::kEmbed, 2);
  metrics.request_ended(false, Work::kEmbed, 1, std::vector<Result>(2));
  const EngineStats stats{.preemptions = 4,
                          .spec_decode_drafts = 5,
                          .spec_decode_draft_tokens = 20,
                          .spec_decode_accepted_tokens = 12};
  const std::string text = Metrics().text(std::vector<ModelFigures>{{metrics, stats}});
  const std::string labels = "{model_name=\"m\",engine=\"0\"";
  for (const char* line :
       {"generation_tokens_total*} 3", "time_to_first_token_seconds_count*} 1",
        "time_to_first_token_seconds_sum*} 0.5", "inter_token_latency_seconds_sum*} 0.5",
        "time_per_output_token_seconds_count*} 2",
        "request_time_per_output_token_seconds_sum*} 0.25",
        "request_prefill_time_seconds_count*} 2", "request_decode_time_seconds_sum*} 0.5",
        "request_generation_tokens_sum*} 4", "num_preemptions_total*} 4",
        "spec_decode_num_drafts_total*} 5", "spec_decode_num_draft_tokens_total*} 20",
        "spec_decode_num_accepted_tokens_total*} 12",
        "request_success_total*,finished_reason=\"stop\"} 3",
        "request_success_total*,finished_reason=\"length\"} 1",
        "request_success_total*,finished_reason=\"abort\"} 1"}) {
    std::string wanted = std::string("\nvllm:") + line + "\n";
    wanted.replace(wanted.find('*'), 1, labels);
    EXPECT_THAT(text, HasSubstr(wanted));
  }
}

TEST(Metrics, ModelsHaveSeriesOfTheirOwnAndTeisNamesTheirSum) {
  ModelMetrics a("a"), b("b"), never_loaded("c");
  for (ModelMetrics* each : {&a, &b, &b}) {
    each->request_began(false, Work::kEmbed, 1);
    each->request_ended(false, Work::kEmbed, 0.5, std::vector<Result>(1));
  }
  const std::vector<ModelFigures> models = {{a, EngineStats{.requests_waiting = 1, .batches = 5}},
                                            {b, EngineStats{.requests_waiting = 2, .batches = 6}},
                                            {never_loaded, std::nullopt}};
  const std::string text = Metrics().text(models);
  EXPECT_THAT(text, HasSubstr("\nte_request_count{method=\"single\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nte_embed_success 3\n"));
  EXPECT_THAT(text, HasSubstr("\nte_request_duration_sum 1.5\n"));
  EXPECT_THAT(text, HasSubstr("\nte_request_duration_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nte_queue_size 3\n"));
  EXPECT_THAT(text, HasSubstr("\nvecton_batches_total{model_name=\"a\"} 5\n"
                              "vecton_batches_total{model_name=\"b\"} 6\n#"));
  EXPECT_THAT(text, HasSubstr("vllm:e2e_request_latency_seconds_sum{model_name=\"b\","
                              "engine=\"0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("vllm:e2e_request_latency_seconds_count{model_name=\"c\","
                              "engine=\"0\"} 0\n"));
}

TEST(Metrics, EveryFamilyIsDeclaredOnce) {
  const ModelMetrics a("a"), b("b");
  const std::vector<ModelFigures> models = {{a, EngineStats{}}, {b, EngineStats{}}};
  std::istringstream text(Metrics().text(models));
  std::map<std::string, int> types;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) ++types[line.substr(7, line.find(' ', 7) - 7)];
  }
  EXPECT_GT(types.size(), 20u);
  for (const auto& [name, count] : types) EXPECT_EQ(count, 1) << name;
}

}  // namespace
}  // namespace vecton::server

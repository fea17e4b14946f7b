#include "checkpoint/hub_upload.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/json.h"
#include "base/mapped_file.h"
#include "checkpoint/digest.h"
#include "checkpoint/hub_cache.h"
#include "checkpoint/name_text.h"
#include "vecton/error.h"

namespace vecton::hub {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLfsType = "application/vnd.git-lfs+json";
constexpr size_t kSample = 512;       // bytes by which the hub tells text from numbers
constexpr size_t kAskedAtOnce = 200;  // files

struct File {
  std::string path;  // in the repository
  std::shared_ptr<const base::MappedFile> map;
  bool large = false, ignored = false;
  std::string sha256;  // of large ones

  int64_t size() const { return static_cast<int64_t>(map->bytes().size()); }
};

std::vector<File> files_below(const fs::path& folder) {
  std::vector<File> files;
  for (auto entry = fs::recursive_directory_iterator(folder);
       entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->path().filename().string().starts_with('.')) {
      if (entry->is_directory()) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file()) continue;
    files.push_back({.path = entry->path().lexically_relative(folder).generic_string(),
                     .map = std::make_shared<const base::MappedFile>(entry->path()),
                     .sha256 = {}});
  }
  std::ranges::sort(files, {}, &File::path);
  return files;
}

std::string sha256_of(const base::MappedFile& map) {
  constexpr size_t kPiece = 16 << 20;
  Digest digest(EVP_sha256());
  for (size_t at = 0; at < map.bytes().size(); at += kPiece) {
    const auto piece = map.bytes().subspan(at, std::min(kPiece, map.bytes().size() - at));
    digest.add(piece.data(), piece.size());
    map.release(piece);
  }
  return digest.hex();
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// An action of the hub for one object: where to send it, and how.
struct Action {
  std::string href;
  std::vector<std::string> headers;
  int64_t part_bytes = 0;                // 0 = in one piece
  std::map<int64_t, std::string> parts;  // by number, from 1 on
};

class Upload {
 public:
  Upload(const HubOptions& options, std::string repository, RetryPolicy retry,
         const std::function<void(int64_t, int64_t)>& progress)
      : hub_(options, retry), repository_(std::move(repository)), progress_(progress) {}

  UploadReport run(std::vector<File> files) {
    create();
    for (size_t at = 0; at < files.size(); at += kAskedAtOnce)
      ask_modes(std::span(files).subspan(at, std::min(kAskedAtOnce, files.size() - at)));
    std::erase_if(files, [](const File& file) { return file.ignored; });
    for (File& file : files) {
      if (file.large) total_ += file.size();
    }
    for (File& file : files) {
      if (file.large) file.sha256 = sha256_of(*file.map);
    }
    for (size_t at = 0; at < files.size(); at += kAskedAtOnce)
      send_objects(std::span(files).subspan(at, std::min(kAskedAtOnce, files.size() - at)));
    return commit(files);
  }

 private:
  const std::string& endpoint() const { return hub_.options().endpoint; }
  std::string api(const std::string& call) const {
    return endpoint() + "/api/models/" + repository_ + "/" + call + "/main";
  }

  HttpResponse send(const HttpRequest& request) {
    return hub_.send_with_retry(request, [&](const HttpFailure& failure, int attempts) {
      throw Error(ErrorCode::kNetwork,
                  "cannot be uploaded to " + origin(request.url) +
                      (attempts > 1 ? " after " + std::to_string(attempts) + " attempts" : "") +
                      ": " + failure.what() +
                      ". Check the network and the proxy, and try again: what the hub has already "
                      "is not sent again");
    });
  }

  HttpResponse post(const std::string& url, std::string_view body,
                    const char* type = "application/json") {
    HttpRequest request;
    request.url = url;
    request.method = "POST";
    request.body = body;
    request.headers = {std::string("Content-Type: ") + type, std::string("Accept: ") + type,
                       "Expect:"};
    return send(request);
  }

  json::value answer_of(const HttpResponse& response, const std::string& url) const {
    if (response.status < 200 || response.status > 299) refuse(response, url);
    try {
      return base::parse_json(response.body, url);
    } catch (const Error&) {
      not_a_hub(url, "is not JSON");
    }
  }

  [[noreturn]] void not_a_hub(const std::string& url, const std::string& what) const {
    throw Error(ErrorCode::kNetwork, "the answer of " + url + " " + what +
                                         ": is HF_ENDPOINT the address of a model hub?");
  }

  [[noreturn]] void refuse(const HttpResponse& response, const std::string& url) const {
    const std::string who = origin(url) + " refuses to take " + repository_ + ": ";
    std::string why = reason(response);
    if (why.empty()) {
      // Some answers have their words in the body.
      try {
        const json::value body = base::parse_json(response.body, url);
        const json::object* object = body.if_object();
        const json::value* error = object ? object->if_contains("error") : nullptr;
        if (error && error->is_string())
          why = ". The hub says: " + std::string(error->get_string()).substr(0, 300);
      } catch (const Error&) {  // an answer of something between us and the hub
      }
    }
    if (response.status == 401)
      throw Error(ErrorCode::kUnauthorized, who + "the token (HF_TOKEN) is not valid" + why,
                  "upload_repo");
    if (response.status == 403)
      throw Error(ErrorCode::kUnauthorized,
                  who +
                      "the token (HF_TOKEN) may not write there: it needs the role write, and the "
                      "name before the slash has to be its account or an organisation of it" +
                      why,
                  "upload_repo");
    if (response.status == 404)
      throw Error(ErrorCode::kNotFound, who + "no such model, or the token may not see it" + why,
                  "upload_repo");
    throw Error(ErrorCode::kNetwork,
                who + "the hub answers " + std::to_string(response.status) + why, "upload_repo");
  }

  void create() {
    const size_t slash = repository_.find('/');
    json::object body{{"name", repository_.substr(slash == repository_.npos ? 0 : slash + 1)},
                      {"type", "model"}};
    if (slash != repository_.npos) body["organization"] = repository_.substr(0, slash);
    const std::string url = endpoint() + "/api/repos/create";
    const HttpResponse response = post(url, json::serialize(body));
    if (response.status >= 200 && response.status <= 299) {
      // The hub completes a name without an organisation.
      const json::value answer = answer_of(response, url);
      const json::object* object = answer.if_object();
      const json::value* name = object ? object->if_contains("name") : nullptr;
      if (name && name->is_string() && is_model_name(std::string_view(name->get_string())))
        repository_ = std::string(name->get_string());
      return;
    }
    if (response.status == 409) return;  // it is there
    // A token that may not make one may still write to one that is there.
    HttpRequest look;
    look.url = endpoint() + "/api/models/" + repository_;
    if (response.status != 403 || send(look).status != 200) refuse(response, url);
  }

  void ask_modes(std::span<File> files) {
    json::array list;
    for (const File& file : files) {
      list.push_back({{"path", file.path},
                      {"sample", base::encode_base64(file.map->text().substr(0, kSample))},
                      {"size", file.size()}});
    }
    const std::string url = api("preupload");
    const std::string body = json::serialize(json::object{{"files", std::move(list)}});
    const json::value answer = answer_of(post(url, body), url);
    std::map<std::string, File*> by_path;
    for (File& file : files) by_path[file.path] = &file;
    const json::object* object = answer.if_object();
    const json::value* rows = object ? object->if_contains("files") : nullptr;
    if (!rows || !rows->is_array()) not_a_hub(url, "lists no files");
    for (const json::value& row : rows->get_array()) {
      const json::object* entry = row.if_object();
      const json::value* path = entry ? entry->if_contains("path") : nullptr;
      const json::value* mode = entry ? entry->if_contains("uploadMode") : nullptr;
      const json::value* ignored = entry ? entry->if_contains("shouldIgnore") : nullptr;
      if (!path || !path->is_string() || !mode || !mode->is_string())
        not_a_hub(url, "has an entry without path or uploadMode");
      const auto found = by_path.find(std::string(path->get_string()));
      if (found == by_path.end()) continue;
      const std::string_view kind = mode->get_string();
      if (kind != "lfs" && kind != "regular")
        not_a_hub(url, "has the uploadMode " + checkpoint::quoted_text(std::string(kind)));
      found->second->large = kind == "lfs" && found->second->size() > 0;  // no object is empty
      found->second->ignored = ignored && ignored->is_bool() && ignored->get_bool();
      by_path.erase(found);
    }
    if (!by_path.empty())
      not_a_hub(url, "does not say how to send " + checkpoint::quoted_text(by_path.begin()->first));
  }

  void send_objects(std::span<const File> files) {
    json::array list;
    std::map<std::string, const File*> by_hash;
    for (const File& file : files) {
      if (!file.large) continue;
      if (by_hash.emplace(file.sha256, &file).second)
        list.push_back({{"oid", file.sha256}, {"size", file.size()}});
      else
        done_ += file.size();
    }
    if (list.empty()) return;
    const std::string url = endpoint() + "/" + repository_ + ".git/info/lfs/objects/batch";
    const std::string body = json::serialize(json::object{{"operation", "upload"},
                                                          {"transfers", {"basic", "multipart"}},
                                                          {"objects", std::move(list)},
                                                          {"hash_algo", "sha256"},
                                                          {"ref", {{"name", "refs/heads/main"}}}});
    const json::value answer = answer_of(post(url, body, kLfsType), url);
    const json::object* object = answer.if_object();
    const json::value* objects = object ? object->if_contains("objects") : nullptr;
    if (!objects || !objects->is_array()) not_a_hub(url, "lists no objects");
    for (const json::value& each : objects->get_array()) {
      const json::object* entry = each.if_object();
      const json::value* oid = entry ? entry->if_contains("oid") : nullptr;
      const auto found =
          oid && oid->is_string() ? by_hash.find(std::string(oid->get_string())) : by_hash.end();
      if (found == by_hash.end()) not_a_hub(url, "has an object that was not asked for");
      send_object(*found->second, *entry, url);
      by_hash.erase(found);
    }
    if (!by_hash.empty())
      not_a_hub(url, "says nothing of " + checkpoint::quoted_text(by_hash.begin()->second->path));
  }

  void send_object(const File& file, const json::object& entry, const std::string& url) {
    if (const json::value* error = entry.if_contains("error")) {
      const json::object* object = error->if_object();
      const json::value* message = object ? object->if_contains("message") : nullptr;
      throw Error(
          ErrorCode::kNetwork,
          origin(url) + " refuses " + checkpoint::quoted_text(file.path) + ": " +
              (message && message->is_string() ? std::string(message->get_string()).substr(0, 300)
                                               : "without a reason"),
          "upload_repo");
    }
    const json::value* actions = entry.if_contains("actions");
    const json::object* known = actions ? actions->if_object() : nullptr;
    const json::value* upload = known ? known->if_contains("upload") : nullptr;
    if (upload) {
      const Action action = action_of(*upload, url);
      if (action.part_bytes > 0)
        send_parts(file, action);
      else
        put(file, action.href, action.headers, file.map->text());
      if (const json::value* verify = known->if_contains("verify")) {
        const std::string body =
            json::serialize(json::object{{"oid", file.sha256}, {"size", file.size()}});
        const std::string href = action_of(*verify, url).href;
        const HttpResponse response = post(href, body, kLfsType);
        if (response.status < 200 || response.status > 299) refuse(response, href);
      }
    } else {
      done_ += file.size();  // the hub has it
      report(0);
    }
  }

  Action action_of(const json::value& value, const std::string& url) const {
    const json::object* object = value.if_object();
    const json::value* href = object ? object->if_contains("href") : nullptr;
    if (!href || !href->is_string()) not_a_hub(url, "does not say where to send an object");
    Action action{.href = std::string(href->get_string()), .headers = {}, .parts = {}};
    const json::value* header = object->if_contains("header");
    if (!header || !header->is_object()) return action;
    for (const auto& [key, each] : header->get_object()) {
      const std::string text =
          each.is_string() ? std::string(each.get_string()) : json::serialize(each);
      int64_t number = 0;
      if (key == "chunk_size") {
        std::from_chars(text.data(), text.data() + text.size(), action.part_bytes);
        if (action.part_bytes < 1) not_a_hub(url, "has a chunk_size that is no number");
      } else if (is_digits(key)) {
        std::from_chars(key.data(), key.data() + key.size(), number);
        action.parts[number] = text;
      } else if ((std::string(key) + text).find_first_of("\r\n") == std::string::npos) {
        action.headers.push_back(std::string(key) + ": " + text);
      }
    }
    return action;
  }

  void send_parts(const File& file, const Action& action) {
    const int64_t count = (file.size() + action.part_bytes - 1) / action.part_bytes;
    if (static_cast<int64_t>(action.parts.size()) != count || action.parts.begin()->first != 1 ||
        action.parts.rbegin()->first != count)
      not_a_hub(action.href, "has " + std::to_string(action.parts.size()) + " parts for " +
                                 std::to_string(count) + " of " +
                                 checkpoint::quoted_text(file.path));
    json::array sent;
    for (const auto& [number, href] : action.parts) {
      const std::string etag =
          put(file, href, {},
              file.map->text().substr(static_cast<size_t>((number - 1) * action.part_bytes),
                                      static_cast<size_t>(action.part_bytes)))
              .header("etag");
      if (etag.empty()) not_a_hub(href, "has no ETag");
      sent.push_back({{"partNumber", number}, {"etag", etag}});
    }
    const std::string body =
        json::serialize(json::object{{"oid", file.sha256}, {"parts", std::move(sent)}});
    const HttpResponse response = post(action.href, body, kLfsType);
    if (response.status < 200 || response.status > 299) refuse(response, action.href);
  }

  HttpResponse put(const File& file, const std::string& url,
                   const std::vector<std::string>& headers, std::string_view bytes) {
    HttpRequest request;
    request.url = url;
    request.method = "PUT";
    request.body = bytes;
    request.headers = headers;
    request.headers.insert(request.headers.end(), {"Expect:", "Content-Type:"});
    request.on_sent = [this](int64_t sent) { report(sent); };
    HttpResponse response = send(request);
    if (response.status < 200 || response.status > 299) refuse(response, url);
    done_ += static_cast<int64_t>(bytes.size());
    file.map->release(std::as_bytes(std::span(bytes)));
    return response;
  }

  void report(int64_t of_this_request) const {
    if (progress_) progress_(std::min(total_, done_ + of_this_request), total_);
  }

  UploadReport commit(std::span<const File> files) {
    std::string body;
    const auto line = [&](const char* key, json::object value) {
      body += json::serialize(json::object{{"key", key}, {"value", std::move(value)}}) + "\n";
    };
    line("header", {{"summary", "Upload folder using vecton"}, {"description", ""}});
    for (const File& file : files) {
      if (file.large)
        line(
            "lfsFile",
            {{"path", file.path}, {"algo", "sha256"}, {"oid", file.sha256}, {"size", file.size()}});
      else
        line("file", {{"content", base::encode_base64(file.map->text())},
                      {"path", file.path},
                      {"encoding", "base64"}});
    }
    const std::string url = api("commit");
    const json::value answer = answer_of(post(url, body, "application/x-ndjson"), url);
    const json::object* object = answer.if_object();
    const auto text = [&](const char* key) {
      const json::value* value = object ? object->if_contains(key) : nullptr;
      if (!value || !value->is_string()) not_a_hub(url, std::string("has no ") + key);
      return std::string(value->get_string());
    };
    return {text("commitUrl"), text("commitOid")};
  }

  HubConnection hub_;
  std::string repository_;
  const std::function<void(int64_t, int64_t)>& progress_;
  int64_t done_ = 0, total_ = 0;
};

HubOptions completed(HubOptions options) {
  if (options.endpoint.empty()) options.endpoint = HubOptions::from_environment().endpoint;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  return options;
}

}  // namespace

void check_upload(const std::string& repository, const HubOptions& options) {
  if (!is_model_name(repository))
    throw Error(ErrorCode::kInvalidArgument,
                "--upload-repo: " + checkpoint::quoted_text(repository) +
                    " is no name on the model hub: expected name or org/name, of letters, digits, "
                    "'-', '_' and '.'",
                "upload_repo");
  if (options.offline)
    throw Error(ErrorCode::kInvalidArgument,
                "--upload-repo: HF_HUB_OFFLINE forbids to use the network; unset it to upload",
                "upload_repo");
  if (options.token.empty())
    throw Error(ErrorCode::kUnauthorized,
                "--upload-repo: needs a token of the model hub that may write: set HF_TOKEN",
                "upload_repo");
  const HubConnection checked(completed(options), {});
}

UploadReport upload_folder(const fs::path& folder, const std::string& repository,
                           const HubOptions& options, RetryPolicy retry,
                           const std::function<void(int64_t, int64_t)>& progress) {
  check_upload(repository, options);
  return Upload(completed(options), repository, retry, progress).run(files_below(folder));
}

}  // namespace vecton::hub

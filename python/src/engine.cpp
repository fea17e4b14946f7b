#include "engine.h"

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>

#include "backend/machine.h"
#include "vecton/options.h"

namespace vecton::python {

nb::object tokenizer_of(nb::object engine);

namespace {

constexpr auto kSlice = std::chrono::milliseconds(50);  // between looks for an interrupt
constexpr auto kPatience = std::chrono::seconds(10);    // for engines, when the interpreter ends

// Of this process: engines that live, and threads that wait for answers. A child process begins
// anew.
std::atomic<pid_t> counted_process{0};
std::atomic<int64_t> engines{0}, waiting{0};

void count_here() {
  const pid_t here = ::getpid();
  if (counted_process.exchange(here) != here) engines = waiting = 0;
}

void end(Engine* engine) {
  delete engine;
  --engines;
}

// While one lives, its thread may wait for an engine to end: it holds no lock of the interpreter's,
// and is none of the engine's own.
thread_local int may_wait = 0;
struct MayWait {
  MayWait() { ++may_wait; }
  ~MayWait() { --may_wait; }
};

// How an engine is destroyed: not in a child process, where its threads are not, and elsewhere
// where this thread must not wait.
void let_go(Engine* engine, pid_t process) {
  if (::getpid() != process) return;
  if (may_wait > 0) {
    end(engine);
  } else {
    std::thread(end, engine).detach();
  }
}

nb::dict to_dict(const ModelInfo& info) {
  nb::dict d;
  d["name"] = info.name;
  d["folder"] = info.folder;
  d["architecture"] = info.architecture;
  d["family"] = info.family;
  d["backend"] = info.backend;
  d["isa"] = info.isa;
  d["dtype"] = info.dtype;
  d["compute"] = info.compute;
  d["compute_cosine"] = info.compute_cosine;
  nb::list tasks, labels, dense, dimensions, warnings;
  for (const Task task : info.tasks) tasks.append(to_string(task));
  for (const std::string& label : info.labels) labels.append(label);
  for (const std::string& module : info.dense) dense.append(module);
  for (const int64_t dimension : info.matryoshka_dimensions) dimensions.append(dimension);
  for (const std::string& warning : info.warnings) warnings.append(warning);
  nb::dict prompts;
  for (const auto& [name, text] : info.prompts) prompts[name.c_str()] = text;
  d["tasks"] = tasks;
  d["labels"] = labels;
  d["activation"] = info.activation;
  d["activation_named"] = info.activation_named;
  d["scorer"] = info.scorer;
  d["similarity"] = info.similarity;
  d["pooling"] = info.pooling;
  d["normalize"] = info.normalize;
  d["dense"] = dense;
  d["prompts"] = prompts;
  d["default_prompt_name"] =
      info.default_prompt_name ? nb::object(nb::cast(*info.default_prompt_name)) : nb::none();
  d["roles"] = info.roles;
  d["images"] = info.images;
  d["image_placeholder"] = info.image_placeholder;
  d["matryoshka"] = info.matryoshka;
  d["matryoshka_dimensions"] = dimensions;
  d["max_model_len"] = info.max_model_len;
  d["hidden_size"] = info.hidden_size;
  d["embedding_size"] = info.embedding_size;
  d["layers"] = info.layers;
  d["vocab_size"] = info.vocab_size;
  d["parameters"] = info.parameters;
  d["file_bytes"] = info.file_bytes;
  d["weight_bytes"] = info.weight_bytes;
  d["threads"] = info.threads;
  d["max_batch_tokens"] = info.max_batch_tokens;
  d["warnings"] = warnings;
  return d;
}

nb::dict to_dict(const EngineStats& stats) {
  nb::dict d;
  d["requests_running"] = stats.requests_running;
  d["requests_waiting"] = stats.requests_waiting;
  d["tokens_waiting"] = stats.tokens_waiting;
  d["requests_done"] = stats.requests_done;
  d["requests_failed"] = stats.requests_failed;
  d["requests_cancelled"] = stats.requests_cancelled;
  d["prompt_tokens"] = stats.prompt_tokens;
  d["batches"] = stats.batches;
  d["generation_tokens"] = stats.generation_tokens;
  d["preemptions"] = stats.preemptions;
  d["spec_decode_drafts"] = stats.spec_decode_drafts;
  d["spec_decode_draft_tokens"] = stats.spec_decode_draft_tokens;
  d["spec_decode_accepted_tokens"] = stats.spec_decode_accepted_tokens;
  d["prefix_cache_queries"] = stats.prefix_cache_queries;
  d["prefix_cache_hits"] = stats.prefix_cache_hits;
  d["cache_pages"] = stats.cache_pages;
  d["cache_pages_used"] = stats.cache_pages_used;
  d["cache_tokens"] = stats.cache_tokens;
  return d;
}

nb::dict to_dict(const GenerationDefaults& defaults) {
  nb::dict d;
  d["temperature"] = defaults.temperature;
  d["top_p"] = defaults.top_p;
  d["top_k"] = defaults.top_k;
  d["min_p"] = defaults.min_p;
  d["repetition_penalty"] = defaults.repetition_penalty;
  d["presence_penalty"] = defaults.presence_penalty;
  d["frequency_penalty"] = defaults.frequency_penalty;
  d["max_tokens"] = defaults.max_tokens;
  d["skip_special_tokens"] = defaults.skip_special_tokens;
  d["eos_token_ids"] = nb::cast(defaults.eos_token_ids);
  return d;
}

// A download's progress for a function of Python's. What it raises goes on to whoever opens the
// model.
std::function<void(const DownloadProgress&)> to_progress(nb::object function) {
  if (function.is_none()) return {};
  return [held = hold(std::move(function))](const DownloadProgress& progress) {
    nb::gil_scoped_acquire acquire;
    nb::handle(held.get())(progress.file, progress.file_bytes, progress.file_size,
                           progress.files_done, progress.files_total);
  };
}

std::unique_ptr<EngineHandle> open(nb::dict options, nb::object progress) {
  const EngineOptions how = to_engine_options(std::move(options));
  const auto listen = to_progress(std::move(progress));
  nb::gil_scoped_release release;
  return std::make_unique<EngineHandle>(Engine::open(how, listen));
}

// The engine counts the inputs of one call: its input[7] is input[first + 7] of who has made
// several calls of many inputs.
Error at_place(const Error& error, size_t first) {
  constexpr std::string_view kPlace = "input[";
  const std::string message = error.what();
  if (!message.starts_with(kPlace)) return error;
  size_t place = 0;
  const char* const begin = message.data() + kPlace.size();
  const char* const end = std::from_chars(begin, message.data() + message.size(), place).ptr;
  return Error(error.code(), "input[" + std::to_string(first + place) + std::string(end),
               error.field());
}

// With the interpreter's lock given up, and the engine let go before it is taken again.
template <class Do>
auto with(const EngineHandle& handle, Do run) {
  nb::gil_scoped_release release;
  const std::shared_ptr<Engine> engine = handle.use();
  return run(*engine);
}

}  // namespace

void wait_for_engines() {
  count_here();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while ((engines > 0 || waiting > 0) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void wait_until(std::mutex& mutex, std::condition_variable& changed,
                const std::function<bool()>& ready) {
  for (bool done = false; !done;) {
    ++waiting;
    {
      nb::gil_scoped_release release;
      std::unique_lock lock(mutex);
      done = changed.wait_for(lock, kSlice, ready);
    }
    --waiting;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }
}

Results Pending::wait() {
  try {
    wait_until(state_->mutex, state_->changed, [&] { return state_->done; });
  } catch (const nb::python_error&) {
    ticket_.cancel();
    throw;
  }
  const std::lock_guard lock(state_->mutex);
  return Results(std::move(state_->results));
}

EngineHandle::EngineHandle(std::unique_ptr<Engine> engine) : process_(::getpid()) {
  count_here();
  ++engines;
  engine_ = std::shared_ptr<Engine>(engine.release(),
                                    [process = process_](Engine* p) { let_go(p, process); });
}

// Called with the interpreter's lock, which requests that end need for their callbacks.
EngineHandle::~EngineHandle() {
  nb::gil_scoped_release release;
  const std::optional<MayWait> scope =
      CallbackScope::active() ? std::optional<MayWait>() : std::optional<MayWait>(std::in_place);
  engine_.reset();
}

std::shared_ptr<Engine> EngineHandle::use() const {
  if (::getpid() != process_)
    throw Error(ErrorCode::kUnsupported,
                "this engine was opened before fork(), and its threads do not exist in this "
                "process: open it here, "
                "or start processes by spawn or forkserver",
                "engine");
  const std::lock_guard lock(mutex_);
  if (!engine_) throw Error(ErrorCode::kCancelled, "the engine is closed", "engine");
  return engine_;
}

bool EngineHandle::closed() const {
  if (::getpid() != process_) return true;
  const std::lock_guard lock(mutex_);
  return !engine_;
}

void EngineHandle::close() {
  if (::getpid() != process_) return;
  const std::optional<MayWait> scope =
      CallbackScope::active() ? std::optional<MayWait>() : std::optional<MayWait>(std::in_place);
  std::shared_ptr<Engine> last;
  const std::lock_guard lock(mutex_);
  last.swap(engine_);
}

Pending EngineHandle::start(std::vector<Request> requests, bool wait_for_room) {
  auto state = std::make_shared<Pending::State>();
  Ticket ticket = use()->submit(
      std::move(requests),
      [state](std::vector<Result> results) {
        {
          const std::lock_guard lock(state->mutex);
          state->results = std::move(results);
          state->done = true;
        }
        state->changed.notify_all();  // without the lock, which who wakes takes
      },
      wait_for_room ? Engine::WhenFull::kWait : Engine::WhenFull::kThrow);
  return Pending(std::move(state), std::move(ticket));
}

TextStream EngineHandle::stream(std::vector<Request> requests) {
  auto state = std::make_shared<TextStream::State>();
  for (Request& request : requests)
    request.on_delta = [state](const GenerationDelta& delta) { return state->put(delta); };
  Ticket ticket = use()->submit(
      std::move(requests),
      [state](std::vector<Result> results) { state->finish(std::move(results)); },
      Engine::WhenFull::kWait);
  return TextStream(std::move(state), std::move(ticket));
}

Ticket EngineHandle::submit(std::vector<Request> requests, nb::object done, bool wait_for_room) {
  const std::shared_ptr<PyObject> held = hold(std::move(done));
  nb::gil_scoped_release release;
  return use()->submit(
      std::move(requests),
      [held](std::vector<Result> results) {
        if (interpreter_ends()) return;
        const CallbackScope scope;
        nb::gil_scoped_acquire acquire;
        try {
          nb::handle(held.get())(Results(std::move(results)));
        } catch (nb::python_error& error) {
          error.discard_as_unraisable("an engine's callback");
        } catch (const std::exception& error) {
          PyErr_SetString(PyExc_RuntimeError, error.what());
          PyErr_WriteUnraisable(held.get());
        }
      },
      wait_for_room ? Engine::WhenFull::kWait : Engine::WhenFull::kThrow);
}

void bind_engine(nb::module_& m) {
  nb::class_<Ticket>(m, "Ticket")
      .def("cancel", &Ticket::cancel, nb::call_guard<nb::gil_scoped_release>());

  nb::class_<Pending>(m, "Pending", "Requests on their way.")
      .def("wait", &Pending::wait)
      .def("cancel", &Pending::cancel, nb::call_guard<nb::gil_scoped_release>());

  nb::class_<EngineHandle>(m, "Engine", nb::is_weak_referenceable())
      .def_static("open", &open, nb::arg("options"), nb::arg("progress") = nb::none())
      .def(
          "start",
          [](EngineHandle& self, nb::list inputs, nb::handle like, nb::handle seconds,
             size_t first) {
            std::vector<Request> requests = make_requests(std::move(inputs), like, seconds, first);
            nb::gil_scoped_release release;
            try {
              return self.start(std::move(requests), true);
            } catch (const Error& error) {
              if (first == 0) throw;
              throw at_place(error, first);
            }
          },
          nb::arg("inputs"), nb::arg("like"), nb::arg("seconds") = nb::none(), nb::arg("first") = 0)
      .def(
          "run",
          [](EngineHandle& self, nb::list inputs, nb::handle like, nb::handle seconds) {
            std::vector<Request> requests = make_requests(std::move(inputs), like, seconds);
            std::optional<Pending> pending;
            {
              nb::gil_scoped_release release;
              pending.emplace(self.start(std::move(requests), true));
            }
            return pending->wait();
          },
          nb::arg("inputs"), nb::arg("like"), nb::arg("seconds") = nb::none())
      .def(
          "stream",
          [](EngineHandle& self, nb::list inputs, nb::handle like) {
            std::vector<Request> requests = make_requests(std::move(inputs), like, nb::none());
            nb::gil_scoped_release release;
            return self.stream(std::move(requests));
          },
          nb::arg("inputs"), nb::arg("like"))
      .def(
          "submit",
          [](EngineHandle& self, nb::list inputs, nb::handle like, nb::object done,
             nb::handle seconds, bool wait) {
            return self.submit(make_requests(std::move(inputs), like, seconds), std::move(done),
                               wait);
          },
          nb::arg("inputs"), nb::arg("like"), nb::arg("done"), nb::arg("seconds") = nb::none(),
          nb::arg("wait") = false)
      .def(
          "entities",
          [](EngineHandle& self, const Results& results, int64_t index, nb::handle text,
             const std::string& aggregation) {
            return results.entities(index, to_text(text, "text"), aggregation, *self.use());
          },
          nb::arg("results"), nb::arg("index"), nb::arg("text"), nb::arg("aggregation"))
      .def(
          "fillings",
          [](EngineHandle& self, const Results& results, int64_t index) {
            return results.fillings(index, *self.use());
          },
          nb::arg("results"), nb::arg("index"))
      .def("info", [](EngineHandle& self) { return to_dict(self.use()->info()); })
      .def("generation_defaults",
           [](EngineHandle& self) { return to_dict(self.use()->generation_defaults()); })
      .def("stats", [](EngineHandle& self) { return to_dict(self.use()->stats()); })
      .def("tokenizer", [](nb::object self) { return tokenizer_of(std::move(self)); })
      .def("chat_template_names",
           [](EngineHandle& self) {
             return with(self, [](Engine& e) { return e.chat_templates().names(); });
           })
      .def(
          "render",
          [](EngineHandle& self, nb::handle messages) {
            const Chat chat = to_chat(messages);
            return with(self, [&](Engine& e) {
              return e.chat_templates().render(chat.input, chat.chat_template);
            });
          },
          nb::arg("messages"))
      .def("drain",
           [](EngineHandle& self) {
             with(self, [](Engine& e) {
               e.drain();
               return 0;
             });
           })
      .def("close", &EngineHandle::close, nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("closed", &EngineHandle::closed);

  m.def(
      "inspect",
      [](nb::dict options) {
        const EngineOptions how = to_engine_options(std::move(options));
        ModelInfo info;
        {
          nb::gil_scoped_release release;
          info = inspect(how);
        }
        return to_dict(info);
      },
      nb::arg("options"));
  m.def("families", [] {
    nb::dict d;
    for (const FamilyInfo& family : families())
      d[family.name.c_str()] = nb::cast(family.architectures);
    return d;
  });
  m.def(
      "pull",
      [](nb::dict options, nb::object progress) {
        const EngineOptions how = to_engine_options(std::move(options));
        const auto listen = to_progress(std::move(progress));
        nb::gil_scoped_release release;
        return pull_model(how.model, how.hub, listen).string();
      },
      nb::arg("options"), nb::arg("progress") = nb::none());
  m.def(
      "resolve",
      [](nb::dict options) {
        const EngineOptions how = to_engine_options(std::move(options));
        nb::gil_scoped_release release;
        return resolve_model(how.model, how.hub).string();
      },
      nb::arg("options"));
  m.def("machine", [] {
    const backend::Machine here = backend::machine();
    nb::dict d;
    d["cpu"] = here.cpu;
    d["isa"] = here.isa;
    d["isas"] = nb::cast(here.isas);
    d["cores"] = here.cores;
    return d;
  });
  m.def(
      "shutdown",
      [] {
        {
          nb::gil_scoped_release release;
          wait_for_engines();
        }
        set_interpreter_ends();
      },
      "Waits for engines that are being closed; after it nothing of Python is called.");
  m.def("version", [] { return version(); });
}

}  // namespace vecton::python

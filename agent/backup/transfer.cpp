#include "agent/backup/transfer.hpp"

#include "common/json/json.hpp"
#include "common/runtime/process.hpp"
#include "common/runtime/secret.hpp"
#include "common/runtime/utf8.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

namespace fairlead::backup {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_job = std::chrono::hours(48);
constexpr std::size_t longest_line = 16 << 20;

Errc kind_of(std::string_view name) {
    for (auto kind :
         {Errc::invalid, Errc::unauthenticated, Errc::forbidden, Errc::not_found, Errc::conflict,
          Errc::rate_limited, Errc::unavailable, Errc::timeout})
        if (name_of(kind) == name) return kind;
    return Errc::internal;
}

/// Puts the lines of a worker together and passes each on.
class Listener {
public:
    explicit Listener(const std::function<void(const Line&)>& hear) : hear_(hear) {}

    void add(std::string_view block) {
        pending_ += block;
        std::size_t start = 0;
        for (auto end = pending_.find('\n'); end != std::string::npos;
             end = pending_.find('\n', start)) {
            take(std::string_view(pending_).substr(start, end - start));
            start = end + 1;
        }
        pending_.erase(0, start);
        if (pending_.size() > longest_line) pending_.clear();
    }

    std::optional<Answer> answer;
    std::optional<Problem> problem;

private:
    void take(std::string_view text) {
        auto line = json::decode<Line>(text, json::Strictness::lenient, longest_line);
        if (!line) {
            Line strange;
            strange.log = fmt::format("A worker said: {}", utf8::cut(text, 500));
            strange.warning = true;
            return hear_(strange);
        }
        hear_(*line);
        if (line->answer) answer = std::move(line->answer);
        if (line->problem) problem = std::move(line->problem);
    }

    const std::function<void(const Line&)>& hear_;
    std::string pending_;
};

} // namespace

Result<Answer>
run_job(Job job, const std::function<void(const Line&)>& hear, std::stop_token stop) {
    Command command;
    command.argv = {"/proc/self/exe", "worker"};
    command.input = json::encode(job);
    wipe(job.secret_key);
    wipe(job.session_token);
    for (auto& identity : job.identities) wipe(identity);
    command.deadline = longest_job;
    command.stop = std::move(stop);
    auto pipe = make_pipe();
    command.output_to = std::make_shared<Descriptor>(std::move(pipe.write));

    Result<Exit> ended = fail(Errc::internal, "It was not started.");
    std::thread runner([&] {
        ended = run(command);
        command.output_to->reset(); // also where it could not be started
    });
    Listener listener(hear);
    std::array<char, 65536> block;
    for (;;) {
        auto got = ::read(pipe.read.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        listener.add({block.data(), static_cast<std::size_t>(got)});
    }
    runner.join();
    wipe(command.input);
    FAIRLEAD_CHECK(ended);
    if (ended->stopped)
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    if (listener.problem) {
        auto& problem = *listener.problem;
        return fail(Error(kind_of(problem.kind), problem.message).with_code(problem.code));
    }
    if (ended->ok() && listener.answer) return std::move(*listener.answer);
    auto last = std::string_view(ended->output);
    if (last.size() > 500) last.remove_prefix(last.size() - 500);
    return fail(Error(
                    Errc::internal,
                    fmt::format(
                        "The process that transfers data ended {}{}{}",
                        ended->timed_out ? fmt::format("after {} h", longest_job.count())
                                         : fmt::format("with status {}", ended->status),
                        last.empty() ? "" : ": ", last
                    )
    )
                    .with_code("worker_failed"));
}

Result<Answer> run_job(Job job, journal::Work& work, Span span, MayStop may_stop) {
    auto hear = [&](const Line& line) {
        if (!line.log.empty())
            work.log(line.warning ? proto::LogLevel::warning : proto::LogLevel::info, line.log);
        if (line.total == 0) return;
        auto part =
            static_cast<double>(std::min(line.done, line.total)) / static_cast<double>(line.total);
        work.progress(
            span.from + static_cast<std::uint32_t>(part * (span.to - span.from)), line.detail
        );
    };
    return run_job(
        std::move(job), hear, may_stop == MayStop::yes ? work.stop() : std::stop_token()
    );
}

} // namespace fairlead::backup

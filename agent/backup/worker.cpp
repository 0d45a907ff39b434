#include "agent/backup/worker.hpp"

#include "agent/backup/worker_parts.hpp"
#include "agent/bucket/storage_test.hpp"
#include "agent/host/users.hpp"
#include "common/crypto/random.hpp"
#include "common/json/json.hpp"
#include "common/runtime/core_dumps.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fairlead::backup {
namespace {

constexpr std::size_t largest_job = 32 << 20;

Result<std::string> read_all() {
    std::string text;
    std::array<char, 65536> block;
    for (;;) {
        auto got = ::read(STDIN_FILENO, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Errc::internal, "The job cannot be read.");
        if (got == 0) return text;
        text.append(block.data(), static_cast<std::size_t>(got));
        if (text.size() > largest_job) return fail(Errc::invalid, "The job is too large.");
    }
}

/// From root to the user that the job names. What the job holds stays out of that user's reach: a
/// process that changed its user can be traced by root alone.
Result<> become(const std::string& name) {
    auto parent = ::getppid();
    if (!name.empty()) {
        auto user = host::find_user(name);
        if (!user || user->uid == 0)
            return fail(Errc::internal, fmt::format("There is no Unix user {}.", name));
        if (::setgroups(0, nullptr) != 0 || ::setgid(user->gid) != 0 || ::setuid(user->uid) != 0)
            return fail(
                Errc::internal, fmt::format("Cannot become {}: {}.", name, std::strerror(errno))
            );
    }
    // Cleared by the change of user.
    ::prctl(PR_SET_DUMPABLE, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) return fail(Errc::internal, "The executor is gone.");
    ::umask(0077);
    return {};
}

Result<Answer> test_storage(Worker& worker) {
    Answer answer;
    answer.checks = bucket::test_storage(worker.bucket);
    return answer;
}

Result<Answer> act(Worker& worker) {
    switch (worker.job.task) {
    case Task::test_storage:
        return test_storage(worker);
    case Task::open:
        return open_storage(worker);
    case Task::dump:
        return dump(worker);
    case Task::files:
        return send_files(worker);
    case Task::seal:
        return seal(worker);
    case Task::discard:
        return discard(worker);
    case Task::prune:
        return prune(worker);
    case Task::remove:
        return remove_backup(worker);
    case Task::list:
        return list_backups(worker);
    case Task::inspect:
        return inspect(worker);
    case Task::load_database:
        return load_database(worker);
    case Task::load_files:
        return load_files(worker);
    case Task::sample_files:
        return sample_files(worker);
    case Task::save_database:
        return save_database(worker);
    case Task::verify:
        return verify(worker);
    case Task::import_fetch:
    case Task::import_look:
    case Task::import_load:
    case Task::import_files:
        break; // of no bucket
    case Task::grant:
        return grant(worker);
    }
    return fail(Errc::internal, "There is no such task.");
}

Result<Answer> run(Reporter& say) {
    FAIRLEAD_TRY(text, read_all());
    auto job = json::decode<Job>(text, json::Strictness::lenient, largest_job);
    wipe(text);
    if (!job) return fail(Errc::internal, "The job makes no sense: " + job.error().message());
    FAIRLEAD_CHECK(become(job->user));
    if (job->import) return import_task(*job, say);
    std::vector<crypto::Recipient> recipients;
    for (const auto& one : job->recipients) {
        FAIRLEAD_TRY(recipient, crypto::Recipient::parse(one));
        recipients.push_back(recipient);
    }
    std::vector<crypto::Identity> identities;
    for (auto& one : job->identities) {
        FAIRLEAD_TRY(identity, crypto::Identity::parse(one));
        identities.push_back(std::move(identity));
        wipe(one);
    }
    bucket::Access access;
    access.key = job->storage.access_key;
    access.secret = Secret(std::move(job->secret_key));
    access.session_token = Secret(std::move(job->session_token));
    SystemClock clock;
    bucket::Options options;
    options.clock = &clock;
    FAIRLEAD_TRY(bucket, bucket::Bucket::open(job->storage, std::move(access), options));
    Worker worker{*job, *bucket, say, clock, std::move(recipients), std::move(identities)};
    if (job->granted) FAIRLEAD_CHECK(use_grant(worker));
    return act(worker);
}

} // namespace

void Reporter::write(const Line& line) {
    auto text = json::encode(line) + "\n";
    std::lock_guard lock(mutex_);
    std::string_view rest = text;
    while (!rest.empty()) {
        auto written = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) ::_exit(1); // nobody listens any more
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

void Reporter::log(std::string_view text, bool warning) {
    Line line;
    line.log = text;
    line.warning = warning;
    write(line);
}

void Reporter::progress(std::uint64_t done, std::uint64_t total, std::string_view unit) {
    auto now = std::chrono::steady_clock::now();
    {
        std::lock_guard lock(mutex_);
        if (now - told_ < std::chrono::milliseconds(500)) return;
        told_ = now;
    }
    Line line;
    line.done = done;
    line.total = std::max<std::uint64_t>(total, 1);
    line.detail = unit == "MiB" ? fmt::format("{} of {} MiB", done >> 20, total >> 20)
                                : fmt::format("{} of {} {}", done, total, unit);
    write(line);
}

void Reporter::answer(Answer answer) {
    Line line;
    line.answer = std::move(answer);
    write(line);
}

void Reporter::problem(const Error& error) {
    Line line;
    line.problem = Problem{
        std::string(name_of(error.kind())), error.code().empty() ? "worker_failed" : error.code(),
        error.message()};
    write(line);
}

int run_worker() {
    ::signal(SIGPIPE, SIG_IGN);
    forbid_core_dumps();
    crypto::start();
    Reporter say;
    Result<Answer> done = fail(Errc::internal, "Nothing was done.");
    try {
        done = run(say);
    } catch (const std::exception& error) {
        done = fail(Errc::internal, fmt::format("An unexpected error: {}.", error.what()));
    }
    if (done)
        say.answer(std::move(*done));
    else
        say.problem(done.error());
    return done ? 0 : 1;
}

} // namespace fairlead::backup

#include "common/runtime/process.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

namespace fairlead {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using namespace std::chrono_literals;

constexpr auto mercy = 5s; // between SIGTERM and SIGKILL
constexpr const char* search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t longest_line = 16384;

struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::string home;
    std::vector<gid_t> groups;
};

Result<Account> find_account(const std::string& name) {
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) return fail(Errc::not_found, fmt::format("There is no Unix user {}.", name));
    Account account{entry.pw_uid, entry.pw_gid, entry.pw_dir, std::vector<gid_t>(64)};
    int count = static_cast<int>(account.groups.size());
    if (getgrouplist(name.c_str(), entry.pw_gid, account.groups.data(), &count) < 0)
        return fail(
            Errc::internal, fmt::format("The Unix user {} is in more than 64 groups.", name)
        );
    account.groups.resize(static_cast<std::size_t>(count));
    return account;
}

Result<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    std::string_view rest = search_path;
    while (!rest.empty()) {
        auto end = rest.find(':');
        auto candidate = fmt::format("{}/{}", rest.substr(0, end), name);
        if (::access(candidate.c_str(), X_OK) == 0) return candidate;
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return fail(Errc::not_found, fmt::format("The program {} is not installed.", name));
}

/// What the child needs, laid out before fork: after it, only async-signal-safe calls.
struct Prepared {
    std::string program;
    std::vector<char*> argv;
    std::vector<std::string> environment_text;
    std::vector<char*> environment;
    std::optional<Account> account;
    pid_t parent = ::getpid();
};

Result<Prepared> prepare(const Command& command) {
    if (command.argv.empty()) return fail(Errc::invalid, "There is no program to run.");
    Prepared prepared;
    FAIRLEAD_TRY(program, find_program(command.argv.front()));
    prepared.program = program;
    if (command.user) {
        FAIRLEAD_TRY(account, find_account(*command.user));
        prepared.account = account;
    }
    for (const auto& word : command.argv) prepared.argv.push_back(const_cast<char*>(word.c_str()));
    prepared.argv.push_back(nullptr);
    auto& text = prepared.environment_text;
    text.push_back(fmt::format("PATH={}", search_path));
    text.push_back("LANG=C.UTF-8");
    text.push_back(fmt::format("HOME={}", prepared.account ? prepared.account->home : "/root"));
    for (const auto& [name, value] : command.environment) {
        std::erase_if(text, [&, prefix = name + "="](const auto& line) {
            return line.starts_with(prefix);
        });
        text.push_back(name + "=" + value);
    }
    for (auto& line : text) prepared.environment.push_back(line.data());
    prepared.environment.push_back(nullptr);
    return prepared;
}

[[noreturn]] void
become(const Prepared& prepared, const Command& command, int in, int out, int report) {
    int standard_output = command.output_to ? command.output_to->get() : out;
    if (command.input_from) in = command.input_from->get();
    auto give_up = [&] {
        int error = errno;
        [[maybe_unused]] auto n = ::write(report, &error, sizeof error);
        ::_exit(127);
    };
    ::setsid();
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    if (::dup2(in, 0) < 0 || ::dup2(standard_output, 1) < 0 || ::dup2(out, 2) < 0) give_up();
    // `report` closes by itself at exec; everything else above it is closed here.
    if (report != 3 && (::dup3(report, 3, O_CLOEXEC) < 0)) give_up();
    report = 3;
    if (::syscall(SYS_close_range, 4U, ~0U, 0U) != 0) give_up();
    if (prepared.account) {
        if (::setgroups(prepared.account->groups.size(), prepared.account->groups.data()) != 0 ||
            ::setgid(prepared.account->gid) != 0 || ::setuid(prepared.account->uid) != 0)
            give_up();
    }
    // It ends with us, whatever ends us; after the change of user, which would clear it.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up();
    if (::getppid() == 1 && prepared.parent != 1) ::_exit(127);
    if (::chdir(command.folder.c_str()) != 0) give_up();
    ::execve(
        prepared.program.c_str(), prepared.argv.data(),
        const_cast<char**>(prepared.environment.data())
    );
    give_up();
    ::_exit(127);
}

/// Collects output: whole lines to the callback, or all of it with the middle cut out when it grows
/// too large.
class Collector {
public:
    explicit Collector(const Command& command) : command_(command) {}

    void add(std::string_view block) {
        if (!command_.on_line) return keep(block);
        line_ += block;
        std::size_t start = 0;
        // Programs that show progress end a line with a carriage return alone.
        for (auto end = line_.find_first_of("\r\n"); end != std::string::npos;
             end = line_.find_first_of("\r\n", start)) {
            bool pair = line_[end] == '\n' && end == start && after_return_;
            after_return_ = line_[end] == '\r';
            if (!pair) emit(std::string_view(line_).substr(start, end - start));
            start = end + 1;
        }
        if (start < line_.size()) after_return_ = false;
        line_.erase(0, start);
        if (line_.size() > longest_line) {
            emit(line_);
            line_.clear();
        }
    }

    std::string finish() {
        if (command_.on_line && !line_.empty()) emit(line_);
        if (dropped_ == 0) return head_ + tail_;
        return fmt::format("{}\n… {} bytes left out …\n{}", head_, dropped_, tail_);
    }

private:
    void emit(std::string_view line) { command_.on_line(line); }

    void keep(std::string_view block) {
        auto half = command_.output_limit / 2;
        auto fits = std::min(block.size(), half - std::min(half, head_.size()));
        head_ += block.substr(0, fits);
        tail_ += block.substr(fits);
        if (tail_.size() > 2 * half) {
            dropped_ += tail_.size() - half;
            tail_.erase(0, tail_.size() - half);
        }
    }

    const Command& command_;
    std::string line_, head_, tail_;
    std::size_t dropped_ = 0;
    bool after_return_ = false;
};

int code_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Feeds, reads and watches one child until it is gone.
class Supervisor {
public:
    Supervisor(const Command& command, pid_t child, Descriptor input, Descriptor output)
        : command_(command), collector_(command), child_(child), input_(std::move(input)),
          output_(std::move(output)),
          child_fd_(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))),
          wake_(::eventfd(0, EFD_CLOEXEC)),
          limit_(std::chrono::steady_clock::now() + command.deadline) {}

    Exit run() {
        std::stop_callback on_stop(command_.stop, [this] {
            std::uint64_t one = 1;
            [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
        });
        while (!ended_) turn();
        // Whatever it left in its group ends with it; output still in the pipe belongs to it.
        ::kill(-child_, SIGKILL);
        drain();
        exit_.status = code_of(status_);
        exit_.output = collector_.finish();
        return std::move(exit_);
    }

private:
    void turn() {
        std::array<pollfd, 4> fds{
            pollfd{child_fd_.get(), POLLIN, 0}, pollfd{output_.get(), POLLIN, 0},
            pollfd{command_.stop.stop_requested() && ending_ ? -1 : wake_.get(), POLLIN, 0},
            pollfd{input_.get(), POLLOUT, 0}};
        auto left =
            std::chrono::ceil<std::chrono::milliseconds>(limit_ - std::chrono::steady_clock::now());
        int ready = ::poll(
            fds.data(), fds.size(),
            static_cast<int>(std::clamp<long long>(left.count(), 0, 3600'000))
        );
        if (ready < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
        if (fds[3].revents) feed();
        if (fds[1].revents) read_some();
        if (fds[0].revents & POLLIN) {
            ended_ = ::waitpid(child_, &status_, 0) == child_ || errno == ECHILD;
            return;
        }
        if (command_.stop.stop_requested() && !ending_) {
            exit_.stopped = true;
            end_it();
        }
        if (std::chrono::steady_clock::now() >= limit_) {
            if (!ending_) exit_.timed_out = true;
            end_it();
        }
    }

    void end_it() {
        ::kill(-child_, ending_ ? SIGKILL : SIGTERM);
        ending_ = true;
        limit_ = std::chrono::steady_clock::now() + mercy;
    }

    void feed() {
        auto rest = std::string_view(command_.input).substr(fed_);
        auto written = rest.empty() ? 0 : ::write(input_.get(), rest.data(), rest.size());
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (written > 0) fed_ += static_cast<std::size_t>(written);
        if (written < 0 || fed_ == command_.input.size()) input_.reset();
    }

    bool read_some() {
        std::array<char, 65536> block;
        auto got = ::read(output_.get(), block.data(), block.size());
        if (got > 0) collector_.add({block.data(), static_cast<std::size_t>(got)});
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) output_.reset();
        return got > 0;
    }

    void drain() {
        while (output_ && read_some()) {
        }
    }

    const Command& command_;
    Collector collector_;
    pid_t child_;
    Descriptor input_, output_, child_fd_, wake_;
    SteadyTime limit_;
    std::size_t fed_ = 0;
    bool ending_ = false, ended_ = false;
    int status_ = 0;
    Exit exit_;
};

} // namespace

Pipe make_pipe() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    return {Descriptor(fds[0]), Descriptor(fds[1])};
}

Result<Exit> run(const Command& command) {
    FAIRLEAD_TRY(prepared, prepare(command));
    auto input = make_pipe(), output = make_pipe(), report = make_pipe();
    ::fcntl(input.write.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);

    pid_t child = ::fork();
    if (child < 0)
        return fail(
            Errc::internal,
            fmt::format("Cannot start {}: {}.", prepared.program, std::strerror(errno))
        );
    if (child == 0)
        become(prepared, command, input.read.get(), output.write.get(), report.write.get());

    input.read.reset();
    output.write.reset();
    report.write.reset();
    if (command.input_from) command.input_from->reset();
    if (command.output_to) command.output_to->reset();
    int error = 0;
    ssize_t got;
    do got = ::read(report.read.get(), &error, sizeof error);
    while (got < 0 && errno == EINTR);
    if (got == sizeof error) {
        ::waitpid(child, nullptr, 0);
        auto kind = error == ENOENT ? Errc::not_found : Errc::internal;
        return fail(
            kind, fmt::format("Cannot start {}: {}.", prepared.program, std::strerror(error))
        );
    }
    return Supervisor(command, child, std::move(input.write), std::move(output.read)).run();
}

namespace {

tl::unexpected<Error> failure(const Command& command, const Exit& ended) {
    auto why = ended.timed_out ? fmt::format("did not end within {} s", command.deadline.count())
               : ended.stopped ? std::string("was cancelled")
                               : fmt::format("failed with exit code {}", ended.status);
    std::string_view text = ended.output;
    while (text.ends_with('\n')) text.remove_suffix(1);
    if (text.size() > 2000) text.remove_prefix(text.size() - 2000);
    auto kind = ended.timed_out ? Errc::timeout : Errc::internal;
    return fail(
        kind, fmt::format("{} {}{}{}", command.argv.front(), why, text.empty() ? "." : ": ", text)
    );
}

} // namespace

Result<std::string> run_ok(const Command& command) {
    FAIRLEAD_TRY(ended, run(command));
    if (ended.ok()) return std::move(ended.output);
    return failure(command, ended);
}

Result<> run_piped(Command from, Command into, int also_fine) {
    auto pipe = make_pipe();
    from.output_to = std::make_shared<Descriptor>(std::move(pipe.write));
    into.input_from = std::make_shared<Descriptor>(std::move(pipe.read));
    Result<Exit> first = fail(Errc::internal, "It was not started.");
    std::thread runner([&] {
        first = run(from);
        from.output_to->reset(); // also where it could not be started
    });
    auto second = run(into);
    into.input_from->reset();
    runner.join();
    FAIRLEAD_CHECK(first);
    FAIRLEAD_CHECK(second);
    if (first->stopped || second->stopped)
        return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled"));
    // One that was cut off by the other's end is not the one to blame.
    if (!second->ok()) return failure(into, *second);
    bool fine = first->ok() || (!first->timed_out && first->status == also_fine);
    if (!fine) return failure(from, *first);
    return {};
}

} // namespace fairlead

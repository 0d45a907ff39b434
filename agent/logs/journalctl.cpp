#include "agent/logs/journalctl.hpp"

#include "common/runtime/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fairlead::logs {
namespace {

/// Between fork and exec: nothing that allocates.
[[noreturn]] void
become(int output, int errors, pid_t parent, char* const* argv, char* const* environment) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::close_range(3, ~0U, 0);
    ::execve(argv[0], argv, environment);
    constexpr char text[] = "journalctl cannot be started.\n";
    [[maybe_unused]] auto n = ::write(STDERR_FILENO, text, sizeof text - 1);
    ::_exit(127);
}

void unblock(const Descriptor& end) {
    ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK);
}

} // namespace

Result<Journalctl> Journalctl::start(const std::vector<std::string>& argv) {
    auto output = make_pipe(), errors = make_pipe();
    std::vector<char*> words;
    for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    std::string path = "PATH=/usr/bin:/bin", language = "LC_ALL=C.UTF-8",
                plain = "SYSTEMD_COLORS=0";
    std::vector<char*> environment{path.data(), language.data(), plain.data(), nullptr};
    auto parent = ::getpid();
    auto pid = ::fork();
    if (pid < 0)
        return fail(
            Errc::unavailable, std::string("journalctl cannot be started: ") + std::strerror(errno)
        );
    if (pid == 0)
        become(output.write.get(), errors.write.get(), parent, words.data(), environment.data());
    unblock(output.read);
    unblock(errors.read);
    return Journalctl(pid, std::move(output.read), std::move(errors.read));
}

Journalctl::Journalctl(Journalctl&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::move(other.output_)),
      errors_(std::move(other.errors_)) {}

Journalctl::~Journalctl() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
}

int Journalctl::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace fairlead::logs

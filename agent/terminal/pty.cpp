#include "agent/terminal/pty.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <utmpx.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace fairlead::terminal {
namespace {

constexpr const char* runuser = "/usr/sbin/runuser";

tl::unexpected<Error> failed(std::string_view what) {
    return fail(
        Errc::unavailable, fmt::format("The terminal cannot {}: {}.", what, std::strerror(errno))
    );
}

winsize cells(const proto::TerminalSize& size) {
    winsize cells{};
    cells.ws_col = size.columns;
    cells.ws_row = size.rows;
    return cells;
}

gid_t group_tty() {
    std::array<char, 4096> buffer;
    group entry{};
    group* found = nullptr;
    ::getgrnam_r("tty", &entry, buffer.data(), buffer.size(), &found);
    return found ? entry.gr_gid : 0;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
}

/// Between fork and exec: nothing that allocates.
[[noreturn]] void become(
    int device, const char* folder, std::string_view login_id, char* const* argv,
    char* const* environment
) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    ::setsid();
    ::ioctl(device, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; ++fd) ::dup2(device, fd);
    ::close_range(3, ~0U, 0);
    // Where the kernel audits, what is done here is told as this user's, also after sudo.
    int audit = ::open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
    if (audit >= 0) {
        [[maybe_unused]] auto n = ::write(audit, login_id.data(), login_id.size());
        ::close(audit);
    }
    ::umask(0022);
    if (::chdir(folder) != 0 && ::chdir("/") != 0) ::_exit(127);
    ::execve(argv[0], argv, environment);
    constexpr std::string_view text = "The shell cannot be started.\r\n";
    [[maybe_unused]] auto n = ::write(2, text.data(), text.size());
    ::_exit(127);
}

} // namespace

Program login_shell(const host::Login& login) {
    Program program;
    program.argv = {runuser, "-u", login.name, "--", login.shell, "-l"};
    const char* lang = std::getenv("LANG"); // of /etc/default/locale, by the unit
    const bool root = login.uid == 0;
    program.environment = {
        "HOME=" + login.home,
        "SHELL=" + login.shell,
        "USER=" + login.name,
        "LOGNAME=" + login.name,
        std::string("PATH=") + (root
                                    ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                                    : "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"),
        "TERM=xterm-256color",
        std::string("LANG=") + (lang && *lang ? lang : "C.UTF-8")};
    program.folder = login.home;
    program.owner = login.uid;
    program.user = login.name;
    return program;
}

Result<Pty> Pty::start(const Program& program, const proto::TerminalSize& size) {
    Pty pty;
    pty.master_ = Descriptor(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 64> name{};
    if (!pty.master_ || ::grantpt(pty.fd()) != 0 || ::unlockpt(pty.fd()) != 0 ||
        ::ptsname_r(pty.fd(), name.data(), name.size()) != 0)
        return failed("be made");
    pty.device_ = name.data();
    Descriptor device(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!device) return failed("be opened");
    if (::fchown(device.get(), program.owner, group_tty()) != 0 ||
        ::fchmod(device.get(), 0620) != 0)
        return failed("be given to its user");
    pty.resize(size);

    auto argv = pointers(program.argv), environment = pointers(program.environment);
    auto login_id = std::to_string(program.owner);
    pty.pid_ = ::fork();
    if (pty.pid_ < 0) return failed("start its shell");
    if (pty.pid_ == 0)
        become(device.get(), program.folder.c_str(), login_id, argv.data(), environment.data());
    pty.ended_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pty.pid_, 0)));
    if (!pty.ended_) {
        auto wrong = failed("watch its shell");
        ::kill(pty.pid_, SIGKILL);
        return wrong;
    }
    pty.show(program.user, true);
    pty.user_ = program.user;
    return pty;
}

Pty::~Pty() {
    if (!user_.empty()) show(user_, false);
}

void Pty::resize(const proto::TerminalSize& size) {
    auto wanted = cells(size);
    ::ioctl(fd(), TIOCSWINSZ, &wanted);
}

/// In utmp, where the system has one.
void Pty::show(const std::string& user, bool in) const {
    constexpr std::string_view devices = "/dev/";
    if (user.empty() || !device_.starts_with(devices)) return;
    auto line = device_.substr(devices.size()); // "pts/3"
    utmpx entry{};
    entry.ut_type = in ? USER_PROCESS : DEAD_PROCESS;
    entry.ut_pid = pid_;
    auto copy = [](const std::string& from, auto& into) {
        std::memcpy(into, from.data(), std::min(from.size(), sizeof into));
    };
    copy(line, entry.ut_line);
    copy("f" + line.substr(line.rfind('/') + 1), entry.ut_id);
    if (in) copy(user, entry.ut_user);
    if (in) copy("fairlead", entry.ut_host);
    timeval now{};
    ::gettimeofday(&now, nullptr);
    entry.ut_tv.tv_sec = static_cast<decltype(entry.ut_tv.tv_sec)>(now.tv_sec);
    ::setutxent();
    ::pututxline(&entry);
    ::endutxent();
}

} // namespace fairlead::terminal

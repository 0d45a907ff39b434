#include "agent/terminal/processes.hpp"

#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace fairlead::terminal {
namespace {

struct Closer {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

/// 0 for one that has just gone. Its name, in parentheses, may hold anything.
pid_t parent_of(pid_t pid) {
    auto text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
    auto name_end = text ? text->rfind(')') : std::string::npos;
    if (name_end == std::string::npos || name_end + 4 >= text->size()) return 0;
    return static_cast<pid_t>(std::atol(text->c_str() + name_end + 4)); // ") S 123"
}

/// Every process and its parent.
std::vector<std::pair<pid_t, pid_t>> all_processes() {
    std::vector<std::pair<pid_t, pid_t>> all;
    std::unique_ptr<DIR, Closer> folder(::opendir("/proc"));
    if (!folder) return all;
    while (const auto* entry = ::readdir(folder.get())) {
        auto pid = static_cast<pid_t>(std::atol(static_cast<const char*>(entry->d_name)));
        if (pid > 0) all.emplace_back(pid, parent_of(pid));
    }
    return all;
}

} // namespace

void keep_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

bool reap(pid_t shell, std::optional<int>& status) {
    for (;;) {
        int ended = 0;
        auto pid = ::waitpid(-1, &ended, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) return false;
        if (pid == 0) return true;
        if (pid == shell) status = ended;
    }
}

void signal_all(int signal) {
    auto all = all_processes();
    std::set<pid_t> ours{::getpid()};
    // A child may stand before its parent in the list: until nothing is added.
    for (auto before = std::size_t{0}; before != ours.size();) {
        before = ours.size();
        for (const auto& [pid, parent] : all)
            if (ours.contains(parent)) ours.insert(pid);
    }
    ours.erase(::getpid());
    for (auto pid : ours) ::kill(pid, signal);
}

} // namespace fairlead::terminal

#include "agent/host/processes.hpp"

#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

namespace fairlead::host {
namespace {

struct Closer {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

/// proc(5), /proc/PID/stat: the fields from the third on; "" for one that has just gone. Its name,
/// in parentheses before them, may hold anything.
std::string stat_of(pid_t pid) {
    auto text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
    auto name_end = text ? text->rfind(')') : std::string::npos;
    if (name_end == std::string::npos || name_end + 4 >= text->size()) return {};
    return text->substr(name_end + 2);
}

/// 0 for one that has just gone.
pid_t parent_of(pid_t pid) {
    auto fields = stat_of(pid);
    return fields.empty() ? 0 : static_cast<pid_t>(std::atol(fields.c_str() + 2)); // "S 123"
}

} // namespace

std::vector<pid_t> all_processes() {
    std::vector<pid_t> all;
    std::unique_ptr<DIR, Closer> folder(::opendir("/proc"));
    if (!folder) return all;
    while (const auto* entry = ::readdir(folder.get())) {
        auto pid = static_cast<pid_t>(std::atol(static_cast<const char*>(entry->d_name)));
        if (pid > 0) all.push_back(pid);
    }
    return all;
}

std::set<pid_t> descendants_of(pid_t pid) {
    std::vector<std::pair<pid_t, pid_t>> all; // and their parents
    for (auto one : all_processes()) all.emplace_back(one, parent_of(one));
    std::set<pid_t> found{pid};
    // A child may stand before its parent in the list: until nothing is added.
    for (auto before = std::size_t{0}; before != found.size();) {
        before = found.size();
        for (const auto& [one, parent] : all)
            if (found.contains(parent)) found.insert(one);
    }
    found.erase(pid);
    return found;
}

std::string title_of(pid_t pid) {
    auto text = read_file(fmt::format("/proc/{}/cmdline", pid), 65536).value_or(std::string());
    for (char& c : text)
        if (c == '\0') c = ' ';
    while (text.ends_with(' ')) text.pop_back();
    return text;
}

// Not the owner of its folder in /proc: that is root's for everything that changed its user.
uid_t owner_of(pid_t pid) {
    auto text = read_file(fmt::format("/proc/{}/status", pid), 65536).value_or(std::string());
    unsigned long real = 0, effective = 0;
    auto at = text.find("\nUid:");
    if (at == std::string::npos ||
        std::sscanf(text.c_str() + at, "\nUid: %lu %lu", &real, &effective) != 2)
        return static_cast<uid_t>(-1);
    return static_cast<uid_t>(effective);
}

std::int64_t began_at(pid_t pid) {
    auto fields = stat_of(pid);
    auto system = read_file("/proc/stat", 1 << 20).value_or(std::string());
    long long booted = 0;
    unsigned long long ticks = 0;
    std::size_t at = 0;
    for (int field = 3; field < 22 && at != std::string::npos; ++field)
        at = fields.find(' ', at == 0 ? 0 : at + 1);
    auto line = system.find("\nbtime ");
    if (fields.empty() || at == std::string::npos || line == std::string::npos ||
        std::sscanf(fields.c_str() + at, " %llu", &ticks) != 1 ||
        std::sscanf(system.c_str() + line, "\nbtime %lld", &booted) != 1)
        return 0;
    auto a_second = static_cast<unsigned long long>(::sysconf(_SC_CLK_TCK));
    return booted + static_cast<std::int64_t>(ticks / a_second);
}

std::string login_scope_of(pid_t pid) {
    auto text = read_file(fmt::format("/proc/{}/cgroup", pid), 65536).value_or(std::string());
    auto at = text.find("/session-");
    if (at == std::string::npos) return {};
    auto name = text.substr(at + 1, text.find_first_of("/\n", at + 1) - at - 1);
    return name.ends_with(".scope") ? name : std::string();
}

} // namespace fairlead::host

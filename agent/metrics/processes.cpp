#include "agent/metrics/processes.hpp"

#include "agent/host/processes.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace fairlead::metrics {
namespace {

constexpr std::string_view unit = "/fairlead-odoo@";
constexpr std::string_view unit_end = ".service";

std::string text_of(const std::string& file) {
    return read_file(file, 65536).value_or(std::string());
}

std::string of_process(pid_t pid, const char* name) {
    return text_of(fmt::format("/proc/{}/{}", pid, name));
}

/// Of the process itself, and of its children that have ended and were waited for.
std::int64_t cpu_ms(pid_t pid) {
    auto text = of_process(pid, "stat");
    auto name_end = text.rfind(')'); // the name before it may hold anything
    unsigned long user = 0, kernel = 0;
    long ended_user = 0, ended_kernel = 0;
    if (name_end == std::string::npos ||
        std::sscanf(
            text.c_str() + name_end + 1,
            " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &user, &kernel,
            &ended_user, &ended_kernel
        ) != 4)
        return 0;
    auto ticks = static_cast<std::int64_t>(user + kernel) + ended_user + ended_kernel;
    return ticks * 1000 / ::sysconf(_SC_CLK_TCK);
}

struct Sums {
    std::int64_t processes = 0, bytes = 0, cpu = 0;
    std::string cgroup;
};

} // namespace

std::string slug_in(std::string_view cgroup) {
    auto at = cgroup.find(unit);
    if (at == std::string_view::npos) return {};
    // A unit of somebody's own systemd, which may be called what they like.
    auto line = cgroup.substr(0, at);
    if (auto begin = line.rfind('\n'); begin != std::string_view::npos) line.remove_prefix(begin);
    if (line.find("/user.slice/") != std::string_view::npos) return {};
    auto rest = cgroup.substr(at + unit.size());
    auto end = rest.find(unit_end);
    auto slug = rest.substr(0, end);
    if (end == std::string_view::npos || slug.empty() || slug.size() > 63 ||
        slug.find_first_of("/\n") != std::string_view::npos)
        return {};
    return std::string(slug);
}

std::string unified_path_in(std::string_view cgroup) {
    for (auto at = cgroup.find("0::/"); at != std::string_view::npos;
         at = cgroup.find("0::/", at + 1)) {
        if (at > 0 && cgroup[at - 1] != '\n') continue;
        auto path = cgroup.substr(at + 3);
        path = path.substr(0, path.find('\n'));
        return path.find("..") == std::string_view::npos ? std::string(path) : std::string();
    }
    return {};
}

std::int64_t number_behind(std::string_view text, std::string_view name) {
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
        if (at > 0 && text[at - 1] != '\n') continue;
        auto rest = text.substr(at + name.size());
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t:"), rest.size()));
        std::int64_t value = -1;
        std::from_chars(rest.data(), rest.data() + rest.size(), value);
        return value;
    }
    return -1;
}

std::map<std::string, proto::MeasuredValues> running_environments() {
    std::map<std::string, Sums> found;
    for (auto pid : host::all_processes()) {
        auto cgroup = of_process(pid, "cgroup");
        auto slug = slug_in(cgroup);
        if (slug.empty()) continue;
        auto& sums = found[slug];
        auto status = of_process(pid, "status");
        auto anonymous = number_behind(status, "RssAnon");
        ++sums.processes;
        sums.bytes += std::max<std::int64_t>(anonymous, 0) * 1024;
        sums.cpu += cpu_ms(pid);
        sums.cgroup = unified_path_in(cgroup);
    }
    std::map<std::string, proto::MeasuredValues> all;
    for (auto& [slug, sums] : found) {
        if (!sums.cgroup.empty()) {
            auto folder = "/sys/fs/cgroup" + sums.cgroup;
            auto used = text_of(folder + "/memory.current");
            auto files = number_behind(text_of(folder + "/memory.stat"), "inactive_file");
            auto bytes = number_behind("x " + used, "x");
            if (bytes > 0)
                sums.bytes = std::max<std::int64_t>(0, bytes - std::max<std::int64_t>(files, 0));
            auto us = number_behind(text_of(folder + "/cpu.stat"), "usage_usec");
            if (us > 0) sums.cpu = us / 1000;
        }
        all[slug] = {
            {"processes", sums.processes}, {"memory_bytes", sums.bytes}, {"cpu_ms", sums.cpu}};
    }
    return all;
}

} // namespace fairlead::metrics

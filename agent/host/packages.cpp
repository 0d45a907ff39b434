#include "agent/host/packages.hpp"

#include "agent/host/systemd.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <unistd.h>

#include <mutex>

namespace fairlead::host {
namespace {

using namespace std::chrono_literals;

/// As a service of its own: packages' scripts need more than the executor's sandbox leaves them.
Task apt(std::vector<std::string> words, std::chrono::seconds deadline, std::stop_token stop) {
    Task task;
    task.unit = "fairlead-packages";
    task.properties = {
        "Environment=DEBIAN_FRONTEND=noninteractive", "Environment=NEEDRESTART_MODE=a"};
    task.argv = {"/usr/bin/apt-get",  "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o",
                 "Acquire::Retries=2"};
    task.argv.insert(task.argv.end(), words.begin(), words.end());
    task.deadline = deadline;
    task.stop = std::move(stop);
    return task;
}

} // namespace

bool has_program(std::string_view name) {
    for (const auto* folder :
         {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"})
        if (::access(fmt::format("{}/{}", folder, name).c_str(), X_OK) == 0) return true;
    return false;
}

Result<> install_packages(
    const std::vector<std::string>& packages, const std::function<void(std::string_view)>& progress,
    std::stop_token stop
) {
    auto list = fmt::format("{}", fmt::join(packages, " "));
    if (!has_program("apt-get"))
        return fail(
            Errc::unavailable,
            fmt::format(
                "This server lacks {} and has no apt-get: install them with the system's own tool.",
                list
            )
        );
    progress(fmt::format("Installing {} from the distribution.", list));
    static std::mutex one_at_a_time;
    std::lock_guard lock(one_at_a_time);
    std::string last;
    auto update = apt({"update"}, 300s, stop);
    update.on_line = [&](std::string_view line) { last = line; };
    FAIRLEAD_TRY(updated, run_task(update));
    if (!updated.ok())
        progress(fmt::format("apt-get update failed, going on with what is known: {}", last));
    std::vector<std::string> words{"install", "--no-install-recommends"};
    words.insert(words.end(), packages.begin(), packages.end());
    auto install = apt(std::move(words), 1200s, std::move(stop));
    std::vector<std::string> tail;
    install.on_line = [&](std::string_view line) {
        tail.emplace_back(line);
        if (tail.size() > 15) tail.erase(tail.begin());
        if (line.starts_with("Setting up ") || line.starts_with("Unpacking ") ||
            line.starts_with("E: "))
            progress(line);
    };
    FAIRLEAD_TRY(ended, run_task(install));
    if (ended.ok()) return {};
    return fail(
        Errc::unavailable,
        fmt::format("apt-get could not install {}: {}", list, fmt::join(tail, "\n"))
    );
}

} // namespace fairlead::host

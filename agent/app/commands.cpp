#include "agent/app/commands.hpp"

#include "agent/deploy/records.hpp"
#include "agent/policy/policy.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <cstdio>

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* remover = "/usr/lib/fairlead/agent-remove";

void print_policy() {
    auto loaded = policy::Policy::load(policy::default_file);
    if (!loaded) {
        fmt::print("policy:       NOT USED: {}\n", loaded.error().message());
        return;
    }
    for (const auto& sentence : loaded->facts().summary) fmt::print("policy:       {}\n", sentence);
}

void print_environments() {
    auto found = deploy::inventory(deploy::Layout());
    if (found.empty()) fmt::print("environments: none\n");
    for (const auto& environment : found) {
        std::uint32_t live = 0;
        for (const auto& release : environment.releases)
            if (release.live) live = release.number;
        fmt::print(
            "environment:  {} {} on port {}, release {} of {} kept{}\n", environment.slug,
            environment.state, environment.port, live, environment.releases.size(),
            environment.detail.empty() ? "" : " (" + environment.detail + ")"
        );
    }
}

} // namespace

Result<> ensure_policy() {
    std::error_code ignored;
    fs::path file = policy::default_file;
    if (!fs::exists(file, ignored)) {
        fs::create_directories(file.parent_path(), ignored);
        FAIRLEAD_CHECK(write_file(file, policy::default_text(), 0644));
    }
    FAIRLEAD_CHECK(policy::Policy::load(file));
    return {};
}

void print_overview() {
    if (::geteuid() != 0) return;
    print_policy();
    print_environments();
    std::fflush(stdout);
}

int run_uninstall() {
    if (::access(remover, X_OK) != 0) {
        fmt::print(
            stderr,
            "{} is missing: install the agent again, or remove the package fairlead-agent with the "
            "system's own tool.\n",
            remover
        );
        return 1;
    }
    // It takes this program away too, so it runs in its place.
    ::execl(remover, remover, static_cast<char*>(nullptr));
    fmt::print(stderr, "{} cannot be started.\n", remover);
    return 1;
}

} // namespace fairlead::app

#include "agent/deploy/sites.hpp"

#include "agent/deploy/caddy.hpp"
#include "agent/deploy/records.hpp"
#include "agent/host/files.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <mutex>

namespace fairlead::deploy {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t size_limit = 1 << 20;

Error refused(std::string_view what, std::string_view why) {
    return Error(Errc::conflict, fmt::format("{}: {}", what, why)).with_code("caddy_failed");
}

Result<> tell_caddy(std::vector<std::string> words) {
    Command command;
    command.argv = std::move(words);
    command.argv.insert(command.argv.begin(), "caddy");
    command.deadline = 90s;
    std::vector<std::string> errors;
    command.on_line = [&](std::string_view line) {
        if (line.starts_with("Error: ") && errors.size() < 5)
            errors.emplace_back(line.substr(7, 1000));
    };
    FAIRLEAD_TRY(ended, run(command));
    if (ended.ok()) return {};
    return fail(refused(
        "Caddy does not take the new configuration and serves what it served before",
        errors.empty() ? "it did not say why" : fmt::format("{}", fmt::join(errors, "; "))
    ));
}

} // namespace

bool has_site(const Place& place, std::uint32_t number) {
    std::error_code ignored;
    return number != 0 && fs::exists(place.release(number) / site_file, ignored);
}

Result<std::string>
Sites::config(const Place& place, std::uint32_t number, std::size_t& count) const {
    std::vector<std::string> sites;
    auto add = [&](const fs::path& file) -> Result<> {
        auto site = read_file(file, size_limit);
        if (!site && site.error().kind() == Errc::not_found) return {};
        FAIRLEAD_CHECK(site);
        sites.push_back(std::move(*site));
        return {};
    };
    for (const auto& other : all_places(layout_))
        if (other.slug != place.slug) FAIRLEAD_CHECK(add(other.current() / site_file));
    if (number != 0) FAIRLEAD_CHECK(add(place.release(number) / site_file));
    count = sites.size();
    if (count == 0) return std::string();
    auto settings_file = layout_.policy.parent_path() / "agent.yaml";
    auto yaml = read_file(settings_file, size_limit);
    if (!yaml && yaml.error().kind() != Errc::not_found) return fail(yaml.error());
    FAIRLEAD_TRY(settings, acme_settings(yaml ? *yaml : std::string(), settings_file.string()));
    return caddy_config(sites, settings);
}

Result<> Sites::serve(const Place& place, std::uint32_t number) {
    static std::mutex one_at_a_time;
    std::lock_guard lock(one_at_a_time);
    std::size_t count = 0;
    FAIRLEAD_TRY(wanted, config(place, number, count));
    FAIRLEAD_TRY(state, systemd_.state(caddy_service));
    if (count == 0) {
        std::error_code ignored;
        if (!fs::exists(folder(), ignored)) return {};
        FAIRLEAD_CHECK(systemd_.stop({caddy_service}));
        FAIRLEAD_CHECK(systemd_.disable({caddy_service}));
        // Certificates stay in Caddy's own folder: whoever comes back needs no new ones.
        return host::remove_tree(folder());
    }
    FAIRLEAD_CHECK(host::make_folder(folder(), 0755, 0, 0));
    if (state.running() || state.active == "reloading") {
        FAIRLEAD_CHECK(load(wanted));
    } else {
        FAIRLEAD_CHECK(start(wanted));
    }
    if (!state.enabled()) return systemd_.enable({caddy_service});
    return {};
}

Result<> Sites::load(const std::string& config) {
    auto file = folder() / "caddy.json", fresh = folder() / "caddy.json.new";
    FAIRLEAD_CHECK(write_file(fresh, config, 0644));
    // One that is refused only while it loads leaves the unit "reloading" until systemd gives up.
    FAIRLEAD_CHECK(tell_caddy({"validate", "--config", fresh.string()}));
    FAIRLEAD_CHECK(tell_caddy(
        {"reload", "--config", fresh.string(), "--address", fmt::format("unix/{}", caddy_socket)}
    ));
    // Loaded first: what is started from the file at the next boot was seen to work.
    std::error_code error;
    fs::rename(fresh, file, error);
    if (error)
        return fail(
            Errc::internal, fmt::format("Cannot write {}: {}.", file.string(), error.message())
        );
    return sync_folder(folder());
}

Result<> Sites::start(const std::string& config) {
    auto file = folder() / "caddy.json";
    FAIRLEAD_CHECK(write_file(file, config, 0644));
    auto unit = layout_.units / caddy_service;
    auto text = caddy_unit(file);
    if (auto there = read_file(unit, size_limit); !there || *there != text) {
        FAIRLEAD_CHECK(write_file(unit, text, 0644));
        FAIRLEAD_CHECK(systemd_.reload());
    }
    systemd_.reset_failed(caddy_service);
    if (auto started = systemd_.start({caddy_service}); !started) {
        auto words = systemd_.last_lines(caddy_service, 20);
        (void)systemd_.stop({caddy_service});
        std::string why = started.error().message();
        for (const auto& line : words)
            if (line.starts_with("Error: ")) why = line.substr(7, 1000);
        return fail(refused("Caddy does not start", why));
    }
    return {};
}

} // namespace fairlead::deploy

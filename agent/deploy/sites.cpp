#include "agent/deploy/sites.hpp"

#include "agent/deploy/records.hpp"
#include "agent/host/files.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
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

struct LiveSite {
    std::string slug, text;
    std::vector<std::string> names;
};

/// Nothing where the release in `folder` is not served.
Result<std::optional<LiveSite>> read_site(const Place& place, const fs::path& folder) {
    LiveSite site{place.slug, {}, {}};
    auto text = read_file(folder / site_file, size_limit);
    if (!text && text.error().kind() == Errc::not_found) return std::nullopt;
    auto names = text ? names_of(*text) : tl::unexpected(text.error());
    if (!names)
        return fail(
            Errc::invalid, fmt::format(
                               "{} of the environment {} cannot be read: {} Deploy that one again.",
                               site_file, place.slug, names.error().message()
                           )
        );
    site.text = std::move(*text);
    site.names = std::move(*names);
    return site;
}

/// What the current releases of all environments but `place` say.
Result<std::vector<LiveSite>> other_sites(const Layout& layout, const Place& place) {
    std::vector<LiveSite> sites;
    for (const auto& other : all_places(layout)) {
        if (other.slug == place.slug) continue;
        FAIRLEAD_TRY(site, read_site(other, other.current()));
        if (site) sites.push_back(std::move(*site));
    }
    return sites;
}

std::vector<TakenName>
taken_of(const std::vector<LiveSite>& others, const std::vector<std::string>& names) {
    std::vector<TakenName> taken;
    for (const auto& other : others)
        for (const auto& name : names)
            if (std::ranges::find(other.names, name) != other.names.end())
                taken.push_back({name, other.slug});
    return taken;
}

} // namespace

bool has_site(const Place& place, std::uint32_t number) {
    std::error_code ignored;
    return number != 0 && fs::exists(place.release(number) / site_file, ignored);
}

Result<std::vector<TakenName>>
taken_names(const Layout& layout, const Place& place, const std::vector<std::string>& names) {
    FAIRLEAD_TRY(others, other_sites(layout, place));
    return taken_of(others, names);
}

Result<AcmeSettings> acme_settings(const Layout& layout) {
    auto file = layout.policy.parent_path() / "agent.yaml";
    auto yaml = read_file(file, size_limit);
    if (!yaml && yaml.error().kind() != Errc::not_found) return fail(yaml.error());
    return acme_settings(yaml ? *yaml : std::string(), file.string());
}

Result<std::string>
Sites::config(const Place& place, std::uint32_t number, std::size_t& count) const {
    FAIRLEAD_TRY(others, other_sites(layout_, place));
    std::vector<std::string> sites;
    for (auto& other : others) sites.push_back(std::move(other.text));
    if (number != 0) {
        FAIRLEAD_TRY(own, read_site(place, place.release(number)));
        if (own) {
            // Who answers would depend on who was deployed last.
            if (auto taken = taken_of(others, own->names); !taken.empty())
                return fail(Error(
                                Errc::conflict,
                                fmt::format(
                                    "The environment {} serves {} still: deploy it first "
                                    "without that name, or delete it.",
                                    taken.front().slug, taken.front().name
                                )
                )
                                .with_code("domain_taken"));
            sites.push_back(std::move(own->text));
        }
    }
    count = sites.size();
    if (count == 0) return std::string();
    FAIRLEAD_TRY(settings, acme_settings(layout_));
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

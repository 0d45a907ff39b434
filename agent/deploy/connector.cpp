#include "agent/deploy/connector.hpp"

#include "agent/deploy/records.hpp"
#include "agent/host/files.hpp"
#include "agent/host/network.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <sys/stat.h>

#include <algorithm>
#include <ranges>
#include <thread>

namespace fairlead::deploy {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr std::size_t size_limit = 65536;
constexpr auto between = 200ms;
constexpr auto answer_limit = 3s;
constexpr const char* drop_in_name = "50-release.conf";

bool same_text(const fs::path& a, const fs::path& b) {
    auto one = read_file(a, size_limit), other = read_file(b, size_limit);
    return one && other && *one == *other;
}

bool is_link(const fs::path& path) {
    std::error_code ignored;
    return fs::is_symlink(path, ignored);
}

/// Of the newest release that brought one: a token is how the environment is reached now, and what
/// was replaced at Cloudflare does not come back with older code.
fs::path newest_token(const Place& place, const std::string& undone) {
    auto numbers = release_numbers(place);
    for (auto number : std::views::reverse(numbers)) {
        auto file = place.release(number) / token_file;
        std::error_code ignored;
        if (!fs::exists(file, ignored)) continue;
        if (undone.empty()) return file;
        auto release = load_release(place, number);
        if (release && release->info.operation != undone) return file;
    }
    return {};
}

} // namespace

Result<host::UnitState> SystemdUnits::state(const std::string& unit) {
    return systemd_.state(unit);
}

Result<> SystemdUnits::reload() {
    return systemd_.reload();
}

Result<> SystemdUnits::start(const std::string& unit) {
    systemd_.reset_failed(unit);
    return systemd_.start({unit});
}

Result<> SystemdUnits::stop(const std::string& unit) {
    auto stopped = systemd_.stop({unit});
    systemd_.reset_failed(unit);
    return stopped;
}

Result<> SystemdUnits::enable(const std::string& unit) {
    return systemd_.enable({unit});
}

Result<> SystemdUnits::disable(const std::string& unit) {
    return systemd_.disable({unit});
}

std::vector<std::string> SystemdUnits::last_lines(const std::string& unit) {
    return systemd_.last_lines(unit, 20);
}

Result<> SystemdUnits::ready(const std::string& address, std::uint16_t port) {
    FAIRLEAD_TRY(answer, loopback_get(address, port, "/ready", answer_limit));
    if (answer.status == 200) return {};
    return fail(
        Errc::unavailable, answer.status == 503
                               ? "it has no connection to Cloudflare"
                               : fmt::format("GET /ready answered {}", answer.status)
    );
}

fs::path cloudflared_program() {
    for (const auto* program : cloudflared_programs) {
        struct stat found {};
        if (::stat(program, &found) != 0 || !S_ISREG(found.st_mode)) continue;
        // The unit takes the first that its user can run.
        if ((found.st_mode & S_IXOTH) != 0) return program;
    }
    return {};
}

fs::path Connector::conf_of(const Place& place, const std::string& unit) const {
    return place.drop_in(layout_, unit) / drop_in_name;
}

Result<Connector::Wanted>
Connector::wanted(const Place& place, std::uint32_t number, const std::string& undone) const {
    Wanted wanted{place.release(number) / connector_file, newest_token(place, undone)};
    FAIRLEAD_TRY(conf, read_file(wanted.conf, size_limit));
    FAIRLEAD_TRY(port, ready_port(conf));
    wanted.port = port;
    if (wanted.token.empty())
        return fail(Error(
                        Errc::not_found, fmt::format(
                                             "No release of {} that is kept has a connector token: "
                                             "deploy it with one.",
                                             place.slug
                                         )
        )
                        .with_code("cloudflared_missing"));
    return wanted;
}

Result<> Connector::install() {
    bool changed = false;
    for (bool trial : {false, true}) {
        auto file = layout_.units / (trial ? "fairlead-cloudflared-trial@.service"
                                           : "fairlead-cloudflared@.service");
        auto text = cloudflared_template(layout_, trial);
        if (auto there = read_file(file, size_limit); there && *there == text) continue;
        FAIRLEAD_CHECK(write_file(file, text, 0644));
        changed = true;
    }
    if (changed) return units_.reload();
    return {};
}

Result<bool> Connector::runs_as(const Place& place, const Wanted& wanted) {
    FAIRLEAD_TRY(state, units_.state(place.connector()));
    return state.running() && same_text(place.connector_token(), wanted.token) &&
           same_text(conf_of(place, place.connector()), wanted.conf);
}

Result<> Connector::change(const Place& place, const Wanted& wanted) {
    auto conf = conf_of(place, place.connector());
    FAIRLEAD_TRY(runs, runs_as(place, wanted));
    // Stopped before the links change: what runs is always what they lead to.
    if (!runs) FAIRLEAD_CHECK(units_.stop(place.connector()));
    FAIRLEAD_CHECK(host::make_folder(conf.parent_path(), 0755, 0, 0));
    FAIRLEAD_CHECK(host::replace_link(conf, wanted.conf));
    FAIRLEAD_CHECK(host::replace_link(place.connector_token(), wanted.token));
    FAIRLEAD_CHECK(units_.reload());
    FAIRLEAD_TRY(state, units_.state(place.connector()));
    if (!state.enabled()) FAIRLEAD_CHECK(units_.enable(place.connector()));
    if (runs) return {};
    return units_.start(place.connector());
}

Result<> Connector::wait(
    const std::string& unit, const std::string& address, std::uint16_t port,
    const ConnectorWatch& watch
) {
    auto until = Steady::now() + limit_;
    for (;;) {
        if (watch.stopping())
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
        auto ready = units_.ready(address, port);
        if (ready) return {};
        if (Steady::now() >= until) {
            watch.error("The last lines of cloudflared's log:");
            for (const auto& line : units_.last_lines(unit)) watch.error(line);
            return fail(
                Error(
                    Errc::unavailable,
                    fmt::format(
                        "cloudflared did not connect to Cloudflare within {} s: {}. See whether "
                        "the token is the tunnel's present one, and whether the server may make "
                        "connections to port 7844.",
                        std::chrono::duration_cast<std::chrono::seconds>(limit_).count(),
                        ready.error().message()
                    )
                )
                    .with_code("cloudflared_not_connected")
            );
        }
        std::this_thread::sleep_for(between);
    }
}

Result<>
Connector::try_beside(const Place& place, const Wanted& wanted, const ConnectorWatch& watch) {
    auto conf = conf_of(place, place.trial());
    FAIRLEAD_CHECK(host::make_folder(conf.parent_path(), 0755, 0, 0));
    FAIRLEAD_CHECK(host::replace_link(conf, wanted.conf));
    FAIRLEAD_CHECK(host::replace_link(place.trial_token(), wanted.token));
    FAIRLEAD_CHECK(units_.reload());
    FAIRLEAD_CHECK(units_.start(place.trial()));
    watch.info("Trying the connector token beside the connector that serves.");
    return wait(place.trial(), trial_address, wanted.port, watch);
}

Result<> Connector::stop_trial(const Place& place) {
    if (!is_link(place.trial_token())) return {};
    FAIRLEAD_CHECK(units_.stop(place.trial()));
    FAIRLEAD_CHECK(host::remove_tree(place.drop_in(layout_, place.trial())));
    return host::remove_tree(place.trial_token());
}

Result<> Connector::prove(const Place& place, std::uint32_t number, const ConnectorWatch& watch) {
    FAIRLEAD_CHECK(stop_trial(place));
    if (!has_connector(place, number)) return {};
    FAIRLEAD_TRY(wanted, this->wanted(place, number, ""));
    FAIRLEAD_TRY(runs, runs_as(place, wanted));
    FAIRLEAD_TRY(serving, units_.state(place.connector()));
    if (runs || !serving.running()) return {};
    FAIRLEAD_CHECK(install());
    auto tried = try_beside(place, wanted, watch);
    FAIRLEAD_CHECK(stop_trial(place));
    return tried;
}

Result<> Connector::serve(const Place& place, std::uint32_t number, const ConnectorWatch& watch) {
    if (!has_connector(place, number)) return remove(place);
    FAIRLEAD_CHECK(stop_trial(place));
    FAIRLEAD_TRY(wanted, this->wanted(place, number, ""));
    FAIRLEAD_CHECK(install());
    FAIRLEAD_TRY(runs, runs_as(place, wanted));
    FAIRLEAD_TRY(before, units_.state(place.connector()));
    if (!runs && before.running()) {
        if (auto tried = try_beside(place, wanted, watch); !tried) {
            FAIRLEAD_CHECK(stop_trial(place));
            return tried;
        }
    }
    FAIRLEAD_CHECK(change(place, wanted));
    auto connected = wait(place.connector(), ready_address, wanted.port, watch);
    FAIRLEAD_CHECK(stop_trial(place));
    if (connected) watch.info("cloudflared is connected to Cloudflare.");
    return connected;
}

Result<> Connector::put_back(const Place& place, std::uint32_t number, const std::string& undone) {
    if (!has_connector(place, number)) return remove(place);
    FAIRLEAD_CHECK(stop_trial(place));
    FAIRLEAD_TRY(wanted, this->wanted(place, number, undone));
    FAIRLEAD_CHECK(install());
    return change(place, wanted);
}

Result<> Connector::remove(const Place& place) {
    FAIRLEAD_CHECK(stop_trial(place));
    auto folder = place.drop_in(layout_, place.connector());
    std::error_code ignored;
    if (!is_link(place.connector_token()) && !fs::exists(folder, ignored)) return {};
    FAIRLEAD_CHECK(units_.stop(place.connector()));
    FAIRLEAD_CHECK(units_.disable(place.connector()));
    FAIRLEAD_CHECK(host::remove_tree(folder));
    FAIRLEAD_CHECK(host::remove_tree(place.connector_token()));
    return units_.reload();
}

} // namespace fairlead::deploy

#include "agent/deploy/parts.hpp"

#include "agent/host/files.hpp"
#include "agent/host/network.hpp"
#include "agent/odoo/odoo.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <thread>

namespace fairlead::deploy {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto health_limit = 120s; // for the first answer
constexpr auto stay_up = 10s;       // and then it must stay
constexpr auto between = 200ms;

bool there(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

Result<> move(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error)
        return fail(
            Errc::internal,
            fmt::format("Cannot move {} to {}: {}.", from.string(), to.string(), error.message())
        );
    return sync_folder(to.parent_path());
}

} // namespace

Result<> Hands::note_before(journal::Work& work, const std::string& environment_id) {
    FAIRLEAD_TRY(record, load_environment(place_));
    if (record && record->id != environment_id)
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "The name {} belongs to another environment of this server ({}).",
                            place_.slug, record->id
                        )
        )
                        .with_code("slug_taken"));
    if (record) {
        work.remember(fact::previous, std::to_string(record->live));
        FAIRLEAD_TRY(state, systemd_.state(place_.service()));
        work.remember(fact::was_enabled, state.enabled());
    }
    // Last: after a crash this fact says that the others are there to be relied on.
    work.remember(fact::first, !record);
    return {};
}

std::uint32_t Hands::previous(const journal::Work& work) const {
    auto text = work.recall(fact::previous).value_or("0");
    std::uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::vector<std::string> Hands::units() const {
    auto units = exposure_.units(place_);
    units.push_back(place_.service());
    return units;
}

Result<> Hands::hold() {
    return write_file(place_.held(), "An operation of Fairlead works on this environment.\n", 0600);
}

Result<> Hands::release_hold() {
    if (!there(place_.held())) return {};
    std::error_code error;
    fs::remove(place_.held(), error);
    if (error)
        return fail(
            Errc::internal,
            fmt::format("Cannot remove {}: {}.", place_.held().string(), error.message())
        );
    return sync_folder(place_.root);
}

Result<> Hands::stop_all(journal::Work& work, std::chrono::seconds mercy) {
    if (!down_since) down_since = Steady::now();
    work.info("Stopping Odoo.");
    return systemd_.stop(units(), mercy);
}

Result<> Hands::start_all() {
    for (const auto& unit : units()) systemd_.reset_failed(unit);
    return systemd_.start(units());
}

Result<> Hands::enable_all() {
    // Enabling makes systemd read all units again: not where it is enabled already.
    FAIRLEAD_TRY(states, systemd_.states(units()));
    bool enabled = true;
    for (const auto& state : states) enabled = enabled && state.enabled();
    if (enabled) return {};
    return systemd_.enable(units());
}

Result<> Hands::forget_units(journal::Work& work) {
    FAIRLEAD_CHECK(beside_.stop());
    if (there(place_.current() / site_file))
        if (auto gone = sites_.serve(place_, 0); !gone)
            work.warn(fmt::format(
                "Caddy goes on answering for its domains until the next deployment with domains on "
                "this server. {}",
                gone.error().message()
            ));
    FAIRLEAD_CHECK(connector_.remove(place_));
    FAIRLEAD_CHECK(systemd_.disable(units()));
    FAIRLEAD_CHECK(exposure_.detach(layout(), place_));
    FAIRLEAD_CHECK(host::remove_tree(place_.drop_in(layout(), place_.service())));
    for (const auto& unit : units()) systemd_.reset_failed(unit);
    return {};
}

Result<> Hands::take_snapshot(journal::Work& work) {
    // A scratch copy that is there belongs to an operation that is over: it is not ours to trust.
    FAIRLEAD_CHECK(postgresql_.drop_database(place_.scratch_database()));
    FAIRLEAD_CHECK(host::remove_tree(place_.scratch_snapshot()));
    // While Odoo still serves.
    FAIRLEAD_CHECK(postgresql_.checkpoint());
    FAIRLEAD_CHECK(hold());
    FAIRLEAD_CHECK(stop_all(work));
    work.progress(10, "copying the database");
    auto begun = Steady::now();
    FAIRLEAD_TRY(
        bytes,
        postgresql_.copy_database(place_.database(), place_.scratch_database(), place_.account)
    );
    work.info(fmt::format(
        "Copied the database ({} MiB) in {:.1f} s.", bytes >> 20,
        std::chrono::duration<double>(Steady::now() - begun).count()
    ));
    work.progress(70, "copying the filestore");
    FAIRLEAD_CHECK(host::make_folder(place_.snapshots(), 0700, 0, 0));
    FAIRLEAD_CHECK(host::link_tree(place_.filestore(), place_.scratch_snapshot()));
    FAIRLEAD_CHECK(host::sync_tree(place_.snapshots()));
    work.remember(fact::snapshot, true);
    return {};
}

Result<> Hands::undo_snapshot(journal::Work& work) {
    FAIRLEAD_CHECK(postgresql_.end_strays());
    bool whole = work.recall_yes(fact::snapshot);
    // Nothing was changed before it was whole and `replacing` was written.
    if (!whole || !work.recall_yes(fact::replacing)) {
        FAIRLEAD_CHECK(postgresql_.drop_database(place_.scratch_database()));
        return host::remove_tree(place_.scratch_snapshot());
    }
    FAIRLEAD_CHECK(stop_all(work));
    FAIRLEAD_TRY(copied, postgresql_.database_exists(place_.scratch_database()));
    // The copy is gone when an earlier try came this far.
    if (copied) {
        work.info("Putting the database back as it was.");
        FAIRLEAD_CHECK(postgresql_.drop_database(place_.database()));
        FAIRLEAD_CHECK(postgresql_.rename_database(place_.scratch_database(), place_.database()));
    } else if (work.recall_yes(fact::had_no_database)) {
        FAIRLEAD_CHECK(postgresql_.drop_database(place_.database()));
    }
    auto discarded = place_.snapshots() / "discarded";
    if (there(place_.scratch_snapshot())) {
        work.info("Putting the filestore back as it was.");
        FAIRLEAD_CHECK(host::remove_tree(discarded));
        if (there(place_.filestore())) FAIRLEAD_CHECK(move(place_.filestore(), discarded));
        FAIRLEAD_CHECK(move(place_.scratch_snapshot(), place_.filestore()));
    }
    return host::remove_tree(discarded);
}

Result<>
Hands::replace_data(journal::Work& work, const std::string& database, const fs::path& filestore) {
    FAIRLEAD_CHECK(drop_replaced());
    FAIRLEAD_CHECK(hold());
    FAIRLEAD_CHECK(stop_all(work));
    FAIRLEAD_CHECK(host::make_folder(place_.snapshots(), 0700, 0, 0));
    // Under another database Odoo throws files away that the live one needs.
    if (filestore.empty() && there(place_.filestore()))
        FAIRLEAD_CHECK(host::link_tree(place_.filestore(), place_.scratch_snapshot()));
    FAIRLEAD_TRY(live, postgresql_.database_exists(place_.database()));
    work.remember(fact::had_no_database, !database.empty() && !live);
    work.remember(fact::replaced_database, !database.empty());
    // The live data are the snapshot from the first rename on.
    work.remember(fact::snapshot, true);
    work.remember(fact::replacing, true);
    if (!database.empty()) {
        if (live)
            FAIRLEAD_CHECK(postgresql_.rename_database(place_.database(), place_.scratch_database())
            );
        FAIRLEAD_CHECK(postgresql_.rename_database(database, place_.database()));
    }
    if (filestore.empty()) return {};
    if (there(place_.filestore()))
        FAIRLEAD_CHECK(move(place_.filestore(), place_.scratch_snapshot()));
    return move(filestore, place_.filestore());
}

Result<> Hands::drop_replaced() {
    FAIRLEAD_CHECK(postgresql_.drop_database(place_.scratch_database()));
    return host::remove_tree(place_.scratch_snapshot());
}

Result<> Hands::keep_snapshot(std::uint32_t number) {
    FAIRLEAD_CHECK(postgresql_.end_strays());
    FAIRLEAD_TRY(copied, postgresql_.database_exists(place_.scratch_database()));
    if (copied) {
        FAIRLEAD_CHECK(postgresql_.drop_database(place_.snapshot_database(number)));
        FAIRLEAD_CHECK(
            postgresql_.rename_database(place_.scratch_database(), place_.snapshot_database(number))
        );
    }
    if (!there(place_.scratch_snapshot())) return {};
    FAIRLEAD_CHECK(host::remove_tree(place_.snapshot(number)));
    return move(place_.scratch_snapshot(), place_.snapshot(number));
}

Result<> Hands::drop_snapshot(std::uint32_t number) {
    FAIRLEAD_CHECK(host::remove_tree(place_.snapshot(number)));
    return postgresql_.drop_database(place_.snapshot_database(number));
}

Error Hands::health_error(journal::Work& work, const std::string& unit, std::string why) {
    work.log(proto::LogLevel::error, "The last lines of Odoo's log:");
    for (const auto& line : systemd_.last_lines(unit, 40)) work.log(odoo::level_of(line), line);
    return Error(Errc::unavailable, std::move(why)).with_code("health_failed");
}

Result<bool> Hands::answers(std::uint16_t port, std::string& why) {
    for (const auto* path : {"/web/health", "/web/login"}) {
        auto answer = host::http_get(port, path, 10s);
        if (!answer) {
            why = answer.error().message();
            return false;
        }
        if (answer->status == 200) return true;
        why = fmt::format("GET {} answered {}", path, answer->status);
        // Versions without the first path have the second.
        if (answer->status != 404) return false;
    }
    return false;
}

Result<> Hands::wait_until_healthy(journal::Work& work, bool may_cancel) {
    // Through the link: what is current is what must answer.
    FAIRLEAD_TRY(port, exposure_.port(place_));
    auto limit = Steady::now() + health_limit;
    std::optional<Steady::time_point> healthy_since;
    FAIRLEAD_TRY(begun, systemd_.state(place_.service()));
    std::string why = "it did not answer";
    for (;;) {
        if (may_cancel && work.stopping())
            return fail(Error(Errc::conflict, "The operation was cancelled.").with_code("cancelled")
            );
        FAIRLEAD_TRY(state, systemd_.state(place_.service()));
        if (state.active == "failed" || state.restarts > begun.restarts ||
            state.sub == "auto-restart")
            return fail(health_error(
                work, place_.service(),
                fmt::format("Odoo ended by itself (exit status {}).", state.exit_status)
            ));
        if (!healthy_since) {
            FAIRLEAD_TRY(well, answers(port, why));
            if (well) {
                healthy_since = Steady::now();
                if (down_since)
                    work.result.downtime_ms = static_cast<std::uint64_t>(
                        std::chrono::duration_cast<std::chrono::milliseconds>(
                            *healthy_since - *down_since
                        )
                            .count()
                    );
                begun = state;
                work.info("Odoo answers; watching whether it stays up.");
                work.progress(50, "Odoo answers");
            } else if (Steady::now() > limit) {
                return fail(health_error(
                    work, place_.service(),
                    fmt::format("Odoo was not healthy within {} s: {}.", health_limit.count(), why)
                ));
            }
        } else if (state.main_pid != begun.main_pid || !state.running()) {
            return fail(health_error(
                work, place_.service(), "Odoo ended by itself soon after it had started."
            ));
        } else if (Steady::now() - *healthy_since >= stay_up) {
            FAIRLEAD_TRY(still, answers(port, why));
            if (!still)
                return fail(health_error(
                    work, place_.service(),
                    fmt::format("Odoo answered once and then no more: {}.", why)
                ));
            return {};
        }
        std::this_thread::sleep_for(between);
    }
}

Result<> Hands::settle(journal::Work& work) {
    pins_.release();
    FAIRLEAD_CHECK(beside_.stop());
    FAIRLEAD_CHECK(release_hold());
    auto first = work.recall(fact::first);
    if (!first) return {}; // it never came so far as to look
    if (*first == "no" && work.recall_yes(fact::was_enabled)) {
        FAIRLEAD_TRY(states, systemd_.states(units()));
        if (!std::ranges::all_of(states, &host::UnitState::running)) {
            work.info("Starting the previous release again.");
            // A crash while stopping leaves the service without its socket, which systemd does not
            // open under a running service.
            FAIRLEAD_CHECK(stop_all(work));
            FAIRLEAD_CHECK(enable_all());
            FAIRLEAD_CHECK(start_all());
            // Told, but no reason to call the undoing a failure: what was there before is there
            // again.
            if (auto healthy = wait_until_healthy(work, false); !healthy)
                work.warn(fmt::format("The previous release: {}", healthy.error().message()));
        }
    } else if (*first == "no") {
        FAIRLEAD_CHECK(systemd_.stop(units()));
        FAIRLEAD_CHECK(systemd_.disable(units()));
    }
    FAIRLEAD_CHECK(site_.collect_garbage());
    return {};
}

} // namespace fairlead::deploy

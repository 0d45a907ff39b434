#include "agent/backup/calendar.hpp"

#include "agent/backup/identity.hpp"
#include "agent/backup/settings.hpp"
#include "agent/host/files.hpp"
#include "common/runtime/cron.hpp"
#include "common/runtime/file.hpp"

#include <fmt/core.h>

namespace fairlead::backup {
namespace {

struct Kind {
    std::string_view word;  ///< "backup": names the units, and what the agent is told
    std::string_view title; ///< "Backup"
};
constexpr Kind kinds[] = {{"backup", "Backup"}, {"drill", "Restore drill"}};

std::string timer(const Kind& kind, const deploy::Place& place) {
    return fmt::format("fairlead-{}@{}.timer", kind.word, place.slug);
}

std::string timer_template(const Kind& kind) {
    return fmt::format(
        "# Written by fairlead-agent. The times are in each environment's own drop-in.\n"
        "[Unit]\nDescription={} of the Fairlead environment %i is due\n\n"
        "[Timer]\nAccuracySec=1s\n"
        "# What was due while the server was off is done when it is on again.\n"
        "Persistent=yes\n\n"
        "[Install]\nWantedBy=timers.target\n",
        kind.title
    );
}

std::string service_template(const Kind& kind) {
    return fmt::format(
        "# Written by fairlead-agent.\n"
        "[Unit]\nDescription={} of the Fairlead environment %i\n\n"
        "[Service]\nType=oneshot\nExecStart=/usr/bin/fairlead-agent due {} %i\n",
        kind.title, kind.word
    );
}

/// True: systemd must read its units again.
Result<bool> write_if_new(const std::filesystem::path& file, const std::string& text) {
    auto there = read_file(file, 65536);
    if (there && *there == text) return false;
    FAIRLEAD_CHECK(write_file(file, text, 0644));
    return true;
}

std::string schedule_of(const Kind& kind, const proto::BackupSettings& settings) {
    return kind.word == "backup" ? settings.schedule : settings.drill_schedule;
}

Result<std::string> drop_in(const std::string& schedule, const std::string& zone_name) {
    FAIRLEAD_TRY(zone, TimeZone::load(zone_name));
    FAIRLEAD_TRY(cron, Cron::parse(schedule));
    std::string text = fmt::format("# {} in {}\n[Timer]\n", schedule, zone_name);
    for (const auto& when : to_calendar(cron, zone)) text += "OnCalendar=" + when + "\n";
    return text;
}

std::int64_t next_of(const std::string& schedule, const std::string& zone_name, Timestamp now) {
    if (schedule.empty()) return 0;
    auto zone = TimeZone::load(zone_name);
    auto cron = Cron::parse(schedule);
    if (!zone || !cron) return 0;
    auto next = next_after(*cron, *zone, now);
    return next ? to_ms(*next) : 0;
}

} // namespace

Result<> check_calendar(const proto::BackupSettings& settings) {
    FAIRLEAD_CHECK(TimeZone::load(settings.time_zone));
    for (const auto& kind : kinds) {
        auto schedule = schedule_of(kind, settings);
        if (!schedule.empty()) FAIRLEAD_CHECK(Cron::parse(schedule));
    }
    return {};
}

Result<> arrange(
    const deploy::Layout& layout, const deploy::Place& place,
    const std::optional<proto::BackupSettings>& settings
) {
    host::Systemd systemd;
    bool changed = false;
    std::vector<std::string> wanted, unwanted;
    for (const auto& kind : kinds) {
        auto unit = timer(kind, place);
        auto schedule = settings ? schedule_of(kind, *settings) : std::string();
        (schedule.empty() ? unwanted : wanted).push_back(unit);
        if (schedule.empty()) continue;
        for (const auto& [name, text] :
             {std::pair(fmt::format("fairlead-{}@.timer", kind.word), timer_template(kind)),
              std::pair(fmt::format("fairlead-{}@.service", kind.word), service_template(kind))}) {
            FAIRLEAD_TRY(written, write_if_new(layout.units / name, text));
            changed = changed || written;
        }
        FAIRLEAD_TRY(text, drop_in(schedule, settings->time_zone));
        auto folder = place.drop_in(layout, unit);
        FAIRLEAD_CHECK(host::make_folder(folder, 0755, 0, 0));
        FAIRLEAD_TRY(written, write_if_new(folder / "50-schedule.conf", text));
        changed = changed || written;
    }
    FAIRLEAD_CHECK(systemd.disable(unwanted));
    FAIRLEAD_CHECK(systemd.stop(unwanted));
    for (const auto& unit : unwanted) {
        std::error_code ignored;
        auto folder = place.drop_in(layout, unit);
        changed = changed || std::filesystem::exists(folder, ignored);
        FAIRLEAD_CHECK(host::remove_tree(folder));
    }
    if (changed) FAIRLEAD_CHECK(systemd.reload());
    if (wanted.empty()) return {};
    FAIRLEAD_CHECK(systemd.enable(wanted));
    // A timer that runs takes new times at a restart only.
    for (const auto& unit : wanted) FAIRLEAD_CHECK(systemd.restart(unit));
    return {};
}

proto::BackupState state_of(const deploy::Place& place, Timestamp now) {
    proto::BackupState state;
    BackupPlace backups(place);
    if (auto identity = load_identity(backups); identity && *identity)
        state.recipient = (*identity)->recipient().str();
    auto saved = load_settings(backups);
    if (!saved || !*saved) return state;
    const auto& settings = (*saved)->settings;
    state.storage_id = settings.storage.id;
    state.next_backup_ms = next_of(settings.schedule, settings.time_zone, now);
    state.next_drill_ms = next_of(settings.drill_schedule, settings.time_zone, now);
    return state;
}

} // namespace fairlead::backup

#include "agent/logs/command.hpp"

#include "common/runtime/file.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

namespace fairlead::logs {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_clusters = 16;
constexpr std::int64_t second = 1'000'000;

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    });
}

std::vector<std::string> folders_of(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end;
         at.increment(failed)) {
        auto name = at->path().filename().string();
        if (is_name(name) && at->is_directory(failed)) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
}

/// Debian and Ubuntu have a unit for each cluster.
std::vector<std::string> postgresql_units(const fs::path& folder) {
    std::vector<std::string> units{"postgresql.service"};
    for (const auto& version : folders_of(folder))
        for (const auto& cluster : folders_of(folder / version))
            if (units.size() <= most_clusters)
                units.push_back(fmt::format("postgresql@{}-{}.service", version, cluster));
    return units;
}

/// What the units say, or what systemd says of them. Fields of one name are alternatives, other
/// ones come together, and a plus stands between whole alternatives.
void add_units(std::vector<std::string>& words, const std::vector<std::string>& units) {
    for (const auto& unit : units) words.push_back("_SYSTEMD_UNIT=" + unit);
    words.push_back("+");
    words.push_back("_PID=1");
    for (const auto& unit : units) words.push_back("UNIT=" + unit);
}

/// Its processes come and go under names that nobody can list; a slice keeps those of a kind.
void add_agent(std::vector<std::string>& words) {
    words.push_back("SYSLOG_IDENTIFIER=fairlead-agent");
    for (const auto* slice :
         {"terminal", "recordings", "logs", "mailbox", "metrics", "backup", "drill"})
        words.push_back(fmt::format("_SYSTEMD_SLICE=system-fairlead\\x2d{}.slice", slice));
    words.push_back("+");
    add_units(
        words, {"fairlead-link.service", "fairlead-executor.service", "fairlead-executor.socket",
                "fairlead-terminal.socket", "fairlead-logs.socket", "fairlead-recordings.socket",
                "fairlead-mailbox.socket", "fairlead-metrics.socket", "fairlead-mail.socket",
                "fairlead-mail.service", "fairlead-update.service", "fairlead-caddy.service"}
    );
}

std::vector<std::string>
matches_of(const proto::LogPurpose& purpose, const std::string& slug, const fs::path& postgresql) {
    std::vector<std::string> words;
    if (purpose.source == "odoo")
        add_units(
            words,
            {"fairlead-odoo@" + slug + ".service", "fairlead-odoo-beside@" + slug + ".service",
             "fairlead-odoo@" + slug + ".socket", "fairlead-cloudflared@" + slug + ".service"}
        );
    else if (purpose.source == "postgresql")
        add_units(words, postgresql_units(postgresql));
    else
        add_agent(words);
    return words;
}

/// Empty where the machine has no id.
std::string machine_match(const fs::path& file) {
    auto id = read_file(file, 64).value_or("").substr(0, 32);
    return id.find_first_not_of("0123456789abcdef") == std::string::npos && id.size() == 32
               ? "_MACHINE_ID=" + id
               : std::string();
}

} // namespace

Result<std::vector<std::string>> command_of(
    const proto::LogPurpose& purpose, const std::string& slug, std::int64_t now_us,
    const CommandOptions& options
) {
    std::vector<std::string> words{
        options.journalctl,
        "--system",
        "--no-pager",
        "--output=json",
        "--all",
        "--output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID,_SYSTEMD_UNIT,UNIT"};
    bool follows = purpose.order == "follow", back = purpose.order == "back";
    if (back) words.push_back("--reverse");
    if (follows) {
        words.push_back("--follow");
        words.push_back("--no-tail");
    }
    // journalctl takes either a cursor or times. Reading keeps to the times to the microsecond.
    if (!purpose.cursor.empty()) {
        words.push_back("--cursor=" + purpose.cursor);
    } else {
        auto since = follows && purpose.since_us == 0 ? now_us : purpose.since_us;
        if (since > 0) words.push_back(fmt::format("--since=@{}", since / second));
        if (purpose.until_us > 0)
            words.push_back(fmt::format("--until=@{}", purpose.until_us / second + 1));
    }
    if (purpose.level < proto::lowest_log_level)
        words.push_back(fmt::format("--priority={}", purpose.level));
    if (!purpose.search.empty()) {
        FAIRLEAD_TRY(expression, proto::search_expression(purpose.search, purpose.pattern != 0));
        words.push_back("--grep=" + expression);
        words.push_back("--case-sensitive=no");
    }
    // Following alone keeps to the boot that /proc names: in a container that may be another one,
    // and whoever goes on behind a cursor wants the time before a restart, too.
    auto own = follows ? machine_match(options.machine_id) : std::string();
    if (!own.empty()) {
        words.push_back("--merge");
        words.push_back(own);
    }
    for (auto& match : matches_of(purpose, slug, options.postgresql)) {
        bool another = match == "+";
        words.push_back(std::move(match));
        if (another && !own.empty()) words.push_back(own);
    }
    return words;
}

} // namespace fairlead::logs

#include "agent/metrics/databases.hpp"

#include "proto/measures.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace fairlead::metrics {
namespace {

using proto::MeasuredValues;

/// The numbers before the last column, which may hold anything, and that column.
struct Line {
    std::vector<std::int64_t> numbers;
    std::string_view name;
};

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value < 0) return {};
    return value;
}

std::optional<Line> read_line(std::string_view row, std::size_t count) {
    Line line;
    while (line.numbers.size() < count) {
        auto end = row.find('|');
        if (end == std::string_view::npos) return {};
        auto number = number_of(row.substr(0, end));
        if (!number) return {};
        line.numbers.push_back(*number);
        row.remove_prefix(end + 1);
    }
    line.name = row;
    return line;
}

} // namespace

// Each row begins with a letter that says which query it is of, and ends with a database's name.
std::string catalog_queries() {
    return fmt::format(
        "SELECT 'a', count(*), count(*) FILTER (WHERE state = 'active'),"
        " count(*) FILTER (WHERE state = 'active' AND now() - query_start > interval '{} s'),"
        " count(*) FILTER (WHERE wait_event_type = 'Lock'),"
        " count(*) FILTER (WHERE state LIKE 'idle in transaction%'"
        " AND now() - state_change > interval '{} s'),"
        " coalesce(greatest(0, max(extract(epoch FROM now() - query_start) * 1000)"
        " FILTER (WHERE state = 'active')), 0)::bigint, coalesce(datname, '')"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND pid <> pg_backend_pid() GROUP BY datname LIMIT 1000;\n"
        "SELECT 't', coalesce(sum(xact_commit + xact_rollback), 0)::bigint,"
        " coalesce(sum(deadlocks), 0)::bigint, current_setting('max_connections')::bigint, ''"
        " FROM pg_stat_database;\n",
        proto::slow_statement.count(), proto::idle_transaction.count()
    );
}

std::string sizes_query() {
    return "SELECT 's', pg_database_size(oid), datname FROM pg_database"
           " WHERE datallowconn LIMIT 1000;\n";
}

void take_catalogs(
    const std::vector<std::string>& rows, MeasuredValues& server, const ByDatabase& databases
) {
    bool answered = false;
    std::int64_t bytes = 0;
    bool sized = false;
    for (std::string_view row : rows) {
        auto kind = row.substr(0, 2);
        row.remove_prefix(kind.size());
        if (kind == "a|") {
            auto line = read_line(row, 6);
            if (!line) continue;
            auto add = [&](const char* name, std::size_t at) { server[name] += line->numbers[at]; };
            add("pg_connections", 0);
            add("pg_active", 1);
            add("pg_slow", 2);
            add("pg_waiting", 3);
            add("pg_idle_in_transaction", 4);
            auto& longest = server["pg_longest_ms"];
            longest = std::max(longest, line->numbers[5]);
            auto one = databases.find(line->name);
            if (one == databases.end()) continue;
            auto& values = *one->second;
            values["connections"] = line->numbers[0];
            values["slow"] = line->numbers[2];
            values["waiting"] = line->numbers[3];
        } else if (kind == "t|") {
            auto line = read_line(row, 3);
            if (!line) continue;
            answered = true;
            server["pg_transactions"] = line->numbers[0];
            server["pg_deadlocks"] = line->numbers[1];
            server["pg_most_connections"] = line->numbers[2];
        } else if (kind == "s|") {
            auto line = read_line(row, 1);
            if (!line) continue;
            sized = true;
            bytes += line->numbers[0];
            if (auto one = databases.find(line->name); one != databases.end())
                (*one->second)["database_bytes"] = line->numbers[0];
        }
    }
    if (sized) server["pg_bytes"] = bytes;
    if (!answered) return;
    // Who is connected to nothing has no row, and is a zero all the same.
    for (const char* name :
         {"pg_connections", "pg_active", "pg_slow", "pg_waiting", "pg_idle_in_transaction",
          "pg_longest_ms"})
        server.try_emplace(name, 0);
    for (const auto& [name, values] : databases)
        for (const char* one : {"connections", "slow", "waiting"}) values->try_emplace(one, 0);
}

// The environment owns the table, so it may be anything: it runs as its own role, for 3 s at most.
std::string late_actions_query() {
    return fmt::format(
        "SET statement_timeout = '3s'; SELECT count(*),"
        " coalesce(max(extract(epoch FROM (now() AT TIME ZONE 'UTC') - nextcall)), 0)::bigint, ''"
        " FROM ir_cron WHERE active"
        " AND nextcall < (now() AT TIME ZONE 'UTC') - interval '{} min'",
        proto::late_action.count()
    );
}

void take_late_actions(const std::vector<std::string>& rows, MeasuredValues& environment) {
    if (rows.size() != 1) return;
    auto line = read_line(rows.front(), 2);
    if (!line) return;
    environment["cron_late"] = line->numbers[0];
    environment["cron_late_s"] = line->numbers[1];
}

} // namespace fairlead::metrics

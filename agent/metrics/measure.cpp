#include "agent/metrics/measure.hpp"

#include "agent/host/postgresql.hpp"
#include "agent/metrics/databases.hpp"
#include "agent/metrics/processes.hpp"
#include "agent/odoo/request_counts.hpp"
#include "common/runtime/log.hpp"
#include "proto/measures.hpp"

#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::metrics {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto longest = 10s;
constexpr auto of_catalogs = 5s;
constexpr auto of_environment = 4s; // its own limit in PostgreSQL is shorter, and its owner's

/// The Unix user of an environment, whose name its role and its database have too: the owner of
/// its data, in a folder of root's.
std::string account_of(const std::filesystem::path& environment) {
    struct stat data {};
    if (::lstat((environment / "data").c_str(), &data) != 0 || !S_ISDIR(data.st_mode)) return {};
    const auto* who = ::getpwuid(data.st_uid);
    std::string name = who ? static_cast<const char*>(who->pw_name) : "";
    return name.starts_with("fl-") ? name : std::string();
}

std::int64_t bounded(std::uint64_t value) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(value, std::uint64_t(1) << 60));
}

using BySlug = std::map<std::string, proto::MeasuredValues>;

/// Of PostgreSQL, and of environments' databases.
void ask_postgresql(
    const Places& places, bool deep, proto::MeasuredValues& server, BySlug& environments
) {
    auto end = Steady::now() + longest;
    ByDatabase databases;
    for (auto& [slug, values] : environments)
        if (auto account = account_of(places.environments / slug); !account.empty())
            databases[account] = &values;
    host::Postgresql postgresql("fairlead-metrics");
    auto rows = postgresql.catalog_rows(catalog_queries(), of_catalogs);
    if (!rows)
        return log::warning("PostgreSQL was not measured", {{"reason", rows.error().message()}});
    if (deep) {
        auto sizes = postgresql.catalog_rows(sizes_query(), of_catalogs);
        if (sizes) rows->insert(rows->end(), sizes->begin(), sizes->end());
    }
    take_catalogs(*rows, server, databases);
    if (!deep) return;
    // Begun at another one each time: some may take all of the time.
    std::vector<std::pair<std::string, proto::MeasuredValues*>> turns(
        databases.begin(), databases.end()
    );
    auto minute = std::chrono::duration_cast<std::chrono::minutes>(end.time_since_epoch()).count();
    if (!turns.empty()) std::ranges::rotate(turns, turns.begin() + minute % std::ssize(turns));
    for (auto& [account, values] : turns) {
        if (Steady::now() > end) break;
        auto late = postgresql.rows(account, account, late_actions_query(), of_environment);
        // One that is being restored or migrated has no such table for a while.
        if (late) take_late_actions(*late, *values);
    }
}

} // namespace

proto::Measures measure(const Places& places, bool deep) {
    proto::Measures all;
    BySlug environments;
    for (const auto& [slug, values] : running_environments()) {
        if (environments.size() == proto::most_measured_environments) break;
        environments[slug];
    }
    if (host::Postgresql::installed()) ask_postgresql(places, deep, all.server, environments);
    // Last: counters are of the moment when they are told, however long PostgreSQL took.
    auto running = running_environments();
    for (auto& [slug, values] : environments) {
        auto found = running.find(slug);
        if (found == running.end()) continue; // it has ended meanwhile
        values.merge(found->second);
        auto counts = odoo::read_request_counts(places.counts / slug / odoo::request_counts_file);
        if (counts) {
            values["requests"] = bounded(counts->requests);
            values["failures"] = bounded(counts->failures);
            values["request_ms"] = bounded(counts->ms);
        }
        all.environments.push_back({slug, std::move(values)});
    }
    return all;
}

} // namespace fairlead::metrics

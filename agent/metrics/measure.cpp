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

namespace fairlead::metrics {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto longest = 10s;

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

} // namespace

proto::Measures measure(const Places& places, bool deep) {
    auto end = Steady::now() + longest;
    proto::Measures all;
    for (auto& [slug, values] : running_environments()) {
        if (all.environments.size() == proto::most_measured_environments) break;
        all.environments.push_back({slug, std::move(values)});
    }
    ByDatabase databases;
    for (auto& one : all.environments) {
        auto counts =
            odoo::read_request_counts(places.counts / one.slug / odoo::request_counts_file);
        if (counts) {
            one.values["requests"] = bounded(counts->requests);
            one.values["failures"] = bounded(counts->failures);
            one.values["request_ms"] = bounded(counts->ms);
        }
        auto account = account_of(places.environments / one.slug);
        if (!account.empty()) databases[account] = &one.values;
    }
    if (!host::Postgresql::installed()) return all;
    host::Postgresql postgresql("fairlead-metrics");
    auto rows = postgresql.catalog_rows(catalog_queries(deep), 5s);
    if (!rows) {
        log::warning("PostgreSQL was not measured", {{"reason", rows.error().message()}});
        return all;
    }
    take_catalogs(*rows, all.server, databases);
    for (auto& [account, values] : databases) {
        if (!deep || Steady::now() > end) break;
        auto late = postgresql.rows(account, account, late_actions_query());
        // One that is being restored or migrated has no such table for a while.
        if (late) take_late_actions(*late, *values);
    }
    return all;
}

} // namespace fairlead::metrics

#include "controller/metrics/recorder.hpp"

#include "common/runtime/try_each.hpp"
#include "controller/metrics/sample_repo.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace fairlead::metrics {
namespace {

constexpr double most_bytes = 1152921504606846976.0; // 2^60

double bounded(double value, double most) {
    return value >= 0 && value <= most ? value : unknown();
}

std::size_t server_place(std::string_view name) {
    auto found = std::ranges::find(proto::server_measures, name, &proto::Measure::name);
    return static_cast<std::size_t>(found - proto::server_measures.begin());
}

std::size_t environment_place(std::string_view name) {
    auto found = std::ranges::find(proto::environment_measures, name, &proto::Measure::name);
    return static_cast<std::size_t>(found - proto::environment_measures.begin());
}

double gauge(const Told& measures, std::size_t place) {
    if (place >= measures.size() || measures[place] < 0) return unknown();
    return static_cast<double>(measures[place]);
}

/// Fills the values of `all` by name.
class Filling {
public:
    explicit Filling(std::span<const Series> all) : all_(all), values_(all.size(), unknown()) {}
    void set(std::string_view name, double value) { values_[place_of(all_, name)] = value; }
    Values take() { return std::move(values_); }

private:
    std::span<const Series> all_;
    Values values_;
};

} // namespace

Values server_values(const proto::Facts& facts, const Newest* before, const Newest& now) {
    Filling fill(server_series);
    fill.set("cpu_percent", bounded(facts.cpu.used_percent, 100));
    fill.set("memory_used_bytes", bounded(double(facts.memory.used_bytes), most_bytes));
    fill.set("disk_free_bytes", bounded(double(facts.disk.free_bytes), most_bytes));
    if (!facts.load.empty()) fill.set("load1", bounded(facts.load[0], 1e6));
    auto now_is = [&](const char* name) { return gauge(now.measures, server_place(name)); };
    auto grew = [&](const char* name) {
        return rate(before, now.measures, now.at, server_place(name));
    };
    for (const char* name :
         {"swap_used_bytes", "pg_connections", "pg_active", "pg_slow", "pg_waiting",
          "pg_idle_in_transaction", "pg_bytes"})
        fill.set(name, now_is(name));
    fill.set("pg_longest_s", now_is("pg_longest_ms") / 1000);
    fill.set("network_in_bytes_per_s", grew("network_in_bytes"));
    fill.set("network_out_bytes_per_s", grew("network_out_bytes"));
    fill.set("pg_transactions_per_s", grew("pg_transactions"));
    return fill.take();
}

Values environment_values(std::string_view state, const Newest* before, const Newest& now) {
    Filling fill(environment_series);
    if (!state.empty()) fill.set("up", state == "running" ? 1 : 0);
    auto now_is = [&](const char* name) { return gauge(now.measures, environment_place(name)); };
    auto grew = [&](const char* name) {
        return rate(before, now.measures, now.at, environment_place(name));
    };
    for (const char* name :
         {"memory_bytes", "processes", "connections", "slow", "waiting", "database_bytes",
          "cron_late", "cron_late_s"})
        fill.set(name, now_is(name));
    fill.set("cpu_percent", grew("cpu_ms") / 10); // milliseconds of each second, as percent
    auto requests = grew("requests"), busy = grew("request_ms");
    fill.set("requests_per_s", requests);
    fill.set("failures_per_s", grew("failures"));
    fill.set("requests_under_way", busy / 1000);
    if (requests > 0) fill.set("request_ms", busy / requests);
    return fill.take();
}

Result<> Recorder::keep(
    store::UnitOfWork& unit, const api::OrgScope& scope, std::string subject, Newest newest
) {
    FAIRLEAD_CHECK(SampleRepo(unit.db(), scope).append(subject, newest.at, newest.values));
    unit.after_commit([this, subject = std::move(subject), newest = std::move(newest)]() mutable {
        ++samples_;
        newest_.put(subject, std::move(newest));
    });
    return {};
}

Result<> Recorder::measured(
    store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server, Timestamp at,
    const proto::Facts& facts
) {
    static const proto::Measures none{};
    const auto& measures = facts.measures ? *facts.measures : none;
    auto lately = [&](const std::string& subject) {
        auto found = newest_.find(subject);
        if (found && at - found->at > newest_.longest_gap()) found.reset();
        return found;
    };
    auto before = lately(server.str());
    Newest now;
    now.at = at;
    now.measures = told(measures.server, proto::server_measures);
    now.memory_bytes = facts.memory.total_bytes;
    now.disk_bytes = facts.disk.total_bytes;
    now.values = server_values(facts, before ? &*before : nullptr, now);
    FAIRLEAD_CHECK(keep(unit, scope, server.str(), std::move(now)));

    // Those that have a row here and were told of: by their names on the server.
    using Known = std::tuple<EnvironmentId, std::string, std::string>;
    FAIRLEAD_TRY(
        rows, unit.db().all<Known>(
                  "SELECT id, slug, live_state FROM environment WHERE +org_id = $1 AND server_id = "
                  "$2 LIMIT $3",
                  scope.org(), server, std::int64_t(proto::most_measured_environments)
              )
    );
    if (rows.empty()) return {};
    std::map<std::string_view, const proto::MeasuredValues*> by_slug;
    for (const auto& one : measures.environments)
        if (by_slug.size() < proto::most_measured_environments)
            by_slug.emplace(one.slug, &one.values);
    std::map<std::string_view, std::string_view> states;
    for (const auto& one : facts.environments)
        if (states.size() < proto::most_measured_environments) states.emplace(one.slug, one.state);
    static const proto::MeasuredValues nothing{};
    for (const auto& [id, slug, live_state] : rows) {
        auto values = by_slug.find(slug);
        auto state = states.find(slug);
        // systemd forgets units that somebody stopped; the inventory does not.
        if (state == states.end() && live_state == "stopped")
            state = states.emplace(slug, live_state).first;
        if (values == by_slug.end() && state == states.end()) continue;
        auto earlier = lately(id.str());
        Newest one;
        one.at = at;
        one.measures =
            told(values == by_slug.end() ? nothing : *values->second, proto::environment_measures);
        one.values = environment_values(
            state == states.end() ? std::string_view() : state->second,
            earlier ? &*earlier : nullptr, one
        );
        FAIRLEAD_CHECK(keep(unit, scope, id.str(), std::move(one)));
    }
    return {};
}

Result<>
Recorder::gone(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server) {
    return SampleRepo(unit.db(), scope).forget(server.str());
}

Result<> Recorder::gone(
    store::UnitOfWork& unit, const api::OrgScope& scope, const EnvironmentId& environment
) {
    return SampleRepo(unit.db(), scope).forget(environment.str());
}

Result<> Recorder::tidy(Timestamp now) {
    newest_.forget_before(now - std::chrono::hours(1));
    FAIRLEAD_TRY(orgs, store_.read([&](store::Connection& db) {
        return orgs_with_old_samples(db, now);
    }));
    return try_each(orgs, [&](const OrgId& org) {
        auto scope = api::ScopeIssuer::scope(org);
        return store_.write([&](store::UnitOfWork& unit) {
            return SampleRepo(unit.db(), scope).prune(now);
        });
    });
}

} // namespace fairlead::metrics

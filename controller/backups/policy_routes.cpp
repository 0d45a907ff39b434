#include "common/json/json.hpp"
#include "controller/api/routes.hpp"
#include "controller/backups/checks.hpp"
#include "controller/backups/routes.hpp"
#include "controller/backups/view.hpp"
#include "proto/retention.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace fairlead::backups {
namespace {

using api::Call;
using api::Change;
using api::Response;
using environments::EnvironmentRepo;
using store::Connection;

/// Members that are left out are 0.
struct RetentionBody {
    std::optional<std::uint32_t> last, hourly, daily, weekly, monthly, yearly;
};
BOOST_DESCRIBE_STRUCT(RetentionBody, (), (last, hourly, daily, weekly, monthly, yearly))

struct PolicyBody {
    std::optional<std::string> storage_id;
    std::string schedule;
    std::string drill_schedule;
    std::string time_zone;
    RetentionBody retention;
};
BOOST_DESCRIBE_STRUCT(PolicyBody, (), (storage_id, schedule, drill_schedule, time_zone, retention))

struct PreviewBody {
    RetentionBody retention;
    std::optional<std::string> time_zone;
};
BOOST_DESCRIBE_STRUCT(PreviewBody, (), (retention, time_zone))

struct SettingsBody {
    std::vector<Recipient> recovery_recipients;
};
BOOST_DESCRIBE_STRUCT(SettingsBody, (), (recovery_recipients))

proto::Retention checked(api::Checks& checks, const RetentionBody& body) {
    proto::Retention retention{body.last.value_or(0),    body.hourly.value_or(0),
                               body.daily.value_or(0),   body.weekly.value_or(0),
                               body.monthly.value_or(0), body.yearly.value_or(0)};
    check_retention(checks, "retention", retention);
    return retention;
}

Result<Response> get_settings(const Call& call, Backups& backups) {
    return backups.parts().store.read([&](Connection& db) -> Result<Response> {
        PolicyRepo repo(db, call.scope());
        FAIRLEAD_TRY(recipients, repo.recipients());
        FAIRLEAD_TRY(mark, repo.settings_mark());
        return api::answer(to_json(recipients, mark));
    });
}

Result<Response> set_settings(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(body, call.body<SettingsBody>());
    api::Checks checks;
    check_recipients(checks, "recovery_recipients", body.recovery_recipients);
    FAIRLEAD_CHECK(checks.result());
    SettingsMark mark{call.now(), call.principal().user, call.principal().email};
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        PolicyRepo repo(change.db(), change.scope());
        FAIRLEAD_TRY(before, repo.recipients());
        FAIRLEAD_CHECK(repo.put_recipients(body.recovery_recipients, mark));
        api::Act act;
        act.action = "backup_settings.edit";
        act.target_type = "org";
        act.target_id = change.scope().org().str();
        act.before = boost::json::object{{"recovery_recipients", json::to_value(before)}};
        act.after =
            boost::json::object{{"recovery_recipients", json::to_value(body.recovery_recipients)}};
        change.record(std::move(act));
        auto words = [](const std::vector<Recipient>& list) {
            std::set<std::string> recipients;
            for (const auto& one : list) recipients.insert(one.recipient);
            return recipients;
        };
        if (words(before) != words(body.recovery_recipients))
            FAIRLEAD_CHECK(backups.tell_all(change.unit(), change.scope(), change.actor(), ""));
        return api::answer(to_json(body.recovery_recipients, mark));
    });
}

Result<Response> get_policy(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    return backups.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_TRY(environment, EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(policy, PolicyRepo(db, call.scope()).get(id));
        return api::answer(to_json(policy, environment));
    });
}

Result<Response> set_policy(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<PolicyBody>());
    // null says "no backups"; only the text tells it from an absent member.
    FAIRLEAD_TRY(document, json::parse(call.request().body));
    api::Checks checks;
    Policy policy;
    checks.that(document.get_object().contains("storage_id"), "storage_id", "is required");
    if (body.storage_id) {
        auto storage = StorageId::parse(*body.storage_id);
        checks.that(storage.has_value(), "storage_id", "is no storage's id");
        if (storage) policy.storage_id = *storage;
    }
    check_schedule(checks, "schedule", body.schedule);
    check_schedule(checks, "drill_schedule", body.drill_schedule);
    check_time_zone(checks, "time_zone", body.time_zone);
    auto retention = checked(checks, body.retention);
    FAIRLEAD_CHECK(checks.result());
    policy.schedule = body.schedule;
    policy.drill_schedule = body.drill_schedule;
    policy.time_zone = body.time_zone;
    policy.retention = json::encode(retention);
    policy.updated_ms = call.now();
    policy.updated_by = call.principal().user;
    policy.updated_by_email = call.principal().email;
    return api::change(call, backups.desk(), [&](Change& change) -> Result<Response> {
        EnvironmentRepo environments(change.db(), change.scope());
        FAIRLEAD_TRY(environment, environments.get(id));
        FAIRLEAD_TRY(
            stored,
            backups.set_policy(
                change.unit(), change.scope(), change.actor(), environment, std::move(policy)
            )
        );
        return api::answer(to_json(stored, environment));
    });
}

/// As the server has it: a drill that found something wrong. One that never came so far, as the
/// bucket was out of reach or the disk full, has no failed check.
bool known_bad(const Backup& backup) {
    if (!backup.last_drill) return false;
    auto drill = boost::json::parse(*backup.last_drill);
    return std::ranges::any_of(drill.at("checks").as_array(), [](const auto& check) {
        return check.at("result") == "failed";
    });
}

Result<Response> preview(const Call& call, Backups& backups) {
    FAIRLEAD_TRY(id, call.path_id<EnvironmentId>("environment"));
    FAIRLEAD_TRY(body, call.body<PreviewBody>());
    api::Checks checks;
    auto retention = checked(checks, body.retention);
    if (body.time_zone) check_time_zone(checks, "time_zone", *body.time_zone);
    FAIRLEAD_CHECK(checks.result());
    return backups.parts().store.read([&](Connection& db) -> Result<Response> {
        FAIRLEAD_CHECK(EnvironmentRepo(db, call.scope()).get(id));
        FAIRLEAD_TRY(policy, PolicyRepo(db, call.scope()).get(id));
        constexpr std::int64_t most = 1000;
        FAIRLEAD_TRY(
            rows, BackupRepo(db, call.scope()).list({id.str(), "", "succeeded", "", most})
        );
        // The rule by which the server itself removes them, at the same times.
        std::vector<proto::Candidate> candidates;
        for (const auto& row : rows)
            candidates.push_back({row.id.str(), row.started_ms, !known_bad(row)});
        FAIRLEAD_TRY(zone, TimeZone::load(body.time_zone.value_or(policy.time_zone)));
        auto plan = proto::plan_retention(std::move(candidates), retention, zone);
        std::map<std::string_view, const std::vector<proto::KeepRule>*> kept;
        for (const auto& one : plan.kept) kept.emplace(one.id, &one.rules);
        boost::json::array data;
        std::int64_t stay = 0;
        std::ranges::stable_sort(rows, std::greater(), &Backup::started_ms);
        for (const auto& row : rows) {
            boost::json::array rules;
            auto why = kept.find(row.id.str());
            if (why != kept.end())
                for (auto rule : *why->second) rules.emplace_back(proto::name_of(rule));
            if (why != kept.end()) ++stay;
            data.push_back(boost::json::object{
                {"backup_id", row.id.str()},
                {"kind", json::enum_name(row.kind)},
                {"finished_at", to_rfc3339(row.finished_ms.value_or(row.started_ms))},
                {"stays", why != kept.end()},
                {"rules", std::move(rules)}});
        }
        auto go = static_cast<std::int64_t>(rows.size()) - stay;
        return api::answer(boost::json::object{
            {"data", std::move(data)}, {"stay", stay}, {"go", go}});
    });
}

} // namespace

void add_policy_routes(api::RouteTable& table, Backups& backups) {
    api::Routes settings(table, backups, "/api/v1/orgs/{org}/backup-settings");
    settings.get("", "backup_settings.view", &get_settings);
    settings.put("", "backup_settings.edit", &set_settings, {.step_up = true});
    api::Routes policies(
        table, backups, "/api/v1/orgs/{org}/environments/{environment}/backup-policy"
    );
    policies.get("", "backups.view", &get_policy);
    policies.put("", "backups.configure", &set_policy);
    policies.post("/preview", "backups.view", &preview);
}

} // namespace fairlead::backups

#include "controller/updates/view.hpp"

#include "common/json/json.hpp"

namespace fairlead::updates {

using boost::json::array;
using boost::json::object;
using boost::json::value;

object to_json(const install::Offer& offer) {
    return {{"version", offer.version}, {"package", offer.package}, {"sha256", offer.sha256}};
}

object to_json(const Member& m) {
    value operation = nullptr, problem = nullptr, not_before = nullptr, from = nullptr;
    if (m.operation_id) operation = m.operation_id->str();
    if (!m.problem.empty()) problem = m.problem;
    if (m.not_before_ms) not_before = to_rfc3339(*m.not_before_ms);
    if (!m.from_version.empty()) from = m.from_version;
    return {
        {"server_id", m.server_id.str()},
        {"server_name", m.server_name},
        {"stage", m.stage},
        {"state", json::enum_name(m.state)},
        {"from_version", std::move(from)},
        {"operation_id", std::move(operation)},
        {"problem", std::move(problem)},
        {"not_before", std::move(not_before)},
        {"updated_at", to_rfc3339(m.updated_ms)}};
}

object to_json(const Rollout& r, const std::vector<Count>& counts) {
    array stages;
    auto labels = json::parse(r.stages).value_or(array()).as_array();
    for (std::size_t i = 0; i <= labels.size(); ++i) {
        object one;
        for (auto state :
             {MemberState::waiting, MemberState::updating, MemberState::healthy,
              MemberState::refused, MemberState::skipped, MemberState::failed}) {
            std::int64_t number = 0;
            for (const auto& count : counts)
                if (count.stage == static_cast<std::int64_t>(i) && count.state == state)
                    number = count.count;
            one[json::enum_name(state)] = number;
        }
        value of = nullptr; // the rest
        if (i < labels.size()) of = labels[i];
        stages.push_back(object{{"labels", std::move(of)}, {"servers", std::move(one)}});
    }
    value reason = nullptr, by = nullptr, healthy = nullptr, finished = nullptr;
    if (!r.reason.empty()) reason = r.reason;
    if (r.created_by) by = object{{"id", r.created_by->str()}, {"email", r.created_by_email}};
    if (r.healthy_since_ms) healthy = to_rfc3339(*r.healthy_since_ms);
    if (r.finished_ms) finished = to_rfc3339(*r.finished_ms);
    return {
        {"id", r.id.str()},
        {"version", r.version},
        {"state", json::enum_name(r.state)},
        {"reason", std::move(reason)},
        {"stage", r.stage},
        {"stages", std::move(stages)},
        {"soak_s", r.soak_s},
        {"healthy_since", std::move(healthy)},
        {"created_at", to_rfc3339(r.created_ms)},
        {"created_by", std::move(by)},
        {"finished_at", std::move(finished)}};
}

api::Act act_on(const Rollout& rollout, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "agent_rollout";
    act.target_id = rollout.id.str();
    act.target_name = "agent " + rollout.version;
    act.after = object{{"stage", rollout.stage + 1}};
    return act;
}

api::Event event_of(const OrgId& org, const Rollout& rollout, const std::vector<Count>& counts) {
    return {
        org,
        "agent_rollout.updated",
        boost::json::serialize(to_json(rollout, counts)),
        "servers.view",
        std::nullopt,
        false};
}

} // namespace fairlead::updates

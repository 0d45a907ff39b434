/// The SQL of roll-outs of one organization.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/fleet/server_repo.hpp"
#include "controller/updates/ids.hpp"

#include <boost/describe.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::updates {

BOOST_DEFINE_ENUM_CLASS(
    RolloutState, running, paused,
    stopped, ///< by itself, at the first failure
    succeeded, cancelled
)

constexpr bool is_over(RolloutState state) {
    return state != RolloutState::running && state != RolloutState::paused;
}

BOOST_DEFINE_ENUM_CLASS(
    MemberState, waiting, updating,
    healthy, ///< it is of the version, and has said so itself
    refused, ///< its policy does not let it
    skipped, ///< it is left out, and the problem says why
    failed
)

/// A row.
struct Rollout {
    RolloutId id;
    std::string version;
    std::string package;
    std::string sums;
    std::string signature;
    RolloutState state = RolloutState::running;
    std::string reason;        ///< why it stopped
    std::string stages = "[]"; ///< a JSON list of objects of labels; the rest is one more, the last
    std::int64_t stage = 0;    ///< that it is in, from 0
    std::int64_t soak_s = 0;   ///< that a stage has to stay healthy before the next one begins
    std::optional<Timestamp> healthy_since_ms; ///< the stage
    Timestamp created_ms;
    std::optional<UserId> created_by;
    std::string created_by_email;
    std::optional<Timestamp> finished_ms;
};
BOOST_DESCRIBE_STRUCT(
    Rollout, (),
    (id, version, package, sums, signature, state, reason, stages, stage, soak_s, healthy_since_ms,
     created_ms, created_by, created_by_email, finished_ms)
)

/// A server in a roll-out.
struct Member {
    ServerId server_id;
    std::string server_name;
    std::int64_t stage = 0;
    MemberState state = MemberState::waiting;
    std::string from_version;
    std::optional<OperationId> operation_id;
    std::string problem;
    std::optional<Timestamp> not_before_ms; ///< it is not asked again before
    Timestamp updated_ms;
};
BOOST_DESCRIBE_STRUCT(
    Member, (),
    (server_id, server_name, stage, state, from_version, operation_id, problem, not_before_ms,
     updated_ms)
)

/// How many servers of a stage are in a state.
struct Count {
    std::int64_t stage = 0;
    MemberState state = MemberState::waiting;
    std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(Count, (), (stage, state, count))

inline constexpr std::int64_t max_members = 2000;
inline constexpr std::int64_t max_stages = 10;

class RolloutRepo {
public:
    RolloutRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// False when another one is open.
    Result<bool> insert(const Rollout& rollout);
    /// State, reason, stage and times.
    Result<> update(const Rollout& rollout);
    /// Errc::not_found.
    Result<Rollout> get(const RolloutId& id);
    /// Running or paused.
    Result<std::optional<Rollout>> open();
    /// Newest first; before `after`, "" from the newest.
    Result<std::vector<Rollout>> list(std::string_view after, std::int64_t limit);

    Result<> insert(const RolloutId& rollout, const Member& member);
    Result<> update(const RolloutId& rollout, const Member& member);
    /// By stage, then by name.
    Result<std::vector<Member>> members(const RolloutId& rollout);
    Result<std::vector<Count>> counts(const RolloutId& rollout);
    /// Of the roll-out that made the operation.
    Result<std::optional<RolloutId>> of_operation(const OperationId& operation);
    /// All but the newest `kept` that are over.
    Result<> prune(std::int64_t kept);

private:
    store::Connection& db_;
    OrgId org_;
};

/// Organizations with a roll-out that runs.
Result<std::vector<OrgId>> orgs_with_running(store::Connection& db);

/// What is dropped with an organization.
Result<> erase(store::Connection& db, const api::OrgScope& scope);

} // namespace fairlead::updates

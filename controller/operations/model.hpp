/// An operation as the controller stores it.
#pragma once

#include "common/runtime/clock.hpp"
#include "common/runtime/id.hpp"
#include "controller/api/principal.hpp"
#include "proto/messages.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::operations {

/// queued → delivered → running → succeeded | failed | cancelled; queued → expired | cancelled.
/// `unknown`: delivered or running when the link dropped; the next contact resolves it. Final
/// states never change again.
BOOST_DEFINE_ENUM_CLASS(
    State, queued, delivered, running, succeeded, failed, cancelled, expired, unknown
)

constexpr bool is_final(State state) {
    return state == State::succeeded || state == State::failed || state == State::cancelled ||
           state == State::expired;
}

/// Who began it: the controller, because somebody asked it to or (`push`) a repository told it of a
/// push; or the server by itself.
BOOST_DEFINE_ENUM_CLASS(Origin, controller, schedule, root, push)

constexpr bool begun_here(Origin origin) {
    return origin == Origin::controller || origin == Origin::push;
}

/// Bounds of what one operation may hold; the journal of the agent keeps to the same ones.
inline constexpr std::int64_t max_log_lines = 10'000;
inline constexpr std::int64_t max_log_bytes = 4 << 20;
inline constexpr std::size_t max_line_bytes = 4096;
inline constexpr std::size_t max_args_bytes = 512 << 10;
inline constexpr std::uint32_t max_steps = 100;
/// Of one server: waiting ones, and those it holds at the same time.
inline constexpr std::int64_t max_queued = 1000;
inline constexpr std::int64_t max_outstanding = 64;
/// What one server may begin by itself: so many within a day of their arrival here (a week of
/// hourly backups of ten environments fits), with arguments no larger than this.
inline constexpr std::int64_t max_born_a_day = 2000;
inline constexpr std::size_t max_born_args_bytes = 8 << 10;

/// A row; the members are the columns.
struct Operation {
    OperationId id;
    ServerId server_id;
    std::optional<EnvironmentId> environment_id;
    std::optional<ProjectId> project_id; ///< of the environment
    std::string kind;
    State state = State::queued;
    bool mutating = false;
    std::optional<std::uint64_t> fence;
    std::string target_name;
    std::optional<UserId> requested_by;
    std::string requested_by_email;
    Origin origin = Origin::controller;
    std::string note;
    Timestamp created_ms;
    Timestamp deadline_ms;
    std::optional<Timestamp> delivered_ms;
    std::optional<Timestamp> started_ms;
    std::optional<Timestamp> finished_ms;
    bool cancel_requested = false;
    bool cancel_sent = false;
    std::int64_t log_lines = 0;
    std::int64_t log_bytes = 0;
    std::optional<std::string> result; ///< JSON as the API shows it
    std::string error_code;
    std::string error_message;
    std::string error_step;
    std::string outcome;
};
BOOST_DESCRIBE_STRUCT(
    Operation, (),
    (id, server_id, environment_id, project_id, kind, state, mutating, fence, target_name,
     requested_by, requested_by_email, origin, note, created_ms, deadline_ms, delivered_ms,
     started_ms, finished_ms, cancel_requested, cancel_sent, log_lines, log_bytes, result,
     error_code, error_message, error_step, outcome)
)

struct Step {
    std::uint32_t position = 0;
    std::string name;
    std::string title;
    proto::StepState state = proto::StepState::pending;
    std::uint32_t percent = 0;
    std::string detail;
    std::optional<Timestamp> started_ms;
    std::optional<Timestamp> finished_ms;
};
BOOST_DESCRIBE_STRUCT(
    Step, (), (position, name, title, state, percent, detail, started_ms, finished_ms)
)

struct LoggedLine {
    std::int64_t seq = 0;
    Timestamp time_ms;
    proto::LogLevel level = proto::LogLevel::info;
    std::string step;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(LoggedLine, (), (seq, time_ms, level, step, text))

/// What to ask of a server.
struct NewOperation {
    OperationId id; ///< empty: made
    std::string kind;
    ServerId server;
    std::optional<EnvironmentId> environment;
    std::optional<ProjectId> project; ///< of the environment
    std::string target_name;          ///< of the environment, or of the server
    bool mutating = true;             ///< the only such one of its environment
    std::string args;                 ///< JSON by kind, without secrets
    std::string note;
    Origin origin = Origin::controller;
    boost::json::object facts;                                  ///< for the audit entry; no secrets
    std::chrono::milliseconds deadline = std::chrono::hours(1); ///< for its delivery
};

/// An agent's link after its hello; the gateway holds it and hands it in with each message.
struct AgentLink {
    api::OrgScope scope;
    ServerId server;
    std::string journal;
    std::string id; ///< random: tells a link from the one that replaced it
};

} // namespace fairlead::operations

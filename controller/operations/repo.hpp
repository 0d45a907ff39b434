/// The SQL of operations of one organization.
#pragma once

#include "common/store/connection.hpp"
#include "controller/operations/model.hpp"

#include <string_view>
#include <vector>

namespace fairlead::operations {

/// What a list asks for; empty members do not filter.
struct OperationFilter {
    std::string environment;
    std::string server;
    std::string state;
    std::string kind;
    std::string below; ///< an id: older ones
    std::int64_t limit = 50;
};

/// How far the journal of a server is known.
struct JournalPosition {
    std::string journal;
    std::uint64_t last_seq = 0;
    std::uint64_t fence = 0;
    std::string link;
};
BOOST_DESCRIBE_STRUCT(JournalPosition, (), (journal, last_seq, fence, link))

class OperationRepo {
public:
    OperationRepo(store::Connection& db, const api::OrgScope& scope)
        : db_(db), org_(scope.org()), limit_(scope.limit()) {}

    // ---- what a scope's limit to projects counts for; an operation without an environment is of
    // ---- no project ----

    Result<Operation> get(const OperationId& id);
    Result<std::optional<Operation>> find(const OperationId& id);
    Result<std::string> args(const OperationId& id);
    Result<std::vector<Operation>> list(const OperationFilter& filter);
    Result<std::vector<LoggedLine>>
    log(const OperationId& id, std::int64_t after, std::int64_t limit);

    // ---- the controller's own work ----

    /// False when another mutating operation of the environment is not over, or the id is taken.
    Result<bool> insert(const Operation& operation, std::string_view args);
    /// What the server began by itself, by its arrival here.
    Result<std::int64_t> count_born(const ServerId& server, Timestamp since);
    Result<> mark_born(const OperationId& id, Timestamp at);
    /// Whether this controller itself, since ever, made an operation of that kind for the
    /// environment with `part` in its arguments. '_' and '%' in it stand for any text.
    Result<bool>
    has_asked(const EnvironmentId& environment, std::string_view kind, std::string_view part);
    Result<std::optional<OperationId>> busy_with(const EnvironmentId& environment);
    /// Stores everything of it that can change.
    Result<> update(const Operation& operation);

    /// Not finished ones of a server, in the order of their creation.
    Result<std::vector<Operation>> open_of(const ServerId& server, std::int64_t limit);
    Result<std::vector<Operation>>
    queued_of(const ServerId& server, Timestamp now, std::int64_t limit);
    Result<std::vector<Operation>> to_cancel_of(const ServerId& server);
    /// Marks what was cancelled or expired since `since` and was never seen to start: the server
    /// may know better.
    Result<> doubt_undelivered(const ServerId& server, Timestamp since);
    Result<std::vector<Operation>> doubted(const ServerId& server);
    Result<> trust(const OperationId& id);
    Result<std::int64_t> count_queued(const ServerId& server);
    /// Whether its agent was told to update itself and has not said what became of it: what it gets
    /// meanwhile would not outlive that.
    Result<bool> is_updating(const ServerId& server);
    Result<std::int64_t> count_outstanding(const ServerId& server);
    Result<std::vector<Operation>> overdue(Timestamp now, std::int64_t limit);

    Result<std::vector<Step>> steps(const OperationId& id);
    Result<> put_step(const OperationId& id, const Step& step);
    Result<std::optional<Step>> step(const OperationId& id, std::uint32_t position);
    Result<> add_line(const OperationId& id, const LoggedLine& line);
    /// Forgets the logs of up to `limit` operations that finished before `before`.
    Result<> forget_logs(Timestamp before, std::int64_t limit);

    /// Those that finished before `before` and still have what was sealed for whoever asked.
    Result<std::vector<Operation>> sealed(Timestamp before, std::int64_t limit);

    Result<std::optional<JournalPosition>> journal(const ServerId& server);
    Result<> put_journal(const ServerId& server, const JournalPosition& position);

private:
    store::Connection& db_;
    OrgId org_;
    std::string limit_;
};

/// Organizations with something for the periodic work; each is then worked on with its own scope.
Result<std::vector<OrgId>> orgs_with_overdue(store::Connection& db, Timestamp now);
Result<std::vector<OrgId>> orgs_with_old_logs(store::Connection& db, Timestamp before);
Result<std::vector<OrgId>> orgs_with_sealed(store::Connection& db, Timestamp before);
/// Servers of theirs hold operations, or have a link.
Result<std::vector<OrgId>> orgs_with_open(store::Connection& db);

} // namespace fairlead::operations

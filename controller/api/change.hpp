/// One change that somebody asked for: its transaction, its audit entry and its events.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/api/call.hpp"
#include "controller/api/events.hpp"
#include "controller/api/response.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::api {

/// What every changing route needs. The referenced things outlive the routes.
struct Desk {
    store::Store& store;
    AuditLog& audit;
    EventSink& events;
};

/// What a handler changes things with; lives inside one transaction, on the writer thread. Rows are
/// reached by a repository of `db()` and `scope()`.
class Change {
public:
    Change(store::UnitOfWork& unit, const Call& call, const Desk& desk)
        : unit_(unit), call_(call), desk_(desk) {}
    Change(const Change&) = delete;

    store::UnitOfWork& unit() { return unit_; }
    store::Connection& db() { return unit_.db(); }
    const OrgScope& scope() const { return call_.scope(); }
    Actor actor() const { return call_.actor(); }

    void record(Act act) { desk_.audit.record(unit_, scope(), actor(), std::move(act)); }
    /// What was done to a row that has an id and a name.
    template <class Row>
    void record(
        std::string action, std::string type, const Row& row,
        std::optional<boost::json::object> after = {},
        std::optional<boost::json::object> before = {}
    ) {
        Act act;
        act.action = std::move(action);
        act.target_type = std::move(type);
        act.target_id = row.id.str();
        act.target_name = row.name;
        act.before = std::move(before);
        act.after = std::move(after);
        record(std::move(act));
    }

    /// Once it is durable; in the order of the calls.
    void publish(Event event) { publish_all({std::move(event)}); }
    void publish_all(std::vector<Event> events) {
        api::publish(unit_, desk_.events, std::move(events));
    }

    /// It was so already: there is nothing for the audit log.
    void nothing_changed() { unit_.note(audited); }

private:
    store::UnitOfWork& unit_;
    const Call& call_;
    const Desk& desk_;
};

/// Throws std::logic_error, which the caller gets as 500 and which rolls the unit back, unless the
/// unit holds an audit entry or says that nothing changed.
void require_audit(const store::UnitOfWork& unit, const Call& call);

/// Runs `work(Change&)`, which gives a Result<Response>, as one transaction; see Store::write. The
/// one way in which routes of an organization write (tests/style/scope): a change without an audit
/// entry is refused.
template <class Work>
Result<Response> change(const Call& call, const Desk& desk, Work&& work) {
    return desk.store.write([&](store::UnitOfWork& unit) -> Result<Response> {
        Change change(unit, call, desk);
        Result<Response> answer = work(change);
        if (answer) require_audit(unit, call);
        return answer;
    });
}

/// What is there already stands against it; `code` is the stable word.
inline tl::unexpected<Error> conflict(std::string code, std::string message) {
    return fail(Error(Errc::conflict, std::move(message)).with_code(std::move(code)));
}

/// Errc::conflict (with `code`) when an organization has as many of them as it may:
/// `words` is what people call them.
Result<>
check_room(std::int64_t count, std::int64_t most, std::string_view code, std::string_view words);

} // namespace fairlead::api

/// The entries of one organization's log: put at its end, found again, dropped when their time is
/// over.
#pragma once

#include "common/store/connection.hpp"
#include "controller/api/principal.hpp"
#include "controller/audit/entry.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::audit {

/// Empty members do not filter. `action` is a whole action, or what stands before its dots.
struct Filter {
    std::string actor;
    std::string action;
    std::string target;
    std::string connect_session;
    std::optional<Timestamp> after;
    std::optional<Timestamp> before;
    std::string below; ///< id of the last entry seen
    std::int64_t limit = 50;
};

class EntryRepo {
public:
    EntryRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), scope_(scope) {}

    /// Gives the entry its place and puts its leaf into the tree.
    Result<> append(Entry& entry);

    /// Newest first.
    Result<std::vector<Entry>> list(const Filter& filter);
    Result<std::optional<Entry>> find(const AuditId& id);
    /// In the order of the tree, from a place on; places whose text was dropped are left out.
    Result<std::vector<Entry>> from(std::int64_t seq, std::int64_t end, std::int64_t limit);

    /// Drops the text of all that stands before a place; in the transaction in which the horizon
    /// went there.
    Result<> drop_below(std::int64_t seq);

private:
    store::Connection& db_;
    api::OrgScope scope_;
};

} // namespace fairlead::audit

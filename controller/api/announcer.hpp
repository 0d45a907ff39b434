/// What happens in an organization, for programs of its owners that want to be told.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/api/principal.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <utility>

namespace fairlead::store {
class UnitOfWork;
}

namespace fairlead::api {

/// One fact. `data` has ids, names, outcomes and codes: nothing of Odoo's, no secret, no text of a
/// log.
struct Occurrence {
    std::string type;  ///< of the contract's WebhookEvent
    std::string about; ///< the id of what it happened to
    boost::json::object data;
};

/// Keeps what was told for whoever wants to hear it. Thread-safe.
class Announcer {
public:
    virtual ~Announcer() = default;
    /// In the transaction of the change, on the writer thread: SQL only. Told where the fact is
    /// decided, once.
    virtual Result<>
    announce(store::UnitOfWork& unit, const OrgScope& scope, Occurrence occurrence) = 0;
};

/// Where a subject tells things. Without an announcer nobody hears of them.
class Announcements {
public:
    /// Before anything else is called; the announcer outlives this.
    void use(Announcer& announcer) { announcer_ = &announcer; }
    Result<> announce(store::UnitOfWork& unit, const OrgScope& scope, Occurrence occurrence) const {
        if (!announcer_) return {};
        return announcer_->announce(unit, scope, std::move(occurrence));
    }

private:
    Announcer* announcer_ = nullptr;
};

} // namespace fairlead::api

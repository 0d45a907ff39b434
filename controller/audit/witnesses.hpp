/// Servers that remember what each of them has seen of its organization's log: whoever rewrites the
/// log has to find them all.
#pragma once

#include "common/runtime/clock.hpp"
#include "controller/api/audit_log.hpp"
#include "controller/audit/notary.hpp"
#include "proto/messages.hpp"

#include <boost/describe.hpp>
#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::audit {

/// What one server holds, as it told it last.
struct WitnessRow {
    ServerId id;
    std::string name; ///< of the server, as it was then
    std::int64_t size = 0;
    std::string root; ///< base64
    Timestamp seen;
    std::optional<std::string> fork; ///< why it refused a state of the log
    std::optional<Timestamp> fork_at;
    std::string key;
};
BOOST_DESCRIBE_STRUCT(WitnessRow, (), (id, name, size, root, seen, fork, fork_at, key))

boost::json::object to_json(const WitnessRow& row);

class WitnessRepo {
public:
    WitnessRepo(store::Connection& db, const api::OrgScope& scope) : db_(db), org_(scope.org()) {}

    /// Newest server first.
    Result<std::vector<WitnessRow>> list(std::string_view below, std::int64_t limit);
    Result<std::optional<WitnessRow>> find(const ServerId& server);
    Result<> save(const WitnessRow& row);

private:
    store::Connection& db_;
    OrgId org_;
};

/// What links ask. Thread-safe; blocks on the store.
class Witnesses {
public:
    Witnesses(store::Store& store, api::AuditLog& log, const Notary& notary, const Clock& clock)
        : store_(store), log_(log), notary_(notary), clock_(clock) {}

    /// Of a hello or an answer. A fork that is new, and one that is gone, become entries of the log
    /// that is there now.
    Result<> told(
        const api::OrgScope& scope, const ServerId& server, const std::string& name,
        const proto::Witness& held
    );

    struct Offer {
        std::int64_t size = 0;
        proto::AuditCheckpoint message;
    };
    /// The newest signed state, with what proves it to somebody who holds the one of `held`
    /// entries; nothing when there is none yet, or when it is the one of `offered`. Where the log
    /// is shorter than what is held there is no proof, and the server says so.
    Result<std::optional<Offer>>
    newest(const api::OrgScope& scope, std::uint64_t held, std::int64_t offered);

private:
    store::Store& store_;
    api::AuditLog& log_;
    const Notary& notary_;
    const Clock& clock_;
};

} // namespace fairlead::audit

#include "controller/audit/witnesses.hpp"

#include "common/runtime/log.hpp"
#include "controller/audit/tree.hpp"

#include <boost/json.hpp>

#include <limits>

namespace fairlead::audit {
namespace {

constexpr std::size_t longest = 500; ///< of what a server tells in words

/// As it is stored, whatever a server sends.
WitnessRow
row_of(const ServerId& server, const std::string& name, const proto::Witness& held, Timestamp now) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    WitnessRow row{
        server,
        name,
        static_cast<std::int64_t>(std::min(held.size, most)),
        held.root.substr(0, 64),
        now,
        std::nullopt,
        std::nullopt,
        held.key.substr(0, longest)};
    if (held.fork.empty()) return row;
    row.fork = held.fork.substr(0, longest);
    row.fork_at = now;
    return row;
}

api::Act act_of(const Notary& notary, const OrgId& org, std::string action) {
    api::Act act;
    act.action = std::move(action);
    act.target_type = "audit_log";
    act.target_id = org.str();
    act.target_name = notary.origin(org);
    return act;
}

} // namespace

boost::json::object to_json(const WitnessRow& row) {
    boost::json::value fork = nullptr;
    if (row.fork)
        fork = {{"reason", *row.fork}, {"at", to_rfc3339(row.fork_at.value_or(row.seen))}};
    return {{"id", row.id.str()}, {"name", row.name}, {"size", row.size},
            {"root", row.root},   {"key", row.key},   {"seen_at", to_rfc3339(row.seen)},
            {"fork", fork}};
}

Result<std::vector<WitnessRow>> WitnessRepo::list(std::string_view below, std::int64_t limit) {
    return db_.all<WitnessRow>(
        "SELECT server_id AS id, server_name AS name, size, root, seen_ms AS seen, fork,"
        " fork_ms AS fork_at, verifier AS key FROM audit_witness"
        " WHERE org_id = $1 AND ($2 = '' OR server_id < $2) ORDER BY server_id DESC LIMIT $3",
        org_, below, limit
    );
}

Result<std::optional<WitnessRow>> WitnessRepo::find(const ServerId& server) {
    return db_.one<WitnessRow>(
        "SELECT server_id AS id, server_name AS name, size, root, seen_ms AS seen, fork,"
        " fork_ms AS fork_at, verifier AS key FROM audit_witness"
        " WHERE org_id = $1 AND server_id = $2",
        org_, server
    );
}

Result<> WitnessRepo::save(const WitnessRow& row) {
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO audit_witness (org_id, server_id, server_name, size, root, verifier, seen_ms,"
        " fork, fork_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (org_id, server_id) DO UPDATE SET server_name = excluded.server_name,"
        " size = excluded.size, root = excluded.root, verifier = excluded.verifier,"
        " seen_ms = excluded.seen_ms, fork = excluded.fork, fork_ms = excluded.fork_ms",
        org_, row.id, row.name, row.size, row.root, row.key, row.seen, row.fork, row.fork_at
    ));
    return {};
}

Result<> Witnesses::told(
    const api::OrgScope& scope, const ServerId& server, const std::string& name,
    const proto::Witness& held
) {
    auto row = row_of(server, name, held, clock_.now());
    FAIRLEAD_TRY(before, store_.read([&](store::Connection& db) {
        return WitnessRepo(db, scope).find(server);
    }));
    bool holds = row.size > 0 || row.fork;
    if (!before && !holds) return {};
    if (before && before->fork) row.fork_at = row.fork ? before->fork_at : std::nullopt;
    bool same = before && before->size == row.size && before->root == row.root &&
                before->key == row.key && before->fork == row.fork;
    if (same) return {};
    bool raised = row.fork && (!before || !before->fork);
    bool reset = before && before->fork && !row.fork;
    if (raised)
        log::error(
            "a server has seen another audit log than this one",
            {{"server", server.str()}, {"reason", *row.fork}, {"seen", row.size}}
        );
    return store_.write([&](store::UnitOfWork& unit) -> Result<> {
        FAIRLEAD_CHECK(WitnessRepo(unit.db(), scope).save(row));
        if (!raised && !reset) return {};
        auto act =
            act_of(notary_, scope.org(), raised ? "audit.fork_found" : "audit.witness_reset");
        act.outcome = raised ? api::Act::Outcome::failed : api::Act::Outcome::ok;
        act.after = boost::json::object{{"seen", row.size}, {"root", row.root}};
        if (raised) (*act.after)["reason"] = *row.fork;
        api::Actor actor;
        actor.kind = api::Actor::Kind::server;
        actor.id = server.str();
        actor.label = name;
        log_.record(unit, scope, actor, std::move(act));
        return {};
    });
}

Result<std::optional<Witnesses::Offer>>
Witnesses::newest(const api::OrgScope& scope, std::uint64_t held, std::int64_t offered) {
    return store_.read([&](store::Connection& db) -> Result<std::optional<Offer>> {
        FAIRLEAD_TRY(checkpoint, Notary::newest(db, scope));
        if (!checkpoint || checkpoint->size == offered) return std::optional<Offer>();
        Offer offer;
        offer.size = checkpoint->size;
        offer.message.key = notary_.verifier().str();
        offer.message.note = checkpoint->note;
        offer.message.from = held;
        if (held <= static_cast<std::uint64_t>(checkpoint->size)) {
            auto from = static_cast<std::int64_t>(held);
            FAIRLEAD_TRY(proof, Tree(db, scope).consistency(from, checkpoint->size));
            offer.message.proof = crypto::merkle::proof_to_text(proof);
        }
        return std::optional(std::move(offer));
    });
}

} // namespace fairlead::audit

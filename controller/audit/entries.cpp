#include "controller/audit/entries.hpp"

#include "controller/audit/tree.hpp"

namespace fairlead::audit {

Result<> EntryRepo::append(Entry& e) {
    Tree tree(db_, scope_);
    FAIRLEAD_TRY(seq, tree.size());
    e.seq = seq;
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO audit_entry (org_id, id, seq, at_ms, actor_type, actor_id, actor_label,"
        " on_behalf_of, connect_session, action, target_type, target_id, target_name, result,"
        " address, user_agent, request_id, before_json, after_json) VALUES ($1, $2, $3, $4, $5,"
        " $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        scope_.org(), e.id, e.seq, e.at, e.actor_type, e.actor_id, e.actor_label, e.on_behalf_of,
        e.connect_session, e.action, e.target_type, e.target_id, e.target_name, e.result, e.address,
        e.user_agent, e.request_id, e.before, e.after
    ));
    return tree.append(e.seq, crypto::merkle::leaf_hash(leaf_of(e, scope_.org())));
}

Result<std::vector<Entry>> EntryRepo::list(const Filter& f) {
    // "environment" finds "environment.deploy": everything from "environment." to just below
    // "environment/".
    return db_.all<Entry>(
        "SELECT id, seq, at_ms AS at, actor_type, actor_id, actor_label, on_behalf_of,"
        " connect_session, action, target_type, target_id, target_name, result, address,"
        " user_agent, request_id, before_json AS before, after_json AS after FROM audit_entry"
        " WHERE org_id = $1 AND ($2 = '' OR id < $2) AND ($3 = '' OR actor_id = $3)"
        " AND ($4 = '' OR action = $4 OR (action >= $4 || '.' AND action < $4 || '/'))"
        " AND ($5 = '' OR target_id = $5) AND ($6 IS NULL OR at_ms > $6)"
        " AND ($7 IS NULL OR at_ms < $7) AND ($9 = '' OR connect_session = $9)"
        " ORDER BY id DESC LIMIT $8",
        scope_.org(), f.below, f.actor, f.action, f.target, f.after, f.before, f.limit,
        f.connect_session
    );
}

Result<std::optional<Entry>> EntryRepo::find(const AuditId& id) {
    return db_.one<Entry>(
        "SELECT id, seq, at_ms AS at, actor_type, actor_id, actor_label, on_behalf_of,"
        " connect_session, action, target_type, target_id, target_name, result, address,"
        " user_agent, request_id, before_json AS before, after_json AS after FROM audit_entry"
        " WHERE org_id = $1 AND id = $2",
        scope_.org(), id
    );
}

Result<std::vector<Entry>> EntryRepo::from(std::int64_t seq, std::int64_t end, std::int64_t limit) {
    return db_.all<Entry>(
        "SELECT id, seq, at_ms AS at, actor_type, actor_id, actor_label, on_behalf_of,"
        " connect_session, action, target_type, target_id, target_name, result, address,"
        " user_agent, request_id, before_json AS before, after_json AS after FROM audit_entry"
        " WHERE org_id = $1 AND seq >= $2 AND seq < $3 ORDER BY seq LIMIT $4",
        scope_.org(), seq, end, limit
    );
}

Result<> EntryRepo::drop_below(std::int64_t seq) {
    FAIRLEAD_CHECK(
        db_.run("DELETE FROM audit_entry WHERE org_id = $1 AND seq < $2", scope_.org(), seq)
    );
    return {};
}

} // namespace fairlead::audit

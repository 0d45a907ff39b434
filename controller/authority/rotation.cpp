#include "controller/authority/authority.hpp"

#include <fmt/core.h>

namespace fairlead::authority {
namespace {

constexpr std::size_t named = 10;

/// Servers that keep a rotation from going on, named up to a number. Their certificates would end
/// anyway on `last`.
Error lag(const std::vector<ServerId>& servers, std::string_view what) {
    std::string names;
    for (std::size_t i = 0; i < servers.size() && i < named; ++i)
        names += (i ? ", " : "") + servers[i].str();
    if (servers.size() > named) names += fmt::format(" and {} more", servers.size() - named);
    return Error(
               Errc::conflict,
               fmt::format(
                   "{} {}: {}. Wait until they were online, or add --force to go on without them.",
                   servers.size(), what, names
               )
    )
        .with_code("agents_lag");
}

} // namespace

Result<std::vector<Overview>> Authority::list(store::Connection& db) {
    return db.all<Overview>(
        "SELECT a.number, a.name, a.stage, a.created_ms AS created, a.not_after_ms AS not_after,"
        " (SELECT count(*) FROM agent_certificate c WHERE c.authority = a.number AND "
        "c.not_after_ms > $1) AS agents,"
        " (SELECT count(*) FROM agent_certificate c WHERE c.told < a.number AND c.not_after_ms > "
        "$1) AS strangers"
        " FROM authority a WHERE a.stage <> 'dropped' ORDER BY a.number",
        clock_.now()
    );
}

Result<std::vector<ServerId>> Authority::strangers(store::Connection& db) {
    return db.all<ServerId>(
        "SELECT server_id FROM agent_certificate WHERE told < (SELECT max(number) FROM authority) "
        "AND not_after_ms > $1 LIMIT 10000",
        clock_.now()
    );
}

Result<Step> Authority::rotate(store::UnitOfWork& unit, bool force) {
    auto& db = unit.db();
    auto now = clock_.now();
    FAIRLEAD_TRY(all, list(db));
    const Overview *announced = nullptr, *retiring = nullptr;
    for (const auto& authority : all) {
        if (authority.stage == Stage::announced) announced = &authority;
        if (authority.stage == Stage::retiring) retiring = &authority;
    }

    if (retiring) {
        FAIRLEAD_TRY(
            late, db.all<ServerId>(
                      "SELECT server_id FROM agent_certificate WHERE authority = $1 AND "
                      "not_after_ms > $2 ORDER BY server_id"
                      " LIMIT 10000",
                      retiring->number, now
                  )
        );
        if (!late.empty() && !force)
            return fail(lag(late, "servers still show a certificate of " + retiring->name));
        // Its key can do no more harm, and no more good.
        FAIRLEAD_CHECK(db.run(
            "UPDATE authority SET stage = 'dropped', sealed_key = $2 WHERE number = $1",
            retiring->number, store::Blob{}
        ));
        return Step{
            "ca.drop",
            retiring->name +
                " is dropped: no certificate of it is good any more. The rotation is complete."};
    }
    if (announced) {
        FAIRLEAD_TRY(
            late, db.all<ServerId>(
                      "SELECT server_id FROM agent_certificate WHERE told < $1 AND not_after_ms > "
                      "$2 ORDER BY server_id LIMIT 10000",
                      announced->number, now
                  )
        );
        if (!late.empty() && !force)
            return fail(lag(late, "servers do not know " + announced->name + " yet"));
        FAIRLEAD_CHECK(db.run("UPDATE authority SET stage = 'retiring' WHERE stage = 'issuing'"));
        FAIRLEAD_CHECK(
            db.run("UPDATE authority SET stage = 'issuing' WHERE number = $1", announced->number)
        );
        return Step{
            "ca.issue", fmt::format(
                            "{} issues from now on. Agents get its certificates as they renew, "
                            "within {} days at "
                            "most; then run this again to drop the old one.",
                            announced->name, lifetimes_.agent.count() / 24
                        )};
    }
    FAIRLEAD_TRY(number, db.one<std::int64_t>("SELECT max(number) + 1 FROM authority"));
    FAIRLEAD_CHECK(add(unit, *number, Stage::announced));
    FAIRLEAD_TRY(
        name, db.one<std::string>("SELECT name FROM authority WHERE number = $1", *number)
    );
    return Step{
        "ca.announce", *name + " is announced. Agents learn of it at their next contact; run this "
                               "again when all have."};
}

} // namespace fairlead::authority

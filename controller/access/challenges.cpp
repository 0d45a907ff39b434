#include "controller/access/challenges.hpp"

#include "common/crypto/token.hpp"

#include <boost/describe.hpp>

namespace fairlead::access {
namespace {

constexpr std::int64_t most = 100'000;
constexpr std::int64_t most_of_one = 20;

struct Row {
    std::string token_hash;
    std::optional<UserId> user_id;
    std::optional<SessionId> session_id;
    store::Blob sealed;
};
BOOST_DESCRIBE_STRUCT(Row, (), (token_hash, user_id, session_id, sealed))

tl::unexpected<Error> invalid() {
    return fail(
        Error(Errc::not_found, "This attempt is over: it was used, or took too long. Begin again.")
            .with_code("challenge_invalid")
    );
}

std::string place(std::string_view kind, std::string_view hash) {
    return "challenge/" + std::string(kind) + "/" + std::string(hash);
}

struct SealedRow {
    std::int64_t row = 0;
    std::string token_hash;
    std::string kind;
    store::Blob sealed;
};
BOOST_DESCRIBE_STRUCT(SealedRow, (), (row, token_hash, kind, sealed))

} // namespace

Result<> visit_challenges(store::Connection& db, const api::SealedVisitor& visit) {
    return api::each_row<SealedRow>(
        db,
        "SELECT rowid AS row, token_hash, kind, sealed FROM challenge WHERE rowid > $1 ORDER BY "
        "rowid LIMIT $2",
        [&](const SealedRow& row) {
            auto put = [&](const store::Blob& now) {
                return db.run(
                    "UPDATE challenge SET sealed = $2 WHERE token_hash = $1", row.token_hash, now
                );
            };
            return api::visit_one(visit, row.sealed, place(row.kind, row.token_hash), put);
        }
    );
}

Result<Secret> Challenges::make(
    std::string_view kind, const Challenge& what, std::chrono::seconds good_for, Timestamp now
) {
    FAIRLEAD_TRY(count, db_.one<std::int64_t>("SELECT count(*) FROM challenge"));
    if (count.value_or(0) >= most)
        return fail(Errc::unavailable, "Too many sign-ins are under way. Try again in a minute.");
    if (what.user)
        FAIRLEAD_CHECK(db_.run(
            "DELETE FROM challenge WHERE user_id = $1 AND token_hash NOT IN (SELECT token_hash"
            " FROM challenge WHERE user_id = $1 ORDER BY created_ms DESC, token_hash LIMIT $2)",
            *what.user, most_of_one - 1
        ));
    auto token = crypto::make_token(prefix);
    auto hash = crypto::token_hash(token.reveal());
    FAIRLEAD_CHECK(db_.run(
        "INSERT INTO challenge (token_hash, kind, user_id, session_id, sealed, created_ms,"
        " expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        hash, kind, what.user, what.session, store::Blob{keys_.seal(what.data, place(kind, hash))},
        now, now + good_for
    ));
    return token;
}

Result<Challenge> Challenges::look(std::string_view kind, std::string_view token, Timestamp now) {
    if (!crypto::well_formed_token(prefix, token)) return invalid();
    FAIRLEAD_TRY(
        row, db_.one<Row>(
                 "SELECT token_hash, user_id, session_id, sealed FROM challenge"
                 " WHERE token_hash = $1 AND kind = $2 AND expires_ms > $3",
                 crypto::token_hash(token), kind, now
             )
    );
    if (!row) return invalid();
    FAIRLEAD_TRY(data, keys_.open(row->sealed.bytes, place(kind, row->token_hash)));
    return Challenge{row->user_id, row->session_id, std::move(data)};
}

Result<Challenge> Challenges::take(std::string_view kind, std::string_view token, Timestamp now) {
    FAIRLEAD_TRY(found, look(kind, token, now));
    FAIRLEAD_CHECK(db_.run("DELETE FROM challenge WHERE token_hash = $1", crypto::token_hash(token))
    );
    return std::move(found);
}

Result<> Challenges::failed(std::string_view token) {
    auto hash = crypto::token_hash(token);
    FAIRLEAD_CHECK(
        db_.run("UPDATE challenge SET failures = failures + 1 WHERE token_hash = $1", hash)
    );
    FAIRLEAD_CHECK(db_.run(
        "DELETE FROM challenge WHERE token_hash = $1 AND failures >= $2", hash, most_failures
    ));
    return {};
}

Result<> Challenges::drop(std::string_view kind, const UserId& user) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM challenge WHERE user_id = $1 AND kind = $2", user, kind));
    return {};
}

Result<> Challenges::drop_all(const UserId& user) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM challenge WHERE user_id = $1", user));
    return {};
}

Result<> Challenges::tidy(Timestamp now) {
    FAIRLEAD_CHECK(db_.run("DELETE FROM challenge WHERE expires_ms <= $1", now));
    return {};
}

} // namespace fairlead::access

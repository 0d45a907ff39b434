#include "controller/access/connect_token.hpp"

#include "common/crypto/encoding.hpp"
#include "common/json/json.hpp"

#include <stdexcept>

namespace fairlead::access {
namespace {

constexpr std::string_view prefix = "flc_";
constexpr auto context = "connect_key/1";
constexpr std::size_t longest = 1024;

struct Stated {
    int version = 0;
    std::string connect, user, session, source, target, grant;
    std::int64_t expires = 0; ///< Unix time in milliseconds
};
BOOST_DESCRIBE_STRUCT(Stated, (), (version, connect, user, session, source, target, grant, expires))

tl::unexpected<Error> invalid() {
    return fail(
        Error(Errc::unauthenticated, "This Connect-As token is not one of this controller's.")
            .with_code("connect_invalid")
    );
}

crypto::SigningKey load(store::Store& store, const crypto::Keystore& keys) {
    auto sealed = store.write([&](store::UnitOfWork& unit) -> Result<store::Blob> {
        FAIRLEAD_TRY(
            found, unit.db().one<store::Blob>("SELECT sealed_seed FROM connect_key WHERE id = 1")
        );
        if (found) return *std::move(found);
        store::Blob made{keys.seal(crypto::SigningKey::generate().seed(), context)};
        FAIRLEAD_CHECK(
            unit.db().run("INSERT INTO connect_key (id, sealed_seed) VALUES (1, $1)", made)
        );
        return made;
    });
    if (!sealed) throw std::runtime_error(sealed.error().message());
    auto seed = keys.open(sealed->bytes, context);
    if (!seed)
        throw std::runtime_error(
            "the key that signs Connect-As tokens does not open with this master key: " +
            seed.error().message()
        );
    auto key = crypto::SigningKey::from_seed(*seed);
    if (!key) throw std::runtime_error(key.error().message());
    return *std::move(key);
}

} // namespace

ConnectTokens::ConnectTokens(store::Store& store, const crypto::Keystore& keys)
    : key_(load(store, keys)), verifier_(key_.verify_key()) {}

Secret ConnectTokens::sign(const ConnectClaims& claims) const {
    Stated stated{
        1,
        claims.connect.str(),
        claims.user.str(),
        claims.session.str(),
        claims.agency.str(),
        claims.client.str(),
        claims.grant.str(),
        claims.expires.time_since_epoch().count()};
    auto text = std::string(prefix) + crypto::base64url_encode(json::encode(stated));
    auto signature = crypto::base64url_encode(key_.sign(text));
    return Secret(text + "." + signature);
}

Result<ConnectClaims> ConnectTokens::verify(std::string_view token) const {
    auto dot = token.rfind('.');
    if (token.size() > longest || !token.starts_with(prefix) || dot == std::string_view::npos)
        return invalid();
    auto text = token.substr(0, dot);
    auto signature = crypto::base64url_decode(token.substr(dot + 1));
    if (!signature || !verifier_.verify(text, *signature)) return invalid();
    auto document = crypto::base64url_decode(text.substr(prefix.size()));
    if (!document) return invalid();
    auto stated = json::decode<Stated>(*document, json::Strictness::exact);
    if (!stated || stated->version != 1) return invalid();
    // Our own words: nobody else signed them.
    return ConnectClaims{
        ConnectId::trusted(stated->connect),
        UserId::trusted(stated->user),
        SessionId::trusted(stated->session),
        OrgId::trusted(stated->source),
        OrgId::trusted(stated->target),
        GrantId::trusted(stated->grant),
        Timestamp(std::chrono::milliseconds(stated->expires))};
}

Result<> visit_sealed_connect_key(store::Connection& db, const api::SealedVisitor& visit) {
    FAIRLEAD_TRY(seed, db.one<store::Blob>("SELECT sealed_seed FROM connect_key WHERE id = 1"));
    if (!seed) return {};
    return api::visit_one(visit, *seed, context, [&](const store::Blob& now) {
        return db.run("UPDATE connect_key SET sealed_seed = $1 WHERE id = 1", now);
    });
}

} // namespace fairlead::access

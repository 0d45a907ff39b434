#include "agent/link/identity.hpp"

#include "common/crypto/x509.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

namespace fairlead::link {

BOOST_DESCRIBE_STRUCT(Identity, (), (server_id, org_id, enrolled_with, controllers, pin))

namespace {

constexpr std::size_t largest_file = 256 * 1024;
constexpr mode_t ours_alone = 0600;

} // namespace

Result<Identity> IdentityFolder::load() const {
    auto file = folder_ / "identity.json";
    auto text = read_file(file, largest_file);
    if (!text && text.error().kind() == Errc::not_found)
        return fail(
            Errc::not_found,
            "This server is not enrolled: " + file.string() +
                " is missing. Run the command that the console shows under Servers."
        );
    if (!text) return fail(std::move(text).error());
    auto identity = json::decode<Identity>(*text, json::Strictness::lenient);
    if (!identity)
        return fail(
            Errc::invalid, file.string() + " is damaged: " + identity.error().message() +
                               " Enrol this server again."
        );
    if (identity->server_id.empty() || identity->controllers.empty())
        return fail(
            Errc::invalid,
            file.string() + " names no server or no controller. Enrol this server again."
        );
    return *std::move(identity);
}

Result<> IdentityFolder::save(const Identity& identity) const {
    return write_file(folder_ / "identity.json", json::encode(identity), ours_alone);
}

Result<crypto::P256Key> IdentityFolder::key() const {
    auto file = folder_ / "key.pem";
    if (std::filesystem::exists(file)) return crypto::P256Key::load(file);
    auto key = crypto::P256Key::generate();
    FAIRLEAD_CHECK(key.save(file, ours_alone));
    return key;
}

Result<std::string> IdentityFolder::certificate() const {
    return read_file(folder_ / "certificate.pem", largest_file);
}

Result<Validity> IdentityFolder::validity() const {
    FAIRLEAD_TRY(pem, certificate());
    FAIRLEAD_TRY(facts, crypto::parse_certificate(pem));
    return Validity{facts.not_before, facts.not_after, facts.fingerprint.hex()};
}

Result<> IdentityFolder::save_certificate(const std::string& pem, const std::string& ca) const {
    FAIRLEAD_TRY(ours, key());
    FAIRLEAD_TRY(facts, crypto::parse_certificate(pem));
    if (facts.public_der != ours.public_der())
        return fail(
            Errc::invalid, "The controller sent a certificate for another key than this server's."
        );
    if (!ca.empty()) {
        FAIRLEAD_TRY(authorities, crypto::split_certificates(ca));
        FAIRLEAD_CHECK(write_file(folder_ / "ca.pem", ca, ours_alone));
    }
    return write_file(folder_ / "certificate.pem", pem, ours_alone);
}

Result<std::string> IdentityFolder::ca() const {
    auto text = read_file(folder_ / "ca.pem", largest_file);
    if (!text && text.error().kind() == Errc::not_found) return std::string();
    return text;
}

Result<net::TlsClientContext>
IdentityFolder::tls(const Identity& identity, bool with_identity) const {
    FAIRLEAD_TRY(authorities, ca());
    // Reading the system's roots costs memory for as long as the agent runs, so only where nothing
    // else vouches.
    auto trust =
        identity.pin.empty() ? net::Trust::system() : net::Trust::fingerprint(identity.pin);
    if (!authorities.empty()) trust = trust.or_authorities(authorities);
    FAIRLEAD_TRY(tls, net::TlsClientContext::make(std::move(trust)));
    if (with_identity) {
        FAIRLEAD_TRY(ours, key());
        FAIRLEAD_TRY(pem, certificate());
        FAIRLEAD_CHECK(tls.set_identity(pem, ours.to_pem()));
    }
    return std::move(tls);
}

} // namespace fairlead::link

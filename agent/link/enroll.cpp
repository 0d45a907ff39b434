#include "agent/link/enroll.hpp"

#include "agent/link/facts.hpp"
#include "agent/link/status.hpp"
#include "agent/link/witness.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/x509.hpp"
#include "common/json/json.hpp"
#include "common/net/http_client.hpp"
#include "proto/messages.hpp"

#include <pwd.h>
#include <unistd.h>

namespace fairlead::link {

namespace {

struct EnrollBody {
    std::string token;
    std::string csr;
    std::string name;
    std::uint32_t capability = proto::protocol;
    std::string agent_version;
    proto::Facts facts;
};
BOOST_DESCRIBE_STRUCT(EnrollBody, (), (token, csr, name, capability, agent_version, facts))

struct EnrollAnswer {
    std::string server_id;
    std::string org_id;
    std::string certificate;
    std::string ca;
    std::vector<std::string> controllers;
};
BOOST_DESCRIBE_STRUCT(EnrollAnswer, (), (server_id, org_id, certificate, ca, controllers))

struct ChallengeBody {
    std::string server_id;
};
BOOST_DESCRIBE_STRUCT(ChallengeBody, (), (server_id))

struct ChallengeAnswer {
    std::string challenge;
};
BOOST_DESCRIBE_STRUCT(ChallengeAnswer, (), (challenge))

struct RecoverBody {
    std::string server_id;
    std::string challenge;
    std::string csr;
    std::string signature;
};
BOOST_DESCRIBE_STRUCT(RecoverBody, (), (server_id, challenge, csr, signature))

struct RecoverAnswer {
    std::string certificate;
    std::string ca;
};
BOOST_DESCRIBE_STRUCT(RecoverAnswer, (), (certificate, ca))

struct Problem {
    std::string code;
    std::string detail;
};
BOOST_DESCRIBE_STRUCT(Problem, (), (code, detail))

/// POSTs and reads the answer; a problem document becomes an error with its code and sentence.
template <class Answer, class Body>
Result<Answer> post(
    net::TlsClientContext& tls, const net::Url& url, const Body& body,
    std::string_view alpn = "http/1.1"
) {
    net::HttpClientOptions options;
    options.alpn = alpn;
    FAIRLEAD_TRY(answer, net::post_json(tls, url, json::encode(body), options));
    if (answer.status / 100 == 2)
        return json::decode<Answer>(answer.body, json::Strictness::lenient);
    auto problem = json::decode<Problem>(answer.body, json::Strictness::lenient);
    if (!problem || problem->detail.empty())
        return fail(
            Errc::unavailable,
            url.host + " answered " + std::to_string(answer.status) + " to " + url.target +
                ". Is it a Fairlead controller?",
            answer.body.substr(0, 300)
        );
    auto kind = answer.status == 403  ? Errc::forbidden
                : answer.status < 500 ? Errc::invalid
                                      : Errc::unavailable;
    return fail(Error(kind, problem->detail).with_code(problem->code));
}

std::string host_name() {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
}

/// What the link was last told: the controller will not have this server back as the one it was.
bool was_cast_out(const std::filesystem::path& status_file) {
    auto status = read_status(status_file);
    return status && (status->code == "revoked" || status->code == "server_unknown" ||
                      status->code == "server_revoked" || status->code == "recoveries_used_up");
}

/// Before the token is used up.
Result<> check_user(const std::string& user) {
    if (::geteuid() == 0 && !::getpwnam(user.c_str()))
        return fail(
            Errc::not_found, "There is no user " + user +
                                 " on this server; install the package fairlead-agent first."
        );
    return {};
}

/// Root enrols, the user fairlead uses it.
Result<> give_to(const std::filesystem::path& folder, const std::string& user) {
    if (::geteuid() != 0) return {};
    FAIRLEAD_CHECK(check_user(user));
    const passwd* entry = ::getpwnam(user.c_str());
    std::error_code failed;
    auto give = [&](const std::filesystem::path& path) {
        return ::lchown(path.c_str(), entry->pw_uid, entry->pw_gid) == 0;
    };
    bool given = give(folder);
    for (const auto& file : std::filesystem::directory_iterator(folder, failed))
        given = give(file.path()) && given;
    if (!given || failed)
        return fail(Errc::internal, folder.string() + " cannot be given to the user " + user + ".");
    return {};
}

std::string one_line(const Identity& identity) {
    return identity.server_id + " in " + identity.org_id;
}

} // namespace

Result<std::string> enroll(EnrollOptions options) {
    FAIRLEAD_TRY(address, parse_address(options.controller));
    IdentityFolder folder(options.folder);
    auto had = folder.load();
    bool again = had && !options.token.empty() && was_cast_out(options.status_file);
    if (had && !again) {
        auto before = parse_address(had->enrolled_with);
        if (before && *before == address) return "already enrolled as " + one_line(*had);
        return fail(
            Errc::conflict,
            "This server is enrolled with " + had->enrolled_with + " as " + had->server_id +
                ". Remove that first: /usr/lib/fairlead/agent-remove, or install.sh --uninstall."
        );
    }
    if (!had && had.error().kind() != Errc::not_found) return fail(std::move(had).error());
    if (options.token.empty())
        return fail(
            Errc::invalid,
            "There is no registration token. Make one in the console under Servers, Add server."
        );

    FAIRLEAD_CHECK(check_user(options.user));
    std::error_code failed;
    // A revoked key is refused for ever.
    if (again)
        std::filesystem::rename(
            folder.path() / "key.pem", folder.path() / "key.pem.revoked", failed
        );
    std::filesystem::create_directories(folder.path(), failed);
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all, failed);
    FAIRLEAD_TRY(key, folder.key());
    auto trust = options.pin.empty() ? net::Trust::system() : net::Trust::fingerprint(options.pin);
    FAIRLEAD_TRY(tls, net::TlsClientContext::make(std::move(trust)));
    FAIRLEAD_TRY(url, net::Url::parse("https://" + address.text() + "/api/v1/agent/enroll"));

    EnrollBody body;
    body.token = options.token.reveal();
    body.name = options.name.empty() ? host_name() : options.name;
    body.csr = crypto::make_csr(key, "fairlead-agent");
    body.agent_version = options.version;
    body.facts = FactsReader(options.version).read(to_ms(SystemClock().now()));
    auto answer = post<EnrollAnswer>(tls, url, body);
    wipe(body.token);
    if (!answer) return fail(std::move(answer).error());

    Identity identity;
    identity.server_id = answer->server_id;
    identity.org_id = answer->org_id;
    identity.enrolled_with = options.controller;
    identity.controllers = answer->controllers;
    if (identity.controllers.empty()) identity.controllers = {address.text()};
    identity.pin = options.pin;
    // What was seen of one organization's log says nothing of another's.
    if (had && had->org_id != identity.org_id) FAIRLEAD_CHECK(Witness::forget(folder.path()));
    FAIRLEAD_CHECK(folder.save_certificate(answer->certificate, answer->ca));
    FAIRLEAD_CHECK(folder.save(identity));
    FAIRLEAD_CHECK(give_to(folder.path(), options.user));
    return "enrolled as " + one_line(identity);
}

Result<>
recover(const IdentityFolder& folder, const Identity& identity, const Address& controller) {
    FAIRLEAD_TRY(key, folder.key());
    FAIRLEAD_TRY(tls, folder.tls(identity, false));
    // What vouched at enrolment does so again: the key that was pinned, which the controller shows
    // to agents alone where it has another certificate for browsers, or a public authority.
    std::string_view alpn = identity.pin.empty() ? "http/1.1" : net::recover_alpn;
    auto base = "https://" + controller.text() + "/api/v1/agent/recover";
    FAIRLEAD_TRY(challenge_url, net::Url::parse(base + "/challenge"));
    FAIRLEAD_TRY(
        challenge,
        post<ChallengeAnswer>(tls, challenge_url, ChallengeBody{identity.server_id}, alpn)
    );

    RecoverBody body;
    body.server_id = identity.server_id;
    body.challenge = challenge.challenge;
    body.csr = crypto::make_csr(key, identity.server_id);
    auto begin = body.csr.find('\n') + 1;
    auto end = body.csr.find("\n-----END");
    std::string base64;
    for (auto c : body.csr.substr(begin, end - begin))
        if (c != '\n' && c != '\r') base64 += c;
    FAIRLEAD_TRY(der, crypto::base64_decode(base64));
    auto text = "fairlead-recover/1\n" + identity.server_id + "\n" + body.challenge + "\n" +
                crypto::sha256(der).hex();
    body.signature = crypto::base64url_encode(key.sign(text));
    FAIRLEAD_TRY(url, net::Url::parse(base));
    FAIRLEAD_TRY(answer, post<RecoverAnswer>(tls, url, body, alpn));
    return folder.save_certificate(answer.certificate, answer.ca);
}

} // namespace fairlead::link

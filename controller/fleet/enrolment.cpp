#include "controller/fleet/enrolment.hpp"

#include "common/crypto/encoding.hpp"
#include "common/crypto/token.hpp"
#include "controller/access/waits.hpp"
#include "controller/fleet/server_view.hpp"
#include "controller/fleet/token_repo.hpp"
#include "controller/operations/operations.hpp"
#include "controller/orgs/orgs.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace fairlead::fleet {
namespace {

tl::unexpected<Error> refuse(std::string code, std::string message) {
    return fail(Error(Errc::forbidden, std::move(message)).with_code(std::move(code)));
}

/// Why this token may not be used now.
Error refusal(const RegistrationToken& token, Timestamp now) {
    if (token.revoked_ms)
        return Error(
                   Errc::forbidden,
                   fmt::format(
                       "The registration token \"{}\" was revoked. Make a new one in the console.",
                       token.name
                   )
        )
            .with_code("token_revoked");
    if (token.expires_ms <= now)
        return Error(
                   Errc::forbidden, fmt::format(
                                        "The registration token \"{}\" ran out on {}. Make a new "
                                        "one in the console.",
                                        token.name, to_rfc3339(token.expires_ms)
                                    )
        )
            .with_code("token_expired");
    return Error(
               Errc::forbidden,
               fmt::format(
                   "The registration token \"{}\" has been used {} of {} times. Make a new one in "
                   "the console.",
                   token.name, token.uses, token.max_uses
               )
    )
        .with_code("token_used_up");
}

/// "odoo-fra-1", or "odoo-fra-1-2" when that is taken.
Result<std::string> free_name(ServerRepo& servers, const std::string& wanted) {
    for (int suffix = 1; suffix < 1000; ++suffix) {
        auto name = suffix == 1 ? wanted : fmt::format("{}-{}", wanted.substr(0, 60), suffix);
        FAIRLEAD_TRY(taken, servers.has_name(name));
        if (!taken) return name;
    }
    return fail(Error(
                    Errc::conflict,
                    fmt::format("Too many servers are called \"{}\". Enrol with --name.", wanted)
    )
                    .with_code("name_in_use"));
}

} // namespace

std::string pem_to_der(std::string_view pem) {
    auto begin = pem.find("-----\n");
    auto end = pem.rfind("\n-----END");
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin + 6)
        return {};
    std::string packed;
    for (char c : pem.substr(begin + 6, end - begin - 6))
        if (c != '\n' && c != '\r') packed += c;
    auto der = crypto::base64_decode(packed);
    return der ? *der : std::string();
}

std::string
recovery_message(const ServerId& server, std::string_view challenge, std::string_view csr_der) {
    return fmt::format(
        "fairlead-recover/1\n{}\n{}\n{}", server.str(), challenge, crypto::sha256(csr_der).hex()
    );
}

Result<crypto::Csr> read_csr(std::string_view pem) {
    auto csr = crypto::parse_csr(pem);
    if (!csr)
        return fail(Error(Errc::invalid, csr.error().message())
                        .with_code("csr_invalid")
                        .with_fields({{"csr", csr.error().message()}}));
    return csr;
}

namespace {

/// What somebody who guesses gets as an answer. A request that is merely wrong costs no wait.
bool is_failed_proof(const Error& error) {
    static constexpr std::array codes{"token_unknown",     "token_expired",     "token_used_up",
                                      "token_revoked",     "key_revoked",       "challenge_invalid",
                                      "signature_invalid", "recoveries_used_up"};
    return std::ranges::find(codes, error.code()) != codes.end();
}

} // namespace

template <class Proof>
auto Enrolment::guarded(std::string_view purpose, const std::string& address, Proof proof)
    -> decltype(proof()) {
    auto subject = access::wait_of_address(purpose, address);
    auto now = parts_.clock.now();
    auto free = parts_.store.read([&](store::Connection& db) {
        return access::Waits(db).check(subject, now);
    });
    if (!free) return fail(std::move(free).error());
    auto result = proof();
    if (!result && is_failed_proof(result.error())) {
        auto counted = parts_.store.write([&](store::UnitOfWork& unit) {
            return access::Waits(unit.db()).failed(subject, now);
        });
        if (!counted) return fail(std::move(counted).error());
    }
    return result;
}

Result<Enrolled> Enrolment::enrol(const EnrolRequest& request, const api::Actor& actor) {
    return guarded("enrolment", actor.address, [&] { return enrol_now(request, actor); });
}

Result<authority::Issued>
Enrolment::recover(const RecoverRequest& request, const api::Actor& actor) {
    return guarded("recovery", actor.address, [&] { return recover_now(request, actor); });
}

Result<Enrolled> Enrolment::enrol_now(const EnrolRequest& request, api::Actor actor) {
    FAIRLEAD_TRY(csr, read_csr(request.csr));
    if (request.capability < proto::oldest_protocol)
        return fail(Error(
                        Errc::conflict,
                        fmt::format(
                            "This agent speaks protocol {}; this controller needs {} or newer. "
                            "Install a newer agent.",
                            request.capability, proto::oldest_protocol
                        )
        )
                        .with_code("protocol_too_old"));
    if (!crypto::well_formed_token("flt_", request.token))
        return refuse(
            "token_unknown",
            "This is no registration token: a character is wrong or missing. Copy the command from "
            "the console again."
        );
    auto hash = crypto::token_hash(request.token);
    auto now = parts_.clock.now();
    auto key = csr.spki_sha256().hex();

    std::optional<Error> refused; // told after the entry in the audit log is stored
    auto enrolled = parts_.store.write([&](store::UnitOfWork& unit) -> Result<Enrolled> {
        FAIRLEAD_TRY(token, token_by_hash(unit.db(), hash));
        if (!token)
            return refuse(
                "token_unknown",
                "The controller does not know this registration token. Make a new one in the "
                "console, and check that the address is the right controller's."
            );
        auto scope = api::ScopeIssuer::scope(token->org_id);
        TokenRepo tokens(unit.db(), scope);
        ServerRepo servers(unit.db(), scope);

        api::Act act;
        act.action = "server.enroll";
        act.target_type = "server";
        act.target_name = request.name;
        act.after =
            boost::json::object{{"registration_token_id", token->id.str()}, {"key_sha256", key}};
        actor.kind = api::Actor::Kind::server;
        actor.label = request.name;

        FAIRLEAD_TRY(used, tokens.use(token->id, now));
        FAIRLEAD_TRY(key_revoked, key_is_revoked(unit.db(), key));
        FAIRLEAD_TRY(there, servers.count());
        auto room = orgs::require_room(unit.db(), scope, parts_.plans, "servers", there);
        if (!room && room.error().kind() != Errc::forbidden) return fail(std::move(room).error());
        if (!used)
            refused = refusal(*token, now);
        else if (!room)
            refused = std::move(room).error();
        else if (key_revoked)
            refused =
                Error(
                    Errc::forbidden,
                    "This server's key was revoked and is refused for ever. Take the agent off "
                    "(install.sh --uninstall) and enrol again: that makes a new key."
                )
                    .with_code("key_revoked");
        if (refused) {
            // Nothing but this entry is stored: a use that was taken goes back.
            if (used)
                FAIRLEAD_CHECK(unit.db().run(
                    "UPDATE registration_token SET uses = uses - 1 WHERE id = $2 AND org_id = $1",
                    scope.org(), token->id
                ));
            act.outcome = api::Act::Outcome::refused;
            (*act.after)["code"] = refused->code();
            parts_.audit.record(unit, scope, actor, std::move(act));
            return Enrolled{};
        }

        Server server;
        server.id = ServerId::make(now);
        FAIRLEAD_TRY(name, free_name(servers, request.name));
        server.name = name;
        server.labels = token->labels;
        server.enrolled_ms = now;
        server.token_id = token->id;
        server.agent_version = operations::cut(request.agent_version, 60);
        server.capability = request.capability;
        server.facts = facts_text(request.facts, now);
        server.spki_sha256 = key;
        FAIRLEAD_TRY(issued, parts_.authority.issue(unit, scope, server.id, request.csr));
        server.serial = issued.serial;
        server.not_after_ms = issued.not_after;
        FAIRLEAD_CHECK(servers.insert(server));

        actor.id = server.id.str();
        actor.label = server.name;
        act.target_id = server.id.str();
        act.target_name = server.name;
        parts_.audit.record(unit, scope, actor, std::move(act));
        api::publish(unit, parts_.events, {server_event(scope.org(), server)});
        FAIRLEAD_CHECK(announcements_.announce(
            unit, scope, {"server.enrolled", server.id.str(), told_of(server)}
        ));
        return Enrolled{server.id, scope.org(), issued};
    });
    if (enrolled && refused) return fail(*std::move(refused));
    return enrolled;
}

Result<authority::Issued> Enrolment::recover_now(const RecoverRequest& request, api::Actor actor) {
    auto now = parts_.clock.now();
    FAIRLEAD_TRY(csr, read_csr(request.csr));
    if (!challenges_.take(request.server.str(), request.challenge, now))
        return refuse(
            "challenge_invalid",
            "The challenge is not one that this controller gave for this server in the last "
            "60 seconds, or it was answered before. Ask for a new one."
        );
    auto signature = crypto::base64url_decode(request.signature);
    auto message = recovery_message(request.server, request.challenge, pem_to_der(request.csr));
    bool proved = signature && crypto::verify_p256(csr.public_der, message, *signature);

    std::optional<Error> refused;
    auto result = parts_.store.write([&](store::UnitOfWork& unit) -> Result<authority::Issued> {
        FAIRLEAD_TRY(org, org_of_server(unit.db(), request.server));
        if (!org)
            return refuse(
                "server_unknown",
                "This controller does not know the server. Enrol it again with a new token."
            );
        auto scope = api::ScopeIssuer::scope(*org);
        ServerRepo servers(unit.db(), scope);
        FAIRLEAD_TRY(server, servers.get(request.server));

        actor.kind = api::Actor::Kind::server;
        actor.id = server.id.str();
        actor.label = server.name;
        api::Act act;
        act.action = "server.recover";
        act.target_type = "server";
        act.target_id = server.id.str();
        act.target_name = server.name;

        if (server.revoked_ms) {
            refused = Error(
                          Errc::forbidden,
                          "This server was revoked. Enrol it again with a new token and a new key."
            )
                          .with_code("server_revoked");
        } else if (!proved || csr.spki_sha256().hex() != server.spki_sha256) {
            // Anybody can send this; it is not worth an entry that they could fill the log with.
            return refuse(
                "signature_invalid",
                "The signature is not by the key that this server enrolled with."
            );
        } else {
            FAIRLEAD_TRY(counted, servers.count_recovery(server.id));
            if (!counted)
                refused = Error(
                              Errc::forbidden,
                              fmt::format(
                                  "The server's certificate was recovered {} times, which is the "
                                  "most. Enrol it again with a new token.",
                                  max_recoveries
                              )
                )
                              .with_code("recoveries_used_up");
        }
        if (refused) {
            if (!proved) return fail(*refused);
            act.outcome = api::Act::Outcome::refused;
            act.after = boost::json::object{{"code", refused->code()}};
            parts_.audit.record(unit, scope, actor, std::move(act));
            return authority::Issued{};
        }
        FAIRLEAD_TRY(issued, parts_.authority.issue(unit, scope, server.id, request.csr));
        FAIRLEAD_CHECK(servers.store_certificate(server.id, issued.serial, issued.not_after));
        act.after =
            boost::json::object{{"serial", issued.serial}, {"recoveries", server.recoveries + 1}};
        parts_.audit.record(unit, scope, actor, std::move(act));
        FAIRLEAD_TRY(fresh, servers.get(server.id));
        api::publish(unit, parts_.events, {server_event(scope.org(), fresh)});
        return issued;
    });
    if (result && refused) return fail(*std::move(refused));
    return result;
}

} // namespace fairlead::fleet

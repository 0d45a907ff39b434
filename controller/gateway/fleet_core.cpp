#include "controller/gateway/fleet_core.hpp"

#include "common/crypto/encoding.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <algorithm>
#include <optional>

namespace fairlead::gateway {

namespace {

struct State final : LinkState {
    explicit State(fleet::AgentIdentity who) : LinkState(who.server), identity(std::move(who)) {}
    std::string_view id() const override {
        return link ? std::string_view(link->id) : std::string_view();
    }

    std::uint32_t protocol() const override { return spoken; }

    fleet::AgentIdentity identity;
    std::uint32_t spoken = 0;
    std::optional<operations::AgentLink> link; // from the hello on
    std::int64_t newest_authority = 0;

    std::uint64_t witnessed = 0; // entries of the audit log that the server has seen
    std::int64_t offered = 0;    // of the newest state that it was shown
    bool answer_due = false;     // to that one; the next follows the answer

    std::uint64_t keys_told = 0; // TunnelKeys::changes() when it was told of them
};

State& state_of(LinkState& link) {
    return static_cast<State&>(link);
}

tl::unexpected<Error> protocol_error(std::string message) {
    return fail(Error(Errc::invalid, std::move(message)).with_code("protocol_error"));
}

Replies encoded(const std::vector<proto::ToAgent>& messages) {
    Replies replies;
    replies.messages.reserve(messages.size());
    for (const auto& message : messages) replies.messages.push_back(proto::encode(message));
    return replies;
}

/// Nothing here is secret: anybody may fetch the same by HTTP.
proto::PackagePart part_of(const install::Packages& packages, const proto::PackageWanted& wanted) {
    proto::PackagePart answer;
    answer.file = wanted.file.substr(0, 200);
    answer.offset = wanted.offset;
    auto part = packages.part(answer.file, wanted.offset, proto::largest_package_part);
    if (part) {
        answer.size = part->size;
        answer.data = crypto::base64_encode(part->data);
    } else {
        answer.problem = part.error().message() +
                         " The packages of the controller were replaced, perhaps: try again.";
    }
    return answer;
}

Result<crypto::Digest> digest_from(std::string_view hex) {
    crypto::Digest digest;
    if (hex.size() != 2 * digest.bytes.size())
        return fail(Errc::internal, "A hash has the wrong length.");
    auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < digest.bytes.size(); ++i)
        digest.bytes[i] = static_cast<std::uint8_t>(value(hex[2 * i]) * 16 + value(hex[2 * i + 1]));
    return digest;
}

} // namespace

Result<std::unique_ptr<LinkState>> FleetCore::identify(const net::PeerCertificate& certificate) {
    crypto::CertificateFacts facts;
    facts.common_name = certificate.common_name;
    facts.names.dns = certificate.dns_names;
    facts.names.uri = certificate.uris;
    facts.serial = certificate.serial;
    facts.not_before = certificate.not_before;
    facts.not_after = certificate.not_after;
    FAIRLEAD_TRY(key, digest_from(certificate.key_hash));
    FAIRLEAD_TRY(whole, digest_from(certificate.fingerprint));
    facts.spki_sha256 = key;
    facts.fingerprint = whole;
    FAIRLEAD_TRY(identity, parts_.service.identify(facts));
    return std::unique_ptr<LinkState>(std::make_unique<State>(std::move(identity)));
}

Result<Replies> FleetCore::hello(LinkState& link, std::string_view text) {
    auto& state = state_of(link);
    auto message = proto::decode_from_agent(text);
    if (!message) return protocol_error(message.error().message());
    const auto* hello = std::get_if<proto::Hello>(&*message);
    if (!hello) return protocol_error("The first message must be a hello.");
    FAIRLEAD_TRY(greeting, parts_.service.hello(state.identity, *hello));
    state.link = greeting.link;
    state.spoken = std::min(hello->protocol, proto::protocol);
    state.newest_authority = greeting.newest_authority;
    state.witnessed = hello->witness.size;
    const auto& who = state.identity;
    FAIRLEAD_CHECK(parts_.witnesses.told(who.scope, who.server, who.name, hello->witness));
    if (state.spoken >= proto::streams_since) {
        FAIRLEAD_TRY(keys, tunnel_keys(state));
        greeting.messages.emplace_back(std::move(keys));
    }
    return encoded(greeting.messages);
}

/// As they are now or later: what changes meanwhile is told again.
Result<proto::TunnelKeys> FleetCore::tunnel_keys(LinkState& link) {
    auto& state = state_of(link);
    state.keys_told = parts_.tunnel_keys.changes();
    return parts_.tunnel_keys.told(state.identity.scope);
}

Result<Replies> FleetCore::message(LinkState& link, std::string_view text) {
    auto& state = state_of(link);
    auto decoded = proto::decode_from_agent(text);
    if (!decoded) return protocol_error(decoded.error().message());
    const auto& who = *state.link;
    if (const auto* reports = std::get_if<proto::Reports>(&*decoded)) {
        FAIRLEAD_TRY(ack, parts_.service.reports(who, *reports));
        return encoded({ack});
    }
    if (const auto* facts = std::get_if<proto::FactsMessage>(&*decoded)) {
        FAIRLEAD_CHECK(parts_.service.facts(who, *facts, state.newest_authority));
        if (state.answer_due) return Replies();
        FAIRLEAD_TRY(offer, parts_.witnesses.newest(who.scope, state.witnessed, state.offered));
        if (!offer) return Replies();
        state.offered = offer->size;
        state.answer_due = true;
        return encoded({offer->message});
    }
    if (const auto* inventory = std::get_if<proto::Inventory>(&*decoded)) {
        FAIRLEAD_CHECK(parts_.service.inventory(who, *inventory));
        return Replies();
    }
    if (const auto* renew = std::get_if<proto::Renew>(&*decoded)) {
        FAIRLEAD_TRY(certificate, parts_.service.renew(who, *renew));
        return encoded({certificate});
    }
    if (const auto* wanted = std::get_if<proto::PackageWanted>(&*decoded))
        return encoded({part_of(parts_.packages, *wanted)});
    if (const auto* answer = std::get_if<proto::AuditWitness>(&*decoded)) {
        state.witnessed = answer->witness.size;
        state.answer_due = false;
        const auto& name = state.identity.name;
        FAIRLEAD_CHECK(parts_.witnesses.told(who.scope, who.server, name, answer->witness));
        return Replies();
    }
    return protocol_error("A second hello came.");
}

Result<bool> FleetCore::due(LinkState& link) {
    auto& state = state_of(link);
    if (!state.link) return false; // woken before the hello; the hello asks again
    if (state.spoken >= proto::streams_since && state.keys_told != parts_.tunnel_keys.changes()) {
        FAIRLEAD_TRY(keys, tunnel_keys(state));
        parts_.links.send(state.server, state.link->id, encoded({std::move(keys)}).messages);
    }
    return parts_.service.due(*state.link);
}

void FleetCore::closed(LinkState& link) {
    auto& state = state_of(link);
    if (!state.link) return;
    auto told = parts_.service.closed(*state.link);
    if (!told)
        log::error(
            "a closed link could not be noted", {{"server", link.server.str()},
                                                 {"reason", told.error().message()},
                                                 {"detail", told.error().detail()}}
        );
}

std::string FleetCore::refusal(std::string_view code, std::string_view message) {
    proto::Refused refused;
    refused.code = code;
    refused.message = message;
    return proto::encode(proto::ToAgent(refused));
}

} // namespace fairlead::gateway

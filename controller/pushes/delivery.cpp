#include "controller/pushes/delivery.hpp"

#include "common/crypto/hash.hpp"

#include <array>

namespace fairlead::pushes {
namespace {

struct Way {
    Provider provider;
    std::string_view event;       ///< header that names the event
    std::string_view id, or_else; ///< headers with the delivery's id
};

// Forgejo and Gitea also send the headers of GitHub, for programs that know only those: they are
// asked first.
constexpr std::array ways{
    Way{Provider::gitea, "x-forgejo-event", "x-forgejo-delivery", "x-gitea-delivery"},
    Way{Provider::gitea, "x-gitea-event", "x-gitea-delivery", ""},
    Way{Provider::gitlab, "x-gitlab-event", "idempotency-key", "x-gitlab-event-uuid"},
    Way{Provider::bitbucket, "x-event-key", "x-request-uuid", ""},
    Way{Provider::github, "x-github-event", "x-github-delivery", ""},
};

constexpr std::size_t most_event = 64, most_id = 200;

/// `given` is "<prefix><hex>" of HMAC-SHA256.
bool signed_by(
    const api::Request& request, std::string_view given, std::string_view prefix,
    const Secret& secret
) {
    if (!given.starts_with(prefix)) return false;
    given.remove_prefix(prefix.size());
    return crypto::same(given, crypto::hmac_sha256(secret.reveal(), request.body).hex());
}

} // namespace

std::string_view name_of(Provider provider) {
    switch (provider) {
    case Provider::github:
        return "GitHub";
    case Provider::gitlab:
        return "GitLab";
    case Provider::bitbucket:
        return "Bitbucket";
    case Provider::gitea:
        return "Gitea";
    }
    return "";
}

std::optional<Delivery> delivery_of(const api::Request& request) {
    for (const auto& way : ways) {
        auto event = request.header(way.event);
        if (event.empty() || event.size() > most_event) continue;
        auto id = request.header(way.id);
        if (id.empty() && !way.or_else.empty()) id = request.header(way.or_else);
        return Delivery{way.provider, std::string(event), std::string(id.substr(0, most_id))};
    }
    return std::nullopt;
}

bool proved(const api::Request& request, Provider provider, const Secret& secret) {
    constexpr std::string_view named = "sha256=";
    auto header = [&](std::string_view name) { return request.header(name); };
    switch (provider) {
    case Provider::github:
        return signed_by(request, header("x-hub-signature-256"), named, secret);
    case Provider::bitbucket:
        return signed_by(request, header("x-hub-signature"), named, secret);
    case Provider::gitlab:
        return secret.equals(header("x-gitlab-token"));
    case Provider::gitea:
        for (std::string_view plain : {"x-forgejo-signature", "x-gitea-signature"})
            if (auto given = header(plain); !given.empty())
                return signed_by(request, given, "", secret);
        return signed_by(request, header("x-hub-signature-256"), named, secret);
    }
    return false;
}

} // namespace fairlead::pushes

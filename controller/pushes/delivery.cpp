#include "controller/pushes/delivery.hpp"

#include "common/crypto/hash.hpp"
#include "common/crypto/webhook.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

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

/// GitLab (19.1 and newer) signs by Standard Webhooks where a hook has a signing token.
constexpr std::string_view signature_header = "webhook-signature", id_header = "webhook-id";
/// How far the sender's clock may be from ours, and how long a signed request may be sent again.
constexpr auto most_difference = std::chrono::minutes(5);

bool in_time(const api::Request& request, std::string_view timestamp) {
    std::int64_t seconds = 0;
    auto [end, failed] =
        std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
    if (failed != std::errc() || end != timestamp.data() + timestamp.size()) return false;
    auto now = std::chrono::floor<std::chrono::seconds>(request.at).time_since_epoch().count();
    return seconds >= now - std::chrono::seconds(most_difference).count() &&
           seconds <= now + std::chrono::seconds(most_difference).count();
}

bool signed_as_standard(const api::Request& request, const Secret& secret) {
    auto timestamp = request.header("webhook-timestamp"), id = request.header(id_header);
    auto wanted = crypto::sign_webhook(secret, id, timestamp, request.body);
    if (!wanted || id.empty() || !in_time(request, timestamp)) return false;
    auto signatures = request.header(signature_header);
    bool found = false;
    while (!signatures.empty()) {
        auto end = std::min(signatures.find(' '), signatures.size());
        if (crypto::same(signatures.substr(0, end), *wanted)) found = true;
        signatures.remove_prefix(std::min(end + 1, signatures.size()));
    }
    return found;
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
        // Of the two that GitLab sends, the one that is signed.
        if (way.provider == Provider::gitlab && !request.header(signature_header).empty())
            id = request.header(id_header);
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
        if (signed_as_standard(request, secret)) return true;
        return !header("x-gitlab-token").empty() && secret.equals(header("x-gitlab-token"));
    case Provider::gitea:
        for (std::string_view plain : {"x-forgejo-signature", "x-gitea-signature"})
            if (auto given = header(plain); !given.empty())
                return signed_by(request, given, "", secret);
        return signed_by(request, header("x-hub-signature-256"), named, secret);
    }
    return false;
}

} // namespace fairlead::pushes

// From a request that anybody may send to a push that is somebody's.
#include "common/crypto/hash.hpp"
#include "common/crypto/token.hpp"
#include "common/json/json.hpp"
#include "controller/access/waits.hpp"
#include "controller/pushes/pushes.hpp"

#include <fmt/core.h>

namespace fairlead::pushes {
namespace {

/// The same for a hook that is not known and for one whose secret did not sign the body.
tl::unexpected<Error> refused() {
    return fail(Error(
                    Errc::unauthenticated,
                    "There is no such hook, or its secret did not sign this body. Compare address "
                    "and secret with what Fairlead showed when the hook was made, or rotate the "
                    "secret there. The content type is application/json."
    )
                    .with_code("hook_refused"));
}

/// Ids are the sender's word: kept as digests, so that they have one length.
std::string digest_of(const Delivery& delivery) {
    return crypto::sha256(fmt::format("{}/{}", name_of(delivery.provider), delivery.id)).hex();
}

} // namespace

Result<> Pushes::allow(std::string_view bucket, const api::Request& request) {
    using Who = access::RateLimiter::Who;
    bool address = bucket.empty();
    auto caller = address ? access::wait_of_address("push", request.address) : std::string(bucket);
    std::optional<api::Rate> rate;
    auto taken = rates_.take(
        address ? Who::key : Who::session, caller, access::RateLimiter::Kind::write, request.at,
        rate
    );
    if (taken) return {};
    Error error(
        Errc::rate_limited,
        fmt::format(
            "More than {} requests a minute {}. Send it again later.",
            address ? most_of_address : most_of_hook, address ? "from one address" : "to one hook"
        )
    );
    for (const auto& [name, value] : taken.error().facts())
        error = std::move(error).with_fact(name, value);
    return fail(std::move(error));
}

Result<bool>
Pushes::proved_by(const Place& place, const api::Request& request, const Delivery& delivery) {
    struct Found {
        Hook hook;
        SealedSecrets secrets;
    };
    auto scope = api::ScopeIssuer::scope(place.org_id);
    FAIRLEAD_TRY(found, parts_.store.read([&](store::Connection& db) -> Result<Found> {
        PushRepo repo(db, scope);
        FAIRLEAD_TRY(hook, repo.get(place.environment_id));
        FAIRLEAD_TRY(secrets, repo.secrets(place.environment_id));
        return Found{hook, secrets};
    }));
    auto context = secret_context(place.environment_id);
    FAIRLEAD_TRY(secret, parts_.keys.open(found.secrets.sealed.bytes, context));
    if (proved(request, delivery.provider, secret)) return true;
    bool overlaps = found.hook.old_until_ms && *found.hook.old_until_ms > request.at;
    if (!overlaps || !found.secrets.sealed_old) return false;
    FAIRLEAD_TRY(old, parts_.keys.open(found.secrets.sealed_old->bytes, context));
    return proved(request, delivery.provider, old);
}

Result<Received> Pushes::receive(const api::Request& request, std::string_view token) {
    FAIRLEAD_CHECK(allow("", request));
    auto delivery = delivery_of(request);
    if (!delivery || !crypto::well_formed_token("", token)) return refused();
    FAIRLEAD_TRY(place, parts_.store.read([&](store::Connection& db) {
        return place_of(db, token);
    }));
    bool good = false;
    if (place) {
        auto checked = proved_by(*place, request, *delivery);
        // Deleted in between.
        if (!checked && checked.error().kind() != Errc::not_found)
            return fail(
                Errc::internal, "The hook's secret cannot be opened.", checked.error().message()
            );
        good = checked && *checked;
    } else {
        // As much work as for a hook that there is.
        static_cast<void>(proved(request, delivery->provider, Secret(std::string(token))));
    }
    auto bucket = fmt::format("{}/{}", good ? "taken" : "refused", token);
    FAIRLEAD_CHECK(allow(bucket, request));
    if (!good) {
        if (place)
            FAIRLEAD_CHECK(parts_.store.write([&](store::UnitOfWork& unit) {
                auto scope = api::ScopeIssuer::scope(place->org_id);
                return PushRepo(unit.db(), scope).count_refused(place->environment_id, request.at);
            }));
        return refused();
    }
    FAIRLEAD_TRY(body, json::parse(request.body));
    FAIRLEAD_TRY(payload, read_payload(*delivery, body));
    return parts_.store.write([&](store::UnitOfWork& unit) {
        return take(unit, *place, request, *delivery, payload);
    });
}

Result<Received> Pushes::take(
    Unit& unit, const Place& place, const api::Request& request, const Delivery& delivery,
    const Payload& payload
) {
    auto scope = api::ScopeIssuer::scope(place.org_id);
    PushRepo repo(unit.db(), scope);
    FAIRLEAD_TRY(hook, repo.find(place.environment_id));
    environments::EnvironmentRepo all(unit.db(), scope);
    FAIRLEAD_TRY(environment, all.find(place.environment_id));
    if (!hook || !environment) return refused();

    // Ids are not signed, so the newest body is known too. GitLab signs nothing: whoever can send
    // that again has the secret.
    auto id = digest_of(delivery);
    auto digest = crypto::sha256(request.body).hex();
    FAIRLEAD_TRY(known, repo.knows(environment->id, id));
    bool again = delivery.provider != Provider::gitlab && digest == hook->last_body;
    if ((known && !delivery.id.empty()) || again) return Received{true, {}};

    Push push;
    push.id = PushId::make(parts_.clock.now());
    push.environment_id = environment->id;
    push.provider = delivery.provider;
    push.event = delivery.event;
    push.repository = payload.repository;
    push.pusher = payload.pusher;
    push.received_ms = request.at;
    bool settled = false;
    auto made_of = sources(unit.db(), scope, *environment, &*hook);
    if (!made_of) {
        if (made_of.error().kind() == Errc::internal) return fail(std::move(made_of).error());
        push.outcome = Outcome::refused;
        push.reason = reason_of(made_of.error());
        push.detail = made_of.error().message();
    } else {
        auto judgement = judge(delivery, payload, *made_of);
        push.branch = judgement.branch;
        push.commit_id = judgement.commit;
        push.reason = judgement.reason;
        push.detail = judgement.detail;
        settled = judgement.settled;
        if (judgement.reason.empty()) {
            api::Actor actor;
            actor.label = "push hook";
            actor.address = request.address;
            actor.user_agent = request.user_agent();
            actor.request_id = request.request_id;
            FAIRLEAD_CHECK(decide(unit, scope, actor, *environment, *hook, push));
            settled = push.outcome != Outcome::refused;
        }
    }
    // What was refused may be sent again when the reason is gone.
    if (settled) {
        hook->last_body = digest;
        if (!delivery.id.empty()) FAIRLEAD_CHECK(repo.remember(environment->id, id, request.at));
    }
    FAIRLEAD_CHECK(repo.update(*hook));
    FAIRLEAD_CHECK(put(unit, scope, *environment, push));
    FAIRLEAD_CHECK(repo.forget_old(environment->id));
    return Received{false, std::move(push)};
}

} // namespace fairlead::pushes

// Where one subject does something for another: what the subjects themselves know only as
// functions.
#include "common/runtime/log.hpp"
#include "controller/access/keys.hpp"
#include "controller/access/passkey_repo.hpp"
#include "controller/app/acme.hpp"
#include "controller/app/application.hpp"
#include "controller/app/cloudflare.hpp"
#include "controller/app/edge.hpp"
#include "controller/app/outside.hpp"
#include "controller/app/providers.hpp"
#include "controller/certificates/letters.hpp"
#include "controller/domains/letters.hpp"
#include "controller/members/member_repo.hpp"

#include <algorithm>
#include <variant>

namespace fairlead::app {
namespace {

sso::Entered entered(access::SignIn signed_in) {
    if (auto* waits = std::get_if<access::SecondStepAsked>(&signed_in))
        return sso::Waiting{std::move(waits->challenge), std::move(waits->methods)};
    return std::get<access::OpenedSession>(std::move(signed_in));
}

} // namespace

sso::Sso::Parts Application::sso_parts() {
    sso::Door door;
    door.enter = [this](
                     auto& unit, const auto& caller, const auto& user, const auto& proof
                 ) -> Result<sso::Entered> {
        FAIRLEAD_TRY(signed_in, accounts_.proceed(unit, caller, user, proof));
        return entered(std::move(signed_in));
    };
    door.welcome = [this](auto& unit, const auto& caller, const auto& email, const auto& name) {
        return registration_.welcome(unit, caller, email, name);
    };
    door.has_other_way = [](store::Connection& db, const access::User& user) -> Result<bool> {
        if (!user.password_hash.empty()) return true;
        FAIRLEAD_TRY(passkeys, access::PasskeyRepo(db).of(user.id));
        return std::ranges::any_of(passkeys, [](const auto& one) { return one.user_verified; });
    };
    return {
        store_,
        keys_,
        accounts_,
        sessions_,
        public_url(settings_, endpoint_.port),
        fetch_from_providers(operators_way(settings_)),
        std::move(door)};
}

void Application::join_webhooks() {
    operations_.use(operation_news_);
    live_.use(webhook_queue_);
    backups_.use(webhook_queue_);
    enrolment_.use(webhook_queue_);
    agents_.use(webhook_queue_);
    notary_.use(webhook_queue_);
    alerts_.use(webhook_queue_);
    courier_ = std::make_unique<webhooks::Courier>(webhook_queue_, *outbound_, clock_);
    webhook_queue_.on_due([this](const webhooks::Turn& turn, Timestamp at) {
        courier_->due(turn, at);
    });
    webhooks_.on_gone([this](const WebhookId& id) { courier_->forget(id); });
    webhook_queue_.on_failing(
        [this](
            store::UnitOfWork& unit, const api::OrgScope& scope, const webhooks::Webhook& webhook
        ) -> Result<> {
            // To whoever made it, if they still belong there.
            FAIRLEAD_TRY(maker, members::MemberRepo(unit.db(), scope).find(webhook.created_by));
            if (!maker) return {};
            auto now = clock_.now();
            auto put = mailing_.outbox().put(
                unit,
                {"webhook_disabled/" + webhook.id.str(), maker->email, "A webhook was disabled",
                 "The webhook to " + webhook.origin() + " was disabled.\n\n" +
                     webhook.disabled_message +
                     "\n\nNothing is sent to it until somebody enables it again, at " +
                     public_url(settings_, endpoint_.port) + "\n",
                 Secret(), now + std::chrono::hours(24 * 3)},
                now
            );
            // A full outbox is no reason to go on calling a receiver that is gone.
            if (!put)
                log::warning(
                    "nobody is written to about a webhook that was disabled",
                    {{"webhook", webhook.id.str()}, {"reason", put.error().message()}}
                );
            return {};
        }
    );
}

alerts::Alerts::Parts Application::alert_parts() {
    auto post = [this](
                    store::UnitOfWork& unit, const std::string& kind, const std::string& to,
                    const alerts::AlertLetter& letter
                ) {
        auto now = clock_.now();
        // What is told a day late is no news.
        return mailing_.outbox().put(
            unit, {kind, to, letter.subject, letter.text, Secret(), now + std::chrono::hours(24)},
            now
        );
    };
    return {
        .store = store_,
        .events = events_,
        .audit = audit_,
        .newest = recorder_.newest(),
        .clock = clock_,
        .url = public_url(settings_, endpoint_.port),
        .post = std::move(post)};
}

void Application::join_domains() {
    domains_.use(webhook_queue_);
    checker_ = std::make_unique<domains::Checker>(domains_, looker_, clock_);
    domains_.on_due([this] { checker_->wake(); });
    domains_.on_news(
        [this](
            store::UnitOfWork& unit, const api::OrgScope& scope, const domains::Domain& domain,
            domains::News news
        ) -> Result<> {
            auto kind = "domain/" + domain.id.str();
            auto letter = domains::letter_of(domain, news);
            letter.text += "\n\n" + public_url(settings_, endpoint_.port) + "\n";
            // To whoever claimed it, or to the owners where they do not belong there any more.
            FAIRLEAD_TRY(maker, members::MemberRepo(unit.db(), scope).find(domain.created_by));
            if (!maker) return write_to_owners(unit, scope, kind, letter.subject, letter.text);
            auto now = clock_.now();
            auto put = mailing_.outbox().put(
                unit,
                {kind, maker->email, letter.subject, letter.text, Secret(),
                 now + std::chrono::hours(24 * 3)},
                now
            );
            // A full outbox is no reason to route what is not proved.
            if (!put)
                log::warning(
                    "nobody is written to about a domain",
                    {{"domain", domain.id.str()}, {"reason", put.error().message()}}
                );
            return {};
        }
    );
}

certificates::Certificates::Parts Application::certificate_parts() {
    return {
        .store = store_,
        .events = events_,
        .audit = audit_,
        .keys = keys_,
        .clock = clock_,
        .faces = faces_of(tls_),
        // Where Cloudflare ends TLS for them, their certificates are its matter.
        .routed = [this](store::Connection& db) -> Result<certificates::Names> {
            if (cloudflare_settings(settings_)) return certificates::Names();
            return routed_names(db);
        },
        .own_names = own_names(settings_),
        .client = acme_.get(),
        .authority = acme_authority(settings_),
        .chance = random_chance};
}

cloudflare::Hostnames::Parts Application::hostname_parts() {
    return {
        .store = store_,
        .events = events_,
        .audit = audit_,
        .clock = clock_,
        .routed = &routed_names,
        .own_names = own_names(settings_),
        .api = zone_api_.get(),
        .zone = cloudflare_zone(settings_),
        .chance = random_chance};
}

void Application::join_certificates() {
    edge_certificates_.on_due([this] { keeper_.wake(); });
    edge_certificates_.on_trouble(
        [this](
            store::UnitOfWork& unit, const api::OrgScope& scope, const certificates::News& news
        ) -> Result<> {
            auto letter = certificates::letter_of(news);
            bool ending = news.trouble == certificates::Trouble::ending;
            // A kind for each: the next letter, of other names, does not replace this one.
            auto kind = std::string(ending ? "certificate_ending/" : "certificate_failing/") +
                        news.certificates.front().id.str();
            return write_to_owners(
                unit, scope, kind, letter.subject,
                letter.text + " " + public_url(settings_, endpoint_.port) + "\n"
            );
        }
    );
}

/// A full outbox is no reason to undo what they are told of.
Result<> Application::write_to_owners(
    store::UnitOfWork& unit, const api::OrgScope& scope, const std::string& kind,
    const std::string& subject, const std::string& text
) {
    constexpr std::int64_t most_owners = 50;
    FAIRLEAD_TRY(owners, members::MemberRepo(unit.db(), scope).owners(most_owners));
    auto now = clock_.now();
    for (const auto& owner : owners) {
        auto put = mailing_.outbox().put(
            unit, {kind, owner.email, subject, text, Secret(), now + std::chrono::hours(24 * 3)},
            now
        );
        if (!put)
            log::warning(
                "an owner is not written to", {{"kind", kind}, {"reason", put.error().message()}}
            );
    }
    return {};
}

members::Parts Application::member_parts() {
    members::Parts parts{
        .store = store_,
        .audit = audit_,
        .events = events_,
        .plans = plans_,
        .sessions = sessions_,
        .hasher = hasher_,
        .url = public_url(settings_, endpoint_.port),
        .plan_of_new = settings_.plan_of_new_organizations};
    parts.may_register = settings_.registration != access::Openness::closed;
    parts.mail =
        [this](store::UnitOfWork& unit, const members::InvitationLetter& letter) -> Result<bool> {
        // A kind for each: a second invitation does not replace the first.
        FAIRLEAD_CHECK(mailing_.outbox().put(
            unit,
            {"invitation/" + letter.invitation, letter.to, letter.subject, letter.text,
             Secret(std::string(letter.link.reveal())), letter.expires},
            clock_.now()
        ));
        return mailing_.outbox().delivery() == mail::Delivery::by_mail;
    };
    parts.unmail = [this](store::UnitOfWork& unit, std::string_view id, std::string_view to) {
        return mailing_.outbox().withdraw(unit, "invitation/" + std::string(id), to);
    };
    parts.knows_provider = [this](std::string_view slug) { return sso_.find(slug).has_value(); };
    parts.connect_as_withdrawn =
        [this](store::UnitOfWork& unit, const api::OrgScope& org, const UserId& user) {
            return connect_.end_those_of(unit, org, user, clock_.now());
        };
    parts.left =
        [this](store::UnitOfWork& unit, const api::OrgScope& org, const UserId& user) -> Result<> {
        FAIRLEAD_CHECK(access::end_keys_of(unit, org, user, audit_, events_));
        return connect_.end_those_of(unit, org, user, clock_.now());
    };
    parts.connect_as_off = [this](store::UnitOfWork& unit, const api::OrgScope& org) {
        return connect_.end_all(unit, org, {}, clock_.now());
    };
    return parts;
}

} // namespace fairlead::app

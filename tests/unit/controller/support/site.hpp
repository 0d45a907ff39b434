/// A controller without a network: store, access, audit and a router, driven by a clock that stands
/// still.
#pragma once

#include "common/store/memory_db.hpp"
#include "controller/access/account.hpp"
#include "controller/access/account_routes.hpp"
#include "controller/access/accounts.hpp"
#include "controller/access/connect_routes.hpp"
#include "controller/access/guard.hpp"
#include "controller/access/idempotency.hpp"
#include "controller/access/key_routes.hpp"
#include "controller/access/passkey_routes.hpp"
#include "controller/access/registration.hpp"
#include "controller/access/routes.hpp"
#include "controller/access/schema.hpp"
#include "controller/access/support_routes.hpp"
#include "controller/api/events.hpp"
#include "controller/api/router.hpp"
#include "controller/audit/log.hpp"
#include "controller/audit/notary.hpp"
#include "controller/audit/routes.hpp"
#include "controller/audit/schema.hpp"
#include "controller/mail/outbox.hpp"
#include "controller/mail/schema.hpp"
#include "controller/orgs/orgs.hpp"
#include "controller/orgs/schema.hpp"

#include <boost/json.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fairlead::test {

struct Reply {
    int status = 0;
    std::string text;
    boost::json::value json;
    std::string cookie;  ///< value that was set
    std::string connect; ///< the same of the Connect-As cookie
    std::string retry_after;
    std::string rate; ///< limit, remaining and reset of the RateLimit headers
    std::optional<api::EventStream> events;

    std::string code() const { return std::string(json.at("code").as_string()); }
};

/// One browser: it keeps its cookie.
struct Browser {
    std::string cookie;
    std::string address = "192.0.2.1";
    std::string connect{}; ///< the cookie of a Connect-As session
    std::vector<std::pair<std::string, std::string>> headers{}; ///< sent with each request
};

/// Remembers what was published; the newest event is number 7.
struct RecordedEvents final : api::EventSink {
    void publish(api::Event event) override { events.push_back(std::move(event)); }
    std::uint64_t position() const override { return 7; }
    bool can_resume(std::uint64_t id) const override { return id >= 5 && id <= 7; }
    void end_streams(std::string bond) override { ended.push_back(std::move(bond)); }
    std::vector<api::Event> events;
    std::vector<std::string> ended;
};

class Site {
public:
    explicit Site(access::Rates allowed = {}, access::SessionLimits limits = {});

    /// Sends what a browser on the console's own page would send.
    Reply
    send(Browser& browser, std::string method, std::string path, boost::json::value body = nullptr);
    /// The same with an Idempotency-Key.
    Reply repeat(Browser& browser, std::string key, std::string path, boost::json::value body);
    /// Sends exactly this.
    Reply send_raw(api::Request request);

    /// A person with a password, member of an organization of their own.
    UserId add_user(const std::string& email, const std::string& role = "admin", bool owner = true);
    OrgId org_of(const std::string& email);
    std::string
    link_for(const std::string& email, std::chrono::seconds good_for = std::chrono::hours(24));
    std::vector<std::string> audited(const OrgId& org);
    /// The newest letter to somebody that waits to be sent, the token of its link, and how many
    /// there are.
    mail::Message mailed_to(const std::string& email);
    std::string token_mailed_to(const std::string& email);
    std::size_t letters_to(const std::string& email);

    static Result<boost::json::array> no_things(store::Connection&, const api::OrgScope&) {
        return boost::json::array();
    }

    static constexpr auto password = "four words without sense";

    FakeClock clock;
    std::vector<store::Migration> steps{
        {1, "orgs", orgs::first_tables},
        {2, "access", access::first_tables},
        {3, "audit", audit::first_tables},
        {4, "idempotency", access::idempotency_table},
        {5, "roles", orgs::roles_and_settings},
        {6, "proofs", access::proofs},
        {7, "keys", access::keys_and_rates},
        {8, "connect", access::connect_and_support},
        {9, "mail", mail::first_tables},
        {10, "second factors", access::second_factor_tables},
        {11, "passkeys", access::passkey_table},
        {12, "invitations", orgs::invitations},
        {13, "invitation letters", orgs::invitation_letters},
        {14, "signed horizons", audit::signed_horizons}};
    store::TemporaryStore store{steps};
    audit::Log log{clock};
    access::Sessions sessions;
    access::PasswordHasher hasher{crypto::PasswordCost{1, 8192}};
    crypto::Keystore keys = crypto::Keystore::ephemeral();
    access::SecondFactors factors;
    access::Accounts accounts{{store.store(), sessions, hasher, log, factors, keys}};
    access::SecondStep second_step{{store.store(), sessions, hasher, accounts, factors, keys}};
    mail::Outbox outbox{store.store(), keys, mail::Delivery::by_mail};
    access::Account account{{store.store(), sessions, accounts, factors, keys, outbox}};
    access::Registration registration{
        {store.store(), sessions, hasher, accounts, keys, log, outbox,
         access::Letters("https://fairlead.example"), access::Openness::open}};
    orgs::Plans plans;
    access::SessionView view{
        {store.store(), sessions, plans, [] {
             return access::ControllerFacts{"fairlead.example", "0.1.0", "cGlu", true};
         }}};
    access::PasskeyCeremony ceremony{access::RelyingParty::of("https://fairlead.example").value()};
    access::Passkeys passkeys{{store.store(), sessions, accounts, factors, ceremony}};
    access::PasskeyProofs passkey_proofs{{store.store(), accounts, second_step, ceremony}};
    access::RateLimiter rates;
    audit::Notary notary{store.store(), keys, "fairlead.example"};
    access::Idempotency idempotency{store.store(), keys};
    access::ConnectTokens connect_tokens{store.store(), keys};
    access::ConnectVisits connect_visits{store.store()};
    access::Guard guard{
        {store.store(),
         sessions,
         rates,
         plans,
         connect_tokens,
         connect_visits,
         {"https://fairlead.example"}}};
    RecordedEvents events;
    audit::RouteParts audit_parts{{store.store(), log, events}, notary, plans};
    /// Projects that there are.
    std::set<ProjectId> projects;
    access::UnknownProjects unknown_projects =
        [this](store::Connection&, const api::OrgScope&, const std::vector<ProjectId>& asked) {
            std::vector<ProjectId> unknown;
            for (const auto& id : asked)
                if (!projects.contains(id)) unknown.push_back(id);
            return Result<std::vector<ProjectId>>(std::move(unknown));
        };
    access::KeyRoutes key_parts{{store.store(), log, events}, unknown_projects};
    access::Connect connect{{store.store(), connect_tokens, log, events}};
    access::ConnectRoutes connect_parts{{store.store(), log, events},
                                        connect,
                                        connect_tokens,
                                        connect_visits,
                                        plans,
                                        unknown_projects};
    access::Support support{{store.store(), log, {}, no_things, no_things}};
    access::SupportRoutes support_parts{{store.store(), log, events}, support};
    orgs::RouteParts org_parts{
        store.store(),
        log,
        events,
        plans,
        {[this](store::Connection&, const api::OrgScope&, orgs::Counts& counts) -> Result<> {
            counts.servers += servers;
            return {};
        }}};
    std::int64_t servers = 3; ///< that every organization is said to have
    api::RouteTable table;
    std::deque<SessionId> ended;
    std::unique_ptr<api::Router> router;
};

} // namespace fairlead::test

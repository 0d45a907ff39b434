/// What the gateway asks of the core when an agent says something.
#pragma once

#include "common/crypto/x509.hpp"
#include "controller/api/announcer.hpp"
#include "controller/authority/authority.hpp"
#include "controller/fleet/login_watch.hpp"
#include "controller/fleet/measure_watch.hpp"
#include "controller/fleet/residents.hpp"
#include "controller/fleet/ssh_watch.hpp"
#include "controller/operations/operations.hpp"

#include <string>
#include <vector>

namespace fairlead::fleet {

/// Who a client certificate belongs to.
struct AgentIdentity {
    api::OrgScope scope;
    ServerId server;
    std::string name;
};

/// The answer to a hello.
struct Greeting {
    operations::AgentLink link;           ///< hand it in with everything that follows on this link
    std::vector<proto::ToAgent> messages; ///< the welcome first; then call due()
    std::int64_t newest_authority = 0;    ///< that the welcome names; for facts()
};

/// Thread-safe; blocks on the store, so worker threads only. For one link, one call at a time and
/// in the order of its messages. Each call is one transaction; what it returns may be sent, because
/// it is durable.
///
/// An error's code is what `proto::Refused` and the close reason say; after an error the link is
/// closed. Errc::unavailable (the store is busy) is "going_away": the agent comes back.
class AgentService {
public:
    struct Parts {
        store::Store& store;
        api::EventSink& events;
        api::AuditLog& audit;
        operations::Operations& operations;
        authority::Authority& authority;
        const Clock& clock;
    };
    struct Settings {
        std::string version; ///< of the controller
        std::vector<std::string>
            controllers; ///< "host:port", in order; empty: agents keep what they have
        std::uint32_t heartbeat_s = 15;
        std::uint32_t facts_s = 30;
    };
    static constexpr auto clock_tolerance = std::chrono::minutes(5);

    AgentService(const Parts& parts, Settings settings)
        : parts_(parts), settings_(std::move(settings)) {}
    void use(Residents& residents) { residents_ = &residents; }
    void use(SshWatch& watch) { ssh_watch_ = &watch; }
    void use(LoginWatch& watch) { login_watch_ = &watch; }
    void use(MeasureWatch& watch) { measure_watch_ = &watch; }
    /// Without it nobody outside hears of anything.
    void use(api::Announcer& announcer) { announcements_.use(announcer); }

    /// After the TLS handshake, which has checked issuer and validity. Errc::forbidden:
    /// server_unknown, revoked.
    Result<AgentIdentity> identify(const crypto::CertificateFacts& certificate);

    /// protocol_too_old, protocol_too_new, clock_wrong, revoked.
    Result<Greeting> hello(const AgentIdentity& agent, const proto::Hello& hello);

    /// report_gap, replaced.
    Result<proto::Ack> reports(const operations::AgentLink& link, const proto::Reports& reports);
    /// After a hello, and whenever the hub was woken for this server. What there is goes through
    /// Links::send; true: ask again when that is sent.
    Result<bool> due(const operations::AgentLink& link);
    /// `newest_authority` is the greeting's: an agent that speaks has read its welcome.
    Result<> facts(
        const operations::AgentLink& link, const proto::FactsMessage& message,
        std::int64_t newest_authority
    );
    Result<> inventory(const operations::AgentLink& link, const proto::Inventory& message);
    /// csr_invalid, key_changed.
    Result<proto::Certificate>
    renew(const operations::AgentLink& link, const proto::Renew& message);
    /// The link is gone, for whatever reason. A link that was replaced changes nothing.
    Result<> closed(const operations::AgentLink& link);

    /// At start, before links: nobody is known to be online.
    Result<> start();
    /// Every few seconds: servers that were awaited since the start become offline; tokens that
    /// ended long ago go.
    Result<> tick();

private:
    Result<> announce(
        store::UnitOfWork& unit, const api::OrgScope& scope, std::string type,
        const ServerId& server
    );
    Result<>
    publish_server(store::UnitOfWork& unit, const api::OrgScope& scope, const ServerId& server);
    Parts parts_;
    Settings settings_;
    Residents* residents_ = nullptr;
    SshWatch* ssh_watch_ = nullptr;
    LoginWatch* login_watch_ = nullptr;
    MeasureWatch* measure_watch_ = nullptr;
    api::Announcements announcements_;
    std::atomic<std::int64_t> started_ms_ = 0;
    std::atomic<std::int64_t> pruned_ms_ = 0;
};

} // namespace fairlead::fleet

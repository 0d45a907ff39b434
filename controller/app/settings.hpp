/// controller.yaml. Every key is documented in the file that `init` writes (settings_template).
#pragma once

#include "common/config/config.hpp"
#include "common/runtime/log.hpp"
#include "common/runtime/result.hpp"
#include "controller/access/registration.hpp"
#include "controller/mail/smtp.hpp"
#include "controller/orgs/plans.hpp"
#include "controller/sso/provider.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::app {

BOOST_DEFINE_ENUM_CLASS(LogFormat, text, json)
BOOST_DEFINE_ENUM_CLASS(LogLevel, debug, info, warning, error)
BOOST_DEFINE_ENUM_CLASS(GitTransports, safe, any)

struct LogSettings {
    LogFormat format = LogFormat::text;
    LogLevel level = LogLevel::info;
    bool access = true;
};
BOOST_DESCRIBE_STRUCT(LogSettings, (), (format, level, access))

struct CertificateSettings {
    std::string chain;
    std::string key;
};
BOOST_DESCRIBE_STRUCT(CertificateSettings, (), (chain, key))

/// Who issues certificates for the names that people bring.
struct AcmeSettings {
    std::string directory = "https://acme-v02.api.letsencrypt.org/directory";
    std::string contact;
    bool terms_accepted = false;
    std::optional<std::string> eab_key_id;
    std::optional<std::string> eab_key_file;
};
BOOST_DESCRIBE_STRUCT(
    AcmeSettings, (), (directory, contact, terms_accepted, eab_key_id, eab_key_file)
)

/// The zone of Cloudflare for SaaS that stands before the edge.
struct CloudflareSettings {
    std::string zone_id;
    std::string token_file;
    std::string origin; ///< what people set CNAME records to
    std::optional<std::string> origin_ca_file;
    std::string api = "https://api.cloudflare.com/client/v4";
};
BOOST_DESCRIBE_STRUCT(CloudflareSettings, (), (zone_id, token_file, origin, origin_ca_file, api))

struct EdgeSettings {
    std::optional<CloudflareSettings> cloudflare;
};
BOOST_DESCRIBE_STRUCT(EdgeSettings, (), (cloudflare))

struct SessionSettings {
    std::chrono::seconds idle{30 * 60};
    std::chrono::seconds absolute{7 * 24 * 3600};
};
BOOST_DESCRIBE_STRUCT(SessionSettings, (), (idle, absolute))

struct RateSettings {
    std::uint32_t reads_a_minute = 600;
    std::uint32_t writes_a_minute = 120;
    std::uint32_t key_reads_a_minute = 120;
    std::uint32_t key_writes_a_minute = 20;
};
BOOST_DESCRIBE_STRUCT(
    RateSettings, (), (reads_a_minute, writes_a_minute, key_reads_a_minute, key_writes_a_minute)
)

struct MailSettings {
    std::string host;
    std::optional<std::uint16_t> port;
    mail::Tls tls = mail::Tls::starttls;
    std::optional<std::string> user;
    std::optional<std::string> password_file;
    std::string from;
    std::optional<std::string> ca;
};
BOOST_DESCRIBE_STRUCT(MailSettings, (), (host, port, tls, user, password_file, from, ca))

/// Where the package's fairlead-egress listens, and its configuration.
constexpr auto packaged_egress = "/run/fairlead-egress/egress.sock";
constexpr auto packaged_rules = "/etc/fairlead/egress.yaml";

struct EgressSettings {
    std::string socket;
    std::string rules = packaged_rules;
    std::optional<std::string> ca;
};
BOOST_DESCRIBE_STRUCT(EgressSettings, (), (socket, rules, ca))

struct AgentSettings {
    std::chrono::seconds heartbeat{15};
    std::chrono::seconds facts{30};
    std::chrono::hours certificate{24 * 30};
    std::vector<std::string> also_at; ///< "host:port", in order
};
BOOST_DESCRIBE_STRUCT(AgentSettings, (), (heartbeat, facts, certificate, also_at))

struct Settings {
    std::string name;
    std::vector<std::string> names;
    std::string listen = "[::]:8443";
    std::optional<std::string> url;
    std::string data = "/var/lib/fairlead-controller";
    std::optional<std::string> master_key;
    std::optional<CertificateSettings> certificate;
    std::optional<AcmeSettings> acme;
    std::optional<EdgeSettings> edge;
    std::string packages = "/usr/share/fairlead/agent";
    GitTransports git_transports = GitTransports::safe;
    std::optional<std::string> plans;
    access::Openness registration = access::Openness::invitation;
    std::optional<MailSettings> mail;
    std::optional<EgressSettings> egress;
    std::optional<std::string> passkey_domain;
    orgs::Plan plan_of_new_organizations = orgs::Plan::free;
    SessionSettings sessions;
    std::vector<sso::ProviderSettings> sign_in_with;
    RateSettings rates;
    AgentSettings agents;
    std::uint16_t workers = 32;
    std::uint32_t connections = 20'000;
    std::uint32_t connections_per_address = 5'000;
    bool metrics = true;
    std::optional<std::string> security_contact;
    LogSettings log;
};
BOOST_DESCRIBE_STRUCT(
    Settings, (),
    (name, names, listen, url, data, master_key, certificate, acme, edge, packages, git_transports,
     plans, plan_of_new_organizations, registration, mail, egress, passkey_domain, sessions,
     sign_in_with, rates, agents, workers, connections, connections_per_address, metrics,
     security_contact, log)
)

/// "[::]:8443", "0.0.0.0:443" or "192.0.2.1:443" taken apart. Errc::invalid.
struct Endpoint {
    std::string address;
    std::uint16_t port = 0;
    static Result<Endpoint> parse(std::string_view text);
    bool wildcard() const { return address == "::" || address == "0.0.0.0"; }
};

/// A host name in lower case or an address. Errc::invalid.
Result<> check_name(std::string_view name);

/// Reads the file and checks what its types cannot say. Errors name the file and the line or key.
Result<Settings> load_settings(const std::filesystem::path& file);

/// How mail is sent; reads the password's file. Errc::invalid, Errc::not_found.
Result<mail::SmtpOptions> smtp_options(const Settings& settings);

/// Where agents and browsers reach the controller: `url`, else "https://name:port".
std::string public_url(const Settings& settings, std::uint16_t port);
/// The same as "host:port".
std::string public_endpoint(const Settings& settings, std::uint16_t port);
/// Where agents look for the controller, in order: there, and at `agents.also_at`.
std::vector<std::string> agent_endpoints(const Settings& settings, std::uint16_t port);

/// A controller.yaml with every key explained; the ones given are filled in.
std::string settings_template(const Settings& settings);

} // namespace fairlead::app

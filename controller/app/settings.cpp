#include "controller/app/settings.hpp"

#include "common/net/http_client.hpp"
#include "common/runtime/file.hpp"
#include "controller/access/webauthn.hpp"
#include "controller/certificates/uacme.hpp"

#include <fmt/core.h>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace fairlead::app {
namespace {

/// It becomes a line of security.txt.
bool is_contact(std::string_view text) {
    bool scheme = text.starts_with("mailto:") || text.starts_with("https://");
    return scheme && text.size() <= 300 &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_address(std::string_view text) {
    unsigned char bytes[16];
    std::string copy(text);
    return ::inet_pton(AF_INET, copy.c_str(), bytes) == 1 ||
           ::inet_pton(AF_INET6, copy.c_str(), bytes) == 1;
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253 || text.front() == '-' || text.front() == '.' ||
        text.back() == '.')
        return false;
    return text.find("..") == std::string_view::npos &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

/// What the types cannot say of `mail`.
std::vector<std::string> mail_findings(const MailSettings& mail) {
    std::vector<std::string> wrong;
    bool host = is_address(mail.host) || is_host_name(mail.host);
    if (!host) wrong.emplace_back("mail: host must be a host name or an address.");
    if (auto from = mail::Mailbox::parse(mail.from); !from)
        wrong.push_back("mail: from: " + from.error().message());
    if (mail.user.has_value() != mail.password_file.has_value())
        wrong.emplace_back("mail: user and password_file go together.");
    if (mail.tls == mail::Tls::none && !mail::is_loopback(mail.host))
        wrong.emplace_back(
            "mail: tls: none is for a server on this machine (localhost): anywhere else, links and "
            "the password would travel in the clear."
        );
    return wrong;
}

/// What the types cannot say of `acme`.
std::vector<std::string> acme_findings(const AcmeSettings& acme) {
    std::vector<std::string> wrong;
    if (auto place = certificates::place_of(acme.directory); !place)
        wrong.push_back("acme: directory: " + place.error().message());
    if (auto contact = mail::Mailbox::parse(acme.contact); !contact)
        wrong.push_back("acme: contact: " + contact.error().message());
    if (!acme.terms_accepted)
        wrong.emplace_back(
            "acme: terms_accepted: must be true. Read the authority's terms of service first; its "
            "directory names them."
        );
    if (acme.eab_key_id.has_value() != acme.eab_key_file.has_value())
        wrong.emplace_back("acme: eab_key_id and eab_key_file go together.");
    return wrong;
}

/// What the types cannot say of `edge: cloudflare`.
std::vector<std::string> cloudflare_findings(const CloudflareSettings& cloudflare) {
    std::vector<std::string> wrong;
    bool id =
        cloudflare.zone_id.size() == 32 && std::ranges::all_of(cloudflare.zone_id, [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        });
    if (!id)
        wrong.emplace_back(
            "edge: cloudflare: zone_id must be the 32 letters and digits that Cloudflare shows at "
            "the zone's overview."
        );
    if (!cloudflare.token_file.starts_with('/'))
        wrong.emplace_back("edge: cloudflare: token_file must be an absolute path.");
    if (cloudflare.origin_ca_file && !cloudflare.origin_ca_file->starts_with('/'))
        wrong.emplace_back("edge: cloudflare: origin_ca_file must be an absolute path.");
    if (!is_host_name(cloudflare.origin) || is_address(cloudflare.origin))
        wrong.emplace_back(
            "edge: cloudflare: origin must be the host name in the zone that others set CNAME "
            "records to."
        );
    auto api = net::Url::parse(cloudflare.api);
    if (!api || cloudflare.api.ends_with('/') || api->target.find('?') != std::string::npos)
        wrong.emplace_back(
            "edge: cloudflare: api must read https://host/path, without a slash at the end."
        );
    return wrong;
}

/// Brackets around IPv6 addresses, as URLs want them.
std::string bracketed(std::string_view host) {
    return host.find(':') == std::string_view::npos ? std::string(host)
                                                    : "[" + std::string(host) + "]";
}

/// YAML with every special character escaped.
std::string yaml_text(std::string_view text) {
    std::string result = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

struct HostPort {
    std::string_view host; ///< without brackets
    std::uint16_t port = 0;

    static std::optional<HostPort> split(std::string_view text) {
        auto colon = text.rfind(':');
        if (colon == std::string_view::npos) return {};
        HostPort parts{text.substr(0, colon)};
        auto digits = text.substr(colon + 1);
        auto [end, failed] =
            std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
        if (failed != std::errc() || end != digits.data() + digits.size()) return {};
        if (parts.host.starts_with('[') && parts.host.ends_with(']'))
            parts.host = parts.host.substr(1, parts.host.size() - 2);
        return parts;
    }
};

Result<> check_place(std::string_view text) {
    auto parts = HostPort::split(text);
    bool v6 = parts && parts->host.find(':') != std::string_view::npos;
    if (parts && parts->port > 0 && v6 == text.starts_with('[') &&
        (is_address(parts->host) || is_host_name(parts->host)))
        return {};
    return fail(
        Errc::invalid, "\"" + std::string(text.substr(0, 253)) +
                           "\" is no place of a controller; write it as "
                           "fairlead.example.net:8443, 192.0.2.1:8443 or [2001:db8::1]:8443."
    );
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
    auto wrong = [&] {
        return fail(
            Errc::invalid, "\"" + std::string(text.substr(0, 100)) +
                               "\" is no address to listen on; write it as [::]:8443, 0.0.0.0:8443 "
                               "or 192.0.2.1:8443."
        );
    };
    auto parts = HostPort::split(text);
    if (!parts || !is_address(parts->host)) return wrong();
    Endpoint endpoint;
    endpoint.address = parts->host;
    endpoint.port = parts->port;
    return endpoint;
}

Result<> check_name(std::string_view name) {
    if (is_address(name) || is_host_name(name)) return {};
    return fail(
        Errc::invalid,
        "\"" + std::string(name.substr(0, 253)) +
            "\" is no host name (lower-case letters, digits, dots and hyphens) and no address."
    );
}

Result<Settings> load_settings(const std::filesystem::path& file) {
    FAIRLEAD_TRY(settings, config::load<Settings>(file));
    std::vector<std::string> findings;
    auto check = [&](std::string_view key, const Result<>& result) {
        if (!result)
            findings.push_back(
                file.string() + ": " + std::string(key) + ": " + result.error().message()
            );
    };
    auto that = [&](bool fine, const char* sentence) {
        if (!fine) findings.push_back(file.string() + ": " + sentence);
    };
    check("name", check_name(settings.name));
    for (const auto& name : settings.names) check("names", check_name(name));
    if (auto endpoint = Endpoint::parse(settings.listen); !endpoint)
        check("listen", fail(endpoint.error()));
    that(
        !settings.url || (settings.url->starts_with("https://") && !settings.url->ends_with('/')),
        "url: must read https://name or https://name:port, without a slash at the end."
    );
    if (auto site =
            access::RelyingParty::of(public_url(settings, 0), settings.passkey_domain.value_or(""));
        !site)
        check("passkey_domain", fail(site.error()));
    that(settings.data.starts_with('/'), "data: must be an absolute path.");
    that(
        !settings.master_key || settings.master_key->starts_with('/'),
        "master_key: must be an absolute path."
    );
    that(settings.packages.starts_with('/'), "packages: must be an absolute path.");
    that(
        settings.sessions.idle >= std::chrono::seconds(60) &&
            settings.sessions.idle <= settings.sessions.absolute,
        "sessions: idle must be from 1m to what absolute says."
    );
    that(
        settings.rates.reads_a_minute > 0 && settings.rates.writes_a_minute > 0 &&
            settings.rates.key_reads_a_minute > 0 && settings.rates.key_writes_a_minute > 0,
        "rates: must be above 0."
    );
    that(
        settings.agents.heartbeat >= std::chrono::seconds(5) &&
            settings.agents.heartbeat <= std::chrono::seconds(120),
        "agents: heartbeat must be from 5s to 2m."
    );
    that(settings.agents.also_at.size() <= 15, "agents: also_at takes up to 15 addresses.");
    for (const auto& place : settings.agents.also_at) check("agents: also_at", check_place(place));
    that(
        settings.agents.facts >= std::chrono::seconds(5) &&
            settings.agents.facts <= std::chrono::seconds(3600),
        "agents: facts must be from 5s to 1h."
    );
    that(
        settings.agents.certificate >= std::chrono::hours(1) &&
            settings.agents.certificate <= std::chrono::hours(24 * 365),
        "agents: certificate must be from 1h to 365d."
    );
    that(settings.workers >= 1 && settings.workers <= 64, "workers: must be from 1 to 64.");
    that(
        settings.connections >= 16 && settings.connections <= 1'000'000,
        "connections: must be from 16 to 1000000."
    );
    that(
        settings.connections_per_address >= 16 && settings.connections_per_address <= 1'000'000,
        "connections_per_address: must be from 16 to 1000000."
    );
    if (settings.egress) {
        that(
            settings.egress->socket.starts_with('/') && settings.egress->socket.size() <= 107,
            "egress: socket must be an absolute path of at most 107 characters."
        );
        that(settings.egress->rules.starts_with('/'), "egress: rules must be an absolute path.");
    }
    if (settings.acme)
        for (const auto& wrong : acme_findings(*settings.acme))
            findings.push_back(file.string() + ": " + wrong);
    if (settings.edge && settings.edge->cloudflare)
        for (const auto& wrong : cloudflare_findings(*settings.edge->cloudflare))
            findings.push_back(file.string() + ": " + wrong);
    if (settings.mail)
        for (const auto& wrong : mail_findings(*settings.mail))
            findings.push_back(file.string() + ": " + wrong);
    for (const auto& sentence : sso::findings(settings.sign_in_with))
        findings.push_back(file.string() + ": " + sentence);
    if (settings.security_contact)
        that(
            is_contact(*settings.security_contact),
            "security_contact: must be a mailto: or https: address without spaces."
        );
    if (findings.empty()) return settings;
    std::string text;
    for (const auto& finding : findings) text += (text.empty() ? "" : "\n") + finding;
    return fail(Errc::invalid, std::move(text));
}

Result<mail::SmtpOptions> smtp_options(const Settings& settings) {
    if (!settings.mail) return fail(Errc::not_found, "No mail server is configured.");
    const auto& given = *settings.mail;
    mail::SmtpOptions options;
    options.host = given.host;
    options.tls = given.tls;
    options.port = given.port.value_or(
        given.tls == mail::Tls::starttls   ? 587
        : given.tls == mail::Tls::implicit ? 465
                                           : 25
    );
    FAIRLEAD_TRY(from, mail::Mailbox::parse(given.from));
    options.from = std::move(from);
    options.ca_file = given.ca.value_or("");
    options.name = settings.name;
    // On this machine there is nothing that the egress would have to let it to.
    if (settings.egress && !mail::is_loopback(given.host)) options.egress = settings.egress->socket;
    if (!given.user || !given.password_file) return options;
    options.user = *given.user;
    FAIRLEAD_TRY(password, read_file(*given.password_file, 4096));
    while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
    if (password.empty())
        return fail(Errc::invalid, *given.password_file + " is empty; it must hold the password.");
    options.password = Secret(std::move(password));
    return options;
}

std::string public_url(const Settings& settings, std::uint16_t port) {
    if (settings.url) return *settings.url;
    auto host = bracketed(settings.name);
    return port == 443 ? "https://" + host : fmt::format("https://{}:{}", host, port);
}

std::string public_endpoint(const Settings& settings, std::uint16_t port) {
    auto url = public_url(settings, port);
    auto host = url.substr(8);
    auto after_brackets = host.find(']') == std::string::npos ? 0 : host.find(']');
    return host.find(':', after_brackets) == std::string::npos ? host + ":443" : host;
}

std::vector<std::string> agent_endpoints(const Settings& settings, std::uint16_t port) {
    std::vector<std::string> places{public_endpoint(settings, port)};
    for (const auto& place : settings.agents.also_at)
        if (std::ranges::find(places, place) == places.end()) places.push_back(place);
    return places;
}

std::string settings_template(const Settings& s) {
    return fmt::format(
        R"(# Settings of the Fairlead controller. Check them with: fairlead-controller config check
# A line that begins with # and a key shows that key's default. Durations are written 30s, 5m, 2h or 7d.

# The host name (or address) that browsers and agents use.
name: {name}
# More names and addresses for the controller's own certificate.
#names: []
# Address and port for everything: console, API, agents. [::] takes IPv4 too.
listen: {listen}
# Where the controller is reached, when that is not https://name:port, such as behind a port forwarding.
#url: https://fairlead.example.org

# Database and keys. Only the controller's own user may read it.
data: {data}
# The master key that seals secrets in the database, where it is not to lie beside it. A file of the controller's user, or of
# root, which systemd hands over: LoadCredential=master.key:/etc/fairlead/master.key in the unit.
#master_key: /etc/fairlead/master.key

# A certificate of yours for browsers (PEM; the chain begins with the certificate itself). Without it the controller has
# one of its own authority, which browsers do not know and agents do. A renewed file is taken within a minute.
#certificate:
#  chain: /etc/fairlead/tls/fullchain.pem
#  key: /etc/fairlead/tls/privkey.pem

# Who issues certificates for the domains that people point at this controller: an ACME authority (RFC 8555), asked by the
# program uacme (apt-get install uacme). Without this section none is asked for, and such names are shown the
# controller's own certificate. The authority looks at port 443 of each name, which has to lead here. It is reached
# through the egress where one is named; one that is not at port 443 of a public address needs an entry in its `allow`.
# An authority of your own goes into the system's store: /usr/local/share/ca-certificates, then update-ca-certificates.
#acme:
#  directory: https://acme-v02.api.letsencrypt.org/directory
#  contact: you@example.org          # the authority writes there
#  terms_accepted: true              # you have read its terms of service
#  eab_key_id: kid-1                 # where the authority wants an account of its own kind
#  eab_key_file: /etc/fairlead/eab.key   # base64url, for the controller's user alone: chmod 0400

# What stands before the edge for the domains that people point here. Without this section nothing does: they lead to this
# controller, and `acme` gets their certificates. With Cloudflare for SaaS each of their names becomes a custom hostname of your zone;
# Cloudflare ends TLS with certificates of its own and asks here. In the zone: a proxied record for `origin` that leads here,
# set as fallback origin; SSL mode Full, Authenticated Origin Pulls on. Asked through the egress where one is named.
#edge:
#  cloudflare:
#    zone_id: 023e105f4ecef8ad9ca31a8372d0c353
#    token_file: /etc/fairlead/cloudflare.token   # an API token: Zone, SSL and Certificates, Edit. For the controller's user alone
#    origin: edge.example.net          # what others set CNAME records to
#    # Whose client certificate Cloudflare shows when it asks here (Authenticated Origin Pulls). Connections for such names
#    # without one are refused, and visitors' addresses are believed. Better an authority of your own, uploaded to the zone:
#    # the one that Cloudflare publishes is the same for all its customers. Without the file anybody may go around Cloudflare,
#    # and every visitor has an address of Cloudflare's.
#    origin_ca_file: /etc/fairlead/cloudflare-origin-pull-ca.pem
#    api: https://api.cloudflare.com/client/v4

# The agent's packages and install.sh, as packaging/release makes them.
packages: {packages}

# safe: git over https and ssh. any: http, git and file too, which prove nothing of what they deliver.
git_transports: {transports}

# A file with what plans hold: for free, starter, pro or agency (one that is not named keeps the default) the numbers
# projects, environments, members and servers (left out: no limit), a list of features (api, granular_permissions, audit_log,
# audit_export, custom_roles, connect_as), and audit_days.
#plans: /etc/fairlead/plans.yaml
# The plan that organizations begin with: free, starter, pro or agency. Their owners can change it.
#plan_of_new_organizations: free

# Who may make an account: open (anybody, with an organization of their own on the plan free), invitation (whoever was
# invited to an organization) or closed.
#registration: invitation

# The mail server for links (to confirm an address, to choose a new password) and invitations. Without it, whoever looks
# after the installation hands the links over; the console shows them.
#mail:
#  host: smtp.example.org
#  port: 587                  # 465 for tls: implicit
#  tls: starttls              # or implicit, or none for a server on this machine
#  user: fairlead
#  password_file: /etc/fairlead/mail-password
#  from: Fairlead <noreply@example.org>
#  ca: /etc/fairlead/mail-ca.pem     # the authorities to trust, in place of the system's

# The one way to addresses that people give (webhooks): fairlead-egress, a program of its own. Without it nothing is sent
# there. Where it is named, the providers of sign_in_with are reached through it too; one that is not at port 443 of a
# public address needs an entry in its `allow`. So is a mail server on another machine: name it in `smtp` there.
{off}egress:
{off}  socket: {socket}
#  rules: /etc/fairlead/egress.yaml  # its own configuration: the exceptions hold here as well. Restart both after a change
#  ca: /etc/fairlead/own-ca.pem      # authorities to trust beside the system's, such as of named internal hosts

# Passkeys are made for the host of the console's address and count there alone. If that host may change one day, name a
# domain above it here before the first passkey is made; later they would all be lost.
#passkey_domain: example.org

# A session ends when it was not used for `idle`, and always after `absolute`.
#sessions:
#  idle: 30m
#  absolute: 7d

# Where people may sign in instead of giving a password here. At the provider this controller is an application whose
# redirect address is <url>/api/v1/sso/<slug>/callback. Who is there with the same verified e-mail address as here is let
# in; whoever has no account here only where registration says so.
#sign_in_with:
#  - provider: google               # or github, gitlab, bitbucket, microsoft
#    client_id: 1234.apps.googleusercontent.com
#    client_secret_file: /etc/fairlead/google.secret   # for the controller's user alone: chmod 0400
#  - provider: gitlab
#    base_url: https://git.example.org   # a GitLab or GitHub Enterprise Server of your own; tests play other presets with it
#    client_id: fairlead
#    client_secret_file: /etc/fairlead/gitlab.secret
#  - provider: microsoft
#    tenant: 00000000-0000-0000-0000-000000000000   # or common, organizations, consumers; without it common
#    client_id: fairlead
#    client_secret_file: /etc/fairlead/microsoft.secret
#    trusts_email: true             # of your own tenant or issuer, where it does not say that addresses are verified
#  - provider: oidc                 # any OpenID Connect issuer
#    slug: staff                    # in the redirect address; presets have their own name
#    name: Example staff            # on the button
#    issuer: https://id.example.org/realms/staff
#    client_id: fairlead
#    client_secret_file: /etc/fairlead/staff.secret
#    scopes: openid email profile
#    ca_file: /etc/fairlead/staff-ca.pem   # where the issuer's certificate is not from a public authority
#    trusts_second_factor: true     # it asks for one itself: the account's own is not asked for as well

# How often one session may ask, and one API key.
#rates:
#  reads_a_minute: 600
#  writes_a_minute: 120
#  key_reads_a_minute: 120
#  key_writes_a_minute: 20

#agents:
#  heartbeat: 15s       # silence on a link before a sign of life is asked for
#  facts: 30s           # how often servers send measurements
#  certificate: 30d     # how long an agent's certificate is good; renewed after a third
#  # Where agents look for this controller when it is not at the address above: at another line of it, or at a copy on another
#  # machine (`restore` of a backup) that takes over. They go through the list in this order, so it may be the same on both
#  # machines, and its names belong into `names`. Agents hear of it when they connect.
#  also_at: [fairlead.example.net:8443]

# Threads for requests and the database. Most of them wait for the disk: so many changes share one write to it.
#workers: 32
# Open connections, agents included; one more is closed at once.
#connections: 20000
# How many of them may come from one address, of IPv6 from one /64. All servers behind one router have one address.
#connections_per_address: 5000
# Counts in Prometheus format at /metrics.
#metrics: true
# Where people report security problems of this installation: a mailto: or https: address. /.well-known/security.txt
# (RFC 9116) tells it; without it there is none.
#security_contact: mailto:security@example.org

#log:
#  format: text         # or json
#  level: info          # debug, info, warning, error
#  access: true         # a line for each request
)",
        fmt::arg("name", yaml_text(s.name)), fmt::arg("listen", yaml_text(s.listen)),
        fmt::arg("data", yaml_text(s.data)), fmt::arg("packages", yaml_text(s.packages)),
        fmt::arg("off", s.egress ? "" : "#"),
        fmt::arg("socket", s.egress ? yaml_text(s.egress->socket) : std::string(packaged_egress)),
        fmt::arg("transports", boost::describe::enum_to_string(s.git_transports, "safe"))
    );
}

} // namespace fairlead::app

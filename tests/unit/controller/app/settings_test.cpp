#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"
#include "controller/app/outside.hpp"
#include "controller/app/settings.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::app;

namespace {

struct File {
    store::TemporaryFolder folder;
    Result<Settings> load(std::string_view text) {
        REQUIRE(write_file(folder.path() / "c.yaml", text, 0600));
        return load_settings(folder.path() / "c.yaml");
    }
    /// The message without the folder's name.
    std::string refusal(std::string_view text) {
        auto loaded = load(text);
        REQUIRE(!loaded);
        auto message = loaded.error().message();
        auto at = message.find("c.yaml");
        REQUIRE(at != std::string::npos);
        return message.substr(at);
    }
};

/// Every key that a described struct has, also below.
template <class T>
void collect(std::vector<std::string>& keys) {
    boost::mp11::mp_for_each<described::Members<T>>([&](auto d) {
        keys.emplace_back(d.name);
        using Member = config::detail::MemberType<T, decltype(d)>;
        if constexpr (described::IsOptional<Member>::value) {
            if constexpr (boost::describe::has_describe_members<typename Member::value_type>::value)
                collect<typename Member::value_type>(keys);
        } else if constexpr (boost::describe::has_describe_members<Member>::value) {
            collect<Member>(keys);
        }
    });
}

} // namespace

TEST_SUITE("controller/app/settings") {

    TEST_CASE_FIXTURE(File, "what init writes is read back, and explains every key there is") {
        Settings settings;
        settings.name = "fairlead.example.org";
        settings.listen = "192.0.2.1:443";
        settings.data = "/srv/a folder with \"quotes\"";
        settings.packages = "/opt/p";
        settings.git_transports = GitTransports::any;
        auto text = settings_template(settings);
        auto read = load(text).value();
        CHECK(read.name == settings.name);
        CHECK(read.listen == settings.listen);
        CHECK(read.data == settings.data);
        CHECK(read.packages == settings.packages);
        CHECK(read.git_transports == GitTransports::any);

        std::vector<std::string> keys;
        collect<Settings>(keys);
        CHECK(keys.size() > 20);
        for (const auto& key : keys) {
            CAPTURE(key);
            bool explained = text.find("\n" + key + ":") != std::string::npos ||
                             text.find("\n#" + key + ":") != std::string::npos ||
                             text.find("\n#  " + key + ":") != std::string::npos ||
                             text.find("\n#    " + key + ":") != std::string::npos;
            CHECK(explained);
        }
    }

    TEST_CASE_FIXTURE(File, "the lines that show defaults show the real ones") {
        Settings settings;
        settings.name = "x";
        std::string all;
        auto text = settings_template(settings);
        for (std::size_t at = 0; at < text.size();) {
            auto end = text.find('\n', at);
            auto line = text.substr(at, end - at);
            at = end + 1;
            // Uncomment keys, not prose; leave out the examples that are no defaults.
            bool prose = line.size() > 2 && line[1] == ' ' && line[2] != ' ';
            if (line.starts_with("#") && !prose) line = line.substr(1);
            if (line.find("certificate:") == 0 || line.find("chain:") != std::string::npos ||
                line.find("key: /") != std::string::npos || line.find("url:") == 0 ||
                line.find("passkey_domain:") == 0 || line.find("security_contact:") == 0)
                continue;
            all += line + "\n";
        }
        auto read = load(all).value();
        Settings defaults;
        CHECK(read.registration == defaults.registration);
        CHECK(read.mail->port == 587);
        CHECK(read.mail->tls == MailSettings().tls);
        CHECK(read.sessions.idle == defaults.sessions.idle);
        CHECK(read.sessions.absolute == defaults.sessions.absolute);
        CHECK(read.rates.reads_a_minute == defaults.rates.reads_a_minute);
        CHECK(read.rates.writes_a_minute == defaults.rates.writes_a_minute);
        CHECK(read.agents.heartbeat == defaults.agents.heartbeat);
        CHECK(read.agents.facts == defaults.agents.facts);
        CHECK(read.agents.certificate == defaults.agents.certificate);
        CHECK(read.workers == defaults.workers);
        CHECK(read.connections == defaults.connections);
        CHECK(read.connections_per_address == defaults.connections_per_address);
        CHECK(read.log.level == defaults.log.level);
        CHECK(read.log.access == defaults.log.access);
    }

    TEST_CASE_FIXTURE(File, "agents look at the address that everybody has, then at the others") {
        auto read = load("name: a.example\nlisten: '[::]:8443'\nagents:\n  also_at: "
                         "['b.example:1', 'a.example:8443', '[2001:db8::1]:2', '192.0.2.1:3']\n");
        REQUIRE(read);
        CHECK(
            agent_endpoints(*read, 8443) ==
            std::vector<std::string>{
                "a.example:8443", "b.example:1", "[2001:db8::1]:2", "192.0.2.1:3"}
        );
    }

    TEST_CASE_FIXTURE(File, "a security contact is an address that fits in a line") {
        CHECK(load("name: a\nsecurity_contact: https://a.example/report\n").has_value());
        CHECK(load("name: a\nsecurity_contact: mailto:a@b.example\n").has_value());
        for (auto* bad : {"a@b.example", "http://a.example", "\"mailto:a@b\\nExpires: never\""})
            CHECK(
                refusal(std::string("name: a\nsecurity_contact: ") + bad + "\n")
                    .find("security_contact: must be a mailto: or https: address") !=
                std::string::npos
            );
    }

    TEST_CASE_FIXTURE(
        File, "a certificate authority is named with a contact, and its terms accepted"
    ) {
        const std::string fine =
            "name: a\nacme:\n  contact: ops@example.org\n  terms_accepted: true\n";
        CHECK(load(fine)->acme->directory == "https://acme-v02.api.letsencrypt.org/directory");
        CHECK(!load("name: a\n")->acme);
        struct Row {
            std::string text, says;
        };
        for (const auto& row : {
                 Row{"name: a\nacme:\n  contact: ops@example.org\n",
                     "terms_accepted: must be true"},
                 Row{"name: a\nacme:\n  terms_accepted: true\n", "contact"},
                 Row{fine + "  directory: http://acme.example/\n", "no https address"},
                 Row{fine + "  eab_key_id: kid\n", "go together"},
             }) {
            CAPTURE(row.text);
            CHECK(refusal(row.text).find(row.says) != std::string::npos);
        }
    }

    TEST_CASE_FIXTURE(
        File, "a zone of Cloudflare's is named with a token's file and what names lead to"
    ) {
        const std::string fine = "name: a\nedge:\n  cloudflare:\n    zone_id: "
                                 "023e105f4ecef8ad9ca31a8372d0c353\n    token_file: /t\n";
        const std::string origin = "    origin: edge.example.net\n";
        CHECK(load(fine + origin)->edge->cloudflare->api == "https://api.cloudflare.com/client/v4");
        struct Row {
            std::string text, says;
        };
        for (const auto& row : {
                 Row{fine, "origin"},
                 Row{fine + "    origin: 192.0.2.1\n", "origin must be the host name"},
                 Row{fine + origin + "    origin_ca_file: ca.pem\n", "origin_ca_file must be"},
                 Row{fine + origin + "    api: http://api.example\n", "api must read https"},
                 Row{fine + origin + "    api: https://api.example/\n", "api must read https"},
                 Row{"name: a\nedge: {cloudflare: {zone_id: ../x, token_file: /t, origin: a.b}}\n",
                     "zone_id must be the 32"},
                 Row{"name: a\nedge: {cloudflare: {zone_id: x, token_file: t, origin: a.b}}\n",
                     "token_file must be an absolute path"},
             }) {
            CAPTURE(row.text);
            CHECK(refusal(row.text).find(row.says) != std::string::npos);
        }
    }

    TEST_CASE_FIXTURE(File, "passkeys are for the console's host or a domain above it") {
        CHECK(load("name: a.example.org\npasskey_domain: example.org\n").has_value());
        CHECK(load("name: a\nurl: https://b.example.org:8443\npasskey_domain: b.example.org\n")
                  .has_value());
        for (auto* bad : {"ample.org", "x.a.example.org", "example.com"})
            CHECK(
                refusal(std::string("name: a.example.org\npasskey_domain: ") + bad + "\n")
                    .find("is neither \"a.example.org\"") != std::string::npos
            );
    }

    TEST_CASE_FIXTURE(File, "a mail server is described by keys that fit each other") {
        auto with = [](std::string_view more) {
            return "name: a\nmail:\n  host: smtp.example.org\n  from: noreply@example.org\n" +
                   std::string(more);
        };
        CHECK(load(with(""))->mail->tls == mail::Tls::starttls);
        struct {
            const char* more;
            const char* says;
        } rows[] = {
            {"  tls: none\n", "tls: none is for a server on this machine"},
            {"  tls: perhaps\n", "tls must be one of starttls, implicit, none"},
            {"  user: x\n", "user and password_file go together"},
            {"  password_file: /x\n", "user and password_file go together"},
            {"  port: 70000\n", "port must be"},
        };
        for (const auto& row : rows) {
            CAPTURE(row.more);
            CHECK(refusal(with(row.more)).find(row.says) != std::string::npos);
        }
        CHECK(
            refusal("name: a\nmail: {host: \"a b\", from: nobody}\n").find("mail: host must be") !=
            std::string::npos
        );
        CHECK(load("name: a\nmail: {host: \"::1\", from: a@b.example, tls: none}\n").has_value());
    }

    TEST_CASE_FIXTURE(File, "mail goes by the egress, which has to know its server") {
        auto rules = folder.path() / "egress.yaml";
        auto with = [&](const std::string& host) {
            return *load(
                "name: a\nmail: {host: \"" + host + "\", from: a@b.example}\negress: {socket: " +
                "/run/e.sock, rules: " + rules.string() + "}\n"
            );
        };
        CHECK(smtp_options(with("smtp.example.org"))->egress == "/run/e.sock");
        CHECK(smtp_options(with("localhost"))->egress == ""); // there is nothing to be let to
        auto plain = *load("name: a\nmail: {host: smtp.example.org, from: a@b.example}\n");
        CHECK(smtp_options(plain)->egress == "");
        CHECK(check_way_of_mail(plain));

        CHECK(check_way_of_mail(with("smtp.example.org"))); // the egress is somebody else's
        REQUIRE(write_file(rules, "allow: [\"smtp.example.org:587\"]\n", 0644));
        auto unknown = check_way_of_mail(with("smtp.example.org"));
        REQUIRE(!unknown);
        CHECK(
            unknown.error().message().find(
                "smtp: \"smtp.example.org:587\" into " + rules.string()
            ) != std::string::npos
        );
        CHECK(check_way_of_mail(with("127.0.0.1")));
        REQUIRE(write_file(rules, "smtp: \"SMTP.example.org.:587\"\n", 0644));
        CHECK(check_way_of_mail(with("smtp.example.org")));
        CHECK(!check_way_of_mail(with("other.example.org")));
        REQUIRE(write_file(rules, "smtp: \"[2001:DB8::7]:587\"\n", 0644));
        CHECK(check_way_of_mail(with("2001:db8::7")));
    }

    TEST_CASE_FIXTURE(File, "the port follows the kind of TLS, and the password is a file's") {
        auto port = [&](const char* tls) {
            auto settings = load(
                std::string("name: a\nmail: {host: localhost, from: a@b.example, tls: ") + tls +
                "}\n"
            );
            return smtp_options(*settings)->port;
        };
        CHECK(port("starttls") == 587);
        CHECK(port("implicit") == 465);
        CHECK(port("none") == 25);

        auto file = folder.path() / "password";
        auto options = [&] {
            auto settings = load(
                "name: a\nmail: {host: localhost, from: a@b.example, user: u, password_file: " +
                file.string() + "}\n"
            );
            return smtp_options(*settings);
        };
        CHECK(options().error().message().find(file.string()) != std::string::npos);
        REQUIRE(write_file(file, "secret with a blank \n", 0600));
        CHECK(options()->password.reveal() == "secret with a blank ");
        REQUIRE(write_file(file, "\n", 0600));
        CHECK(options().error().kind() == Errc::invalid);
    }

    TEST_CASE_FIXTURE(File, "an unknown key is refused by name with the line") {
        CHECK(
            refusal("name: a\nlisen: x\n")
                .find("c.yaml line 2: lisen is not known here; known are name, names, listen") == 0
        );
        CHECK(
            refusal("name: a\nlog:\n  levle: info\n")
                .find("c.yaml line 3: levle is not known here") == 0
        );
    }

    TEST_CASE_FIXTURE(File, "values that cannot work are named with the key and the cure") {
        struct Row {
            const char* text;
            const char* says;
        };
        for (const auto& row :
             {Row{"listen: '[::]:1'", "name:"}, Row{"name: A.example", "name:"},
              Row{"name: a/b", "name:"}, Row{"name: a\nlisten: 8443", "listen:"},
              Row{"name: a\nlisten: '[::]:70000'", "listen:"},
              Row{"name: a\nurl: http://a", "url:"}, Row{"name: a\nurl: https://a/", "url:"},
              Row{"name: a\ndata: relative", "data:"},
              Row{"name: a\nsessions: {idle: 1s}", "sessions:"},
              Row{"name: a\nsessions: {idle: 8d}", "sessions:"},
              Row{"name: a\nrates: {reads_a_minute: 0}", "rates:"},
              Row{"name: a\nworkers: 0", "workers:"},
              Row{"name: a\nagents: {heartbeat: 1s}", "heartbeat"},
              Row{"name: a\nagents: {also_at: [b.example]}", "also_at"},
              Row{"name: a\nagents: {also_at: ['b.example:0']}", "also_at"},
              Row{"name: a\nagents: {also_at: ['https://b.example:1']}", "also_at"},
              Row{"name: a\nagents: {also_at: ['b:1/x']}", "also_at"},
              Row{"name: a\nagents: {also_at: ['2001:db8::1:8443']}", "also_at"},
              Row{"name: a\nnames: [b, 'c d']", "names:"}}) {
            CAPTURE(std::string(row.text));
            CHECK(refusal(row.text).find(row.says) != std::string::npos);
        }
    }

    TEST_CASE("the public address leaves out the port that everybody knows") {
        Settings settings;
        settings.name = "a.example";
        CHECK(public_url(settings, 443) == "https://a.example");
        CHECK(public_url(settings, 8443) == "https://a.example:8443");
        CHECK(public_endpoint(settings, 443) == "a.example:443");
        CHECK(public_endpoint(settings, 8443) == "a.example:8443");
        settings.name = "2001:db8::1";
        CHECK(public_url(settings, 8443) == "https://[2001:db8::1]:8443");
        CHECK(public_endpoint(settings, 443) == "[2001:db8::1]:443");
        settings.url = "https://front.example";
        CHECK(public_url(settings, 8443) == "https://front.example");
        CHECK(public_endpoint(settings, 8443) == "front.example:443");
        CHECK(Endpoint::parse("[::]:8443").value().wildcard());
        CHECK(Endpoint::parse("192.0.2.1:0").value().port == 0);
        for (auto bad :
             {"", "x", ":1", "a.example:1", "[::1]", "1.2.3.4:", "1.2.3.4:-1", "1.2.3.4:1x"})
            CHECK(!Endpoint::parse(bad));
    }
}

#include "support.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

using namespace fairlead;
using namespace fairlead::policy;

TEST_SUITE("agent/policy/policy") {

    TEST_CASE("the default policy allows the documented kinds and nothing else") {
        auto policy = parsed(default_text());
        CHECK(policy.permit(deploy()));
        for (auto kind :
             {proto::kind::start, proto::kind::stop, proto::kind::restart, proto::kind::remove,
              proto::kind::ping}) {
            CAPTURE(kind);
            CHECK(policy.permit(simple(kind)));
        }
        for (const auto* kind :
             {"", "terminal.open", "environment.deploy ", "Environment.deploy", "environment",
              "agent.run", "*"}) {
            CAPTURE(kind);
            auto refused = policy.permit(simple(kind));
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code() == "policy_refused");
        }
        auto local = deploy_args();
        local.environment.odoo.url = "file:///srv/git/odoo.git";
        CHECK_FALSE(policy.permit(deploy(local)));
    }

    TEST_CASE("the default policy is the one that packages install") {
        std::ifstream file(FAIRLEAD_PACKAGED_POLICY);
        REQUIRE(file);
        std::string text(std::istreambuf_iterator<char>(file), {});
        CHECK(text == default_text());
        auto policy = parsed(text);
        CHECK(policy.facts().summary.size() == 10);
    }

    TEST_CASE("terminals are as whom the policy names, and as root only where it says so") {
        auto none = parsed(default_text());
        CHECK_FALSE(none.permit_terminal("deploy", false));
        CHECK(none.terminal_patterns().empty());
        auto some = parsed("version: 1\nterminal:\n  - deny: [ops-old]\n  - allow: [deploy, "
                           "'ops-*']\n  - deny: ['adm*']\n  - allow: '*'\n");
        CHECK(some.permit_terminal("deploy", false));
        CHECK(some.permit_terminal("ops-new", false));
        auto old = some.permit_terminal("ops-old", false);
        REQUIRE_FALSE(old);
        CHECK(old.error().code() == "policy_refused");
        CHECK(old.error().message().find("policy.yaml line 3") != std::string::npos);
        CHECK(some.permit_terminal("anybody", false));
        // No glob lets root in, and one that forbids keeps it out.
        auto root = some.permit_terminal("root", true);
        REQUIRE_FALSE(root);
        CHECK(root.error().message().find("has to be named") != std::string::npos);
        CHECK_FALSE(some.permit_terminal("toor", true));
        auto named = parsed("version: 1\nterminal:\n  - deny: ['to*']\n  - allow: [root, toor]\n");
        CHECK(named.permit_terminal("root", true));
        CHECK_FALSE(named.permit_terminal("toor", true));
        CHECK(named.terminal_patterns() == std::vector<std::string>{"root", "toor"});
        auto summary = named.facts().summary;
        CHECK(std::ranges::count(summary, "Allows terminals as root, toor") == 1);
    }

    TEST_CASE("SSH keys are for whom the policy names, apart from terminals") {
        auto operation = [](const std::string& user, const std::string& key) {
            proto::SshKeysArgs args;
            args.user = user;
            args.keys = {{"sshk_01JD8Q4M3N7V5X2K9B6T0W1YHZ", key}};
            auto asked = simple(proto::kind::ssh_keys);
            asked.args = proto::write(args);
            return asked;
        };
        const std::string key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs";
        CHECK_FALSE(parsed(default_text()).permit(operation("deploy", key)));
        auto some = parsed("version: 1\noperations: [{allow: ssh_keys.set}]\nterminal:\n  - allow: "
                           "[shells]\nssh_keys:\n  - deny: [old]\n  - allow: '*'\n");
        CHECK(some.permit(operation("deploy", key)));
        CHECK(some.ssh_key_patterns() == std::vector<std::string>{"*"});
        CHECK_FALSE(some.permit(operation("old", key)));
        CHECK_FALSE(some.permit(operation("root", key)));
        CHECK_FALSE(some.permit_terminal("deploy", false));
        auto summary = some.facts().summary;
        CHECK(std::ranges::count(summary, "Allows SSH keys for *") == 1);
        auto without = parsed("version: 1\noperations: [{allow: agent.ping}]\nssh_keys: [{allow: "
                              "'*'}]\n");
        auto refused = without.permit(operation("deploy", key));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message().find("ssh_keys.set") != std::string::npos);
        // Whatever the policy says: nothing but a name, and a key alone.
        for (const auto& user : {"", "../deploy", "a b", "%u", "-x"})
            CHECK_FALSE(some.permit(operation(user, key)));
        for (const auto& text :
             {std::string(), key + " comment", "no-pty " + key, key + "\n" + key,
              "command=\"id\" " + key})
            CHECK_FALSE(some.permit(operation("deploy", text)));
        CHECK_FALSE(Policy::parse("version: 1\nssh_keys: [{allow: 'a b'}]\n", "policy.yaml"));
    }

    TEST_CASE("people log in to Odoo as whom the policy names, where and when, and nowhere else") {
        auto none = parsed(default_text());
        auto refused = none.permit_odoo_login("shop", "o'neill", 600);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == "policy_refused");
        CHECK(
            refused.error().message().find("allow: ['o''neill']\n    environments: ['shop']") !=
            std::string::npos
        );
        CHECK_FALSE(none.permit_odoo_users("shop", 600));

        auto some = parsed("version: 1\nodoo_login:\n  - deny: [director]\n  - allow: '*'\n"
                           "    environments: ['*-test']\n  - allow: [admin, 'support-*']\n"
                           "    environments: shop-live\n    hours: \"08:00-18:00\"\n");
        CHECK(some.permit_odoo_login("shop-test", "anybody", 0));
        auto director = some.permit_odoo_login("shop-test", "director", 0);
        REQUIRE_FALSE(director);
        CHECK(director.error().message().find("policy.yaml line 3") != std::string::npos);
        CHECK(some.permit_odoo_login("shop-live", "admin", 8 * 60));
        CHECK(some.permit_odoo_login("shop-live", "support-2", 18 * 60 - 1));
        CHECK_FALSE(some.permit_odoo_login("shop-live", "admin", 18 * 60));
        CHECK_FALSE(some.permit_odoo_login("shop-live", "admin", 8 * 60 - 1));
        CHECK_FALSE(some.permit_odoo_login("shop-live", "anybody", 600));
        CHECK_FALSE(some.permit_odoo_login("other", "admin", 600));
        CHECK(some.permit_odoo_users("shop-live", 600));
        CHECK_FALSE(some.permit_odoo_users("shop-live", 19 * 60));
        CHECK_FALSE(some.permit_odoo_users("other", 600));
        auto summary = some.facts().summary;
        CHECK(
            std::ranges::count(
                summary,
                "Allows to log in to Odoo as admin, support-*: shop-live, from 08:00 to 18:00"
            ) == 1
        );

        auto night = parsed("version: 1\nodoo_login: [{allow: admin, hours: '22:00-06:00'}]\n");
        CHECK(night.permit_odoo_login("shop", "admin", 23 * 60));
        CHECK(night.permit_odoo_login("shop", "admin", 60));
        CHECK_FALSE(night.permit_odoo_login("shop", "admin", 12 * 60));
        for (const auto* wrong :
             {"8-18", "08:00", "25:00-26:00", "08:60-09:00", "08:00-08:00", "0800:1800 "}) {
            CAPTURE(wrong);
            CHECK_FALSE(Policy::parse(
                std::string("version: 1\nodoo_login: [{allow: admin, hours: '") + wrong + "'}]\n",
                "p"
            ));
        }
    }

    TEST_CASE("links to log in are asked for in one shape, and hold up none of their environment's "
              "operations") {
        auto policy = parsed(default_text());
        proto::OdooLoginArgs args;
        args.environment_id = "env_" + ulid;
        args.slug = "shop";
        args.login = "admin";
        args.reason = "Ticket 4711";
        args.public_key = "BP6MGc4JBRkevCmKkkV5JTHybwzs4kYGOei8Oct_"
                          "cGqCanebTPlpuKDlOcf2L7PTCtaqj4DjDx0Siq_WiiznLqA";
        auto permitted = [&](const proto::OdooLoginArgs& with) {
            auto operation = simple(proto::kind::odoo_login);
            operation.args = proto::write(with);
            CHECK(slugs_of(operation).empty());
            return policy.permit(operation).has_value();
        };
        CHECK(permitted(args));
        CHECK_FALSE(parsed("version: 1\noperations: [{allow: 'environment.*'}]\n")
                        .permit(simple(proto::kind::odoo_login)));
        for (const auto& reason :
             {std::string(), std::string("  "), std::string("two\nlines"), std::string("\xff"),
              std::string(501, 'x')}) {
            auto with = args;
            with.reason = reason;
            CHECK_FALSE(permitted(with));
        }
        for (const auto& login : {std::string(), std::string("a\tb"), std::string(201, 'x')}) {
            auto with = args;
            with.login = login;
            CHECK_FALSE(permitted(with));
        }
        for (const auto& key : {std::string(), std::string(87, 'A'), args.public_key + "A"}) {
            auto with = args;
            with.public_key = key;
            CHECK_FALSE(permitted(with));
        }
    }

    TEST_CASE("the agent is updated where the policy names it, and when") {
        proto::AgentUpdateArgs args;
        args.version = "0.2.0";
        args.package = "fairlead-agent_0.2.0_amd64.deb";
        args.sums = "sums";
        args.signature = "signature";
        auto operation = [](const proto::AgentUpdateArgs& wanted) {
            auto asked = simple(proto::kind::agent_update);
            asked.args = proto::write(wanted);
            return asked;
        };
        auto usual = parsed(default_text());
        CHECK(usual.permit(operation(args)));
        CHECK_FALSE(usual.update_hours());
        CHECK(usual.update_oldest().empty());
        auto refused = parsed("version: 1\noperations:\n  - deny: agent.update\n  - allow: '*'\n")
                           .permit(operation(args));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == "policy_refused");
        // Whatever the policy says: a version, and the package that is called after it.
        for (auto version : {"", "1", "0.2.0-1", "0..2", ".2", "0.2.", "-i", "0.2.0/../x"}) {
            auto other = args;
            other.version = version;
            other.package = "fairlead-agent_" + other.version + "_amd64.deb";
            CHECK_FALSE(usual.permit(operation(other)));
        }
        for (auto package : {"", "fairlead-agent_0.1.0_amd64.deb", "/etc/passwd"}) {
            auto other = args;
            other.package = package;
            CHECK_FALSE(usual.permit(operation(other)));
        }
        auto some = parsed("version: 1\nupdate_hours: \"22:00-05:30\"\nupdate_oldest: 0.1.0\n");
        CHECK(some.update_oldest() == "0.1.0");
        CHECK(some.update_hours()->cover(23 * 60));
        CHECK_FALSE(some.update_hours()->cover(12 * 60));
        auto summary = some.facts().summary;
        CHECK(std::ranges::count(summary, "Allows agent.update at 22:00-05:30 alone") == 1);
        CHECK(std::ranges::count(summary, "Allows the agent to go back to version 0.1.0") == 1);
        for (auto hours :
             {"22:00", "22:00-22:00", "25:00-05:00", "22:60-05:00", "22.00-05.00", "22:00-24:01",
              "ab:cd-ef:gh"})
            CHECK_FALSE(Policy::parse(
                "version: 1\nupdate_hours: \"" + std::string(hours) + "\"\n", "policy.yaml"
            ));
        CHECK_FALSE(Policy::parse("version: 1\nupdate_oldest: newest\n", "policy.yaml"));
    }

    TEST_CASE("logs are read that the policy names, and all where it says nothing of them") {
        for (const auto* text : {"version: 1\n", ""}) {
            auto all = parsed(*text ? std::string(text) : std::string(default_text()));
            CHECK(all.permit_log("odoo", "shop"));
            CHECK(all.permit_log("postgresql", ""));
            CHECK(all.permit_log("agent", ""));
        }
        auto some = parsed("version: 1\nlogs:\n  - deny: odoo\n    environments: ['*-live']\n"
                           "  - allow: [odoo, agent]\n");
        CHECK(some.permit_log("odoo", "shop-dev"));
        CHECK(some.permit_log("agent", ""));
        auto live = some.permit_log("odoo", "shop-live");
        REQUIRE_FALSE(live);
        CHECK(live.error().code() == "policy_refused");
        CHECK(live.error().message().find("line 3") != std::string::npos);
        CHECK_FALSE(some.permit_log("postgresql", ""));
        CHECK_FALSE(parsed("version: 1\nlogs: []\n").permit_log("agent", ""));
        for (const auto* section :
             {"logs: odoo", "logs: [{allow: kernel}]", "logs: [{allow: agent, environments: shop}]",
              "logs: [{permit: odoo}]"}) {
            CAPTURE(section);
            CHECK_FALSE(Policy::parse("version: 1\n" + std::string(section) + "\n", "policy.yaml"));
        }
    }

    TEST_CASE(
        "captured mail is read where the policy allows it, and everywhere where it says nothing"
    ) {
        for (const auto* text : {"version: 1\n", ""}) {
            auto all = parsed(*text ? std::string(text) : std::string(default_text()));
            CHECK(all.permit_mail("shop"));
        }
        auto some = parsed("version: 1\nmail:\n  - deny: '*-staging'\n  - allow: 'shop-*'\n");
        CHECK(some.permit_mail("shop-dev"));
        CHECK_FALSE(some.permit_mail("other"));
        auto refused = some.permit_mail("shop-staging");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == "policy_refused");
        CHECK(refused.error().message().find("line 3") != std::string::npos);
        auto summary = some.facts().summary;
        CHECK(std::ranges::count(summary, "Allows captured mail of shop-* to be read") == 1);
        CHECK_FALSE(Policy::parse("version: 1\nmail: all\n", "policy.yaml"));
    }

    TEST_CASE("operations on captured mail name messages and no paths, and stay within limits") {
        auto policy =
            parsed("version: 1\noperations: [{allow: ['mail.*'], environments: ['shop']}]\n");
        auto permit = [&](std::string_view kind, const boost::json::value& args) {
            proto::Operation operation;
            operation.kind = kind;
            operation.args = args;
            return policy.permit(operation).has_value();
        };
        proto::MailDeleteArgs args;
        args.environment_id = "env_01J0000000000000000000000A";
        args.slug = "shop";
        CHECK_FALSE(permit(proto::kind::mail_delete, proto::write(args)));
        args.all = true;
        CHECK(permit(proto::kind::mail_delete, proto::write(args)));
        args.slug = "other";
        CHECK_FALSE(permit(proto::kind::mail_delete, proto::write(args)));
        args.slug = "shop";
        args.all = false;
        args.messages = {"1767225600000-0123456789ab"};
        CHECK(permit(proto::kind::mail_delete, proto::write(args)));
        args.messages = {"../../../etc/passwd"};
        CHECK_FALSE(permit(proto::kind::mail_delete, proto::write(args)));
        proto::MailConfigureArgs keep;
        keep.environment_id = args.environment_id;
        keep.slug = "shop";
        CHECK(permit(proto::kind::mail_configure, proto::write(keep)));
        keep.retention.days = 0;
        CHECK_FALSE(permit(proto::kind::mail_configure, proto::write(keep)));
    }

    TEST_CASE("recordings are shown of whom the policy names, and of nobody where it says nothing"
    ) {
        for (const auto* text : {"version: 1\n", ""}) {
            auto none = parsed(*text ? std::string(text) : std::string(default_text()));
            CHECK_FALSE(none.permit_recording("deploy", false));
            CHECK_FALSE(none.permits_any_recording());
            CHECK_FALSE(none.records_terminals());
        }
        auto some = parsed("version: 1\nterminal: [{allow: '*'}]\nterminal_recording: always\n"
                           "recordings:\n  - deny: [old]\n  - allow: '*'\n");
        CHECK(some.permit_recording("deploy", false));
        CHECK(some.permits_any_recording());
        CHECK(some.records_terminals());
        auto old = some.permit_recording("old", false);
        REQUIRE_FALSE(old);
        CHECK(old.error().code() == "policy_refused");
        CHECK(old.error().message().find("line 5") != std::string::npos);
        CHECK_FALSE(some.permit_recording("root", true));
        auto terminals = parsed("version: 1\nterminal: [{allow: deploy}]\n");
        auto refused = terminals.permit_recording("deploy", false);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message().find("\"recordings\"") != std::string::npos);
        for (const auto* section :
             {"recordings: deploy", "recordings: [{allow: 'a b'}]", "terminal_recording: never",
              "terminal_recording: [always]"}) {
            CAPTURE(section);
            CHECK_FALSE(Policy::parse("version: 1\n" + std::string(section) + "\n", "policy.yaml"));
        }
    }

    TEST_CASE("the idle time of terminals is a number of minutes, and mistakes have their line") {
        CHECK(parsed("version: 1\n").terminal_idle() == std::chrono::minutes(30));
        auto five = parsed("version: 1\nterminal_idle_minutes: 5\n");
        CHECK(five.terminal_idle() == std::chrono::minutes(5));
        for (const auto* text :
             {"terminal_idle_minutes: 0", "terminal_idle_minutes: 1441",
              "terminal_idle_minutes: 5m", "terminal_idle_minutes: [5]", "terminal: deploy",
              "terminal: [deploy]", "terminal: [{allow: ''}]", "terminal: [{allow: 'a b'}]",
              "terminal: [{allow: '/home'}]", "terminal: [{permit: deploy}]",
              "terminal: [{allow: deploy, idle: 5}]"}) {
            CAPTURE(text);
            auto wrong = Policy::parse(std::string("version: 1\n") + text + "\n", "policy.yaml");
            REQUIRE_FALSE(wrong);
            CHECK(wrong.error().message().find("policy.yaml line 2") != std::string::npos);
        }
    }

    TEST_CASE("more rules, or a larger file, than anybody writes by hand is refused") {
        std::string text = "version: 1\noperations:\n";
        for (int i = 0; i < 501; ++i) text += "  - allow: a\n";
        CHECK_FALSE(Policy::parse(text, "policy.yaml"));
        // Aliases that would grow to millions of values.
        std::string bomb = "version: 1\noperations:\n  - &a [x,x,x,x,x,x,x,x,x,x]\n";
        for (char c = 'a'; c < 'h'; ++c) {
            bomb += std::string("  - &") + char(c + 1) + " [";
            for (int i = 0; i < 10; ++i) bomb += (i ? ",*" : "*") + std::string(1, c);
            bomb += "]\n";
        }
        auto refused = Policy::parse(bomb, "policy.yaml");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message().find("20,000 values") != std::string::npos);
    }

    TEST_CASE("what the policy leaves out is refused whoever asks, and the refusal names the file"
    ) {
        auto policy = parsed("version: 1\noperations:\n  - deny: environment.delete\n    "
                             "environments: [shop, 'prod-*']\n  - allow: 'environment.*'\n");
        auto refused = policy.permit(simple(proto::kind::remove));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message().find("policy.yaml line 3") != std::string::npos);
        CHECK_FALSE(policy.permit(simple(proto::kind::remove, "prod-1")));
        CHECK(policy.permit(simple(proto::kind::remove, "test")));
        CHECK_FALSE(policy.permit(simple(proto::kind::ping)));
        // No repository is named, so no deployment comes through.
        auto repository = policy.permit(deploy());
        REQUIRE_FALSE(repository);
        CHECK(
            repository.error().message().find("https://github.com/odoo/odoo") != std::string::npos
        );
    }

    TEST_CASE("repository rules: look-alike hosts and sibling folders are not covered") {
        auto policy =
            parsed("version: 1\noperations: [{allow: environment.deploy}]\nrepositories:\n"
                   "  - deny: https://github.com/odoo/secret\n"
                   "  - allow: [https://github.com/odoo/*, 'https://*.acme.example', "
                   "file:///srv/git, ssh://git@git.corp.example]\n");
        struct Row {
            const char* url;
            bool allowed;
        };
        for (const Row& row :
             {Row{"https://github.com/odoo/odoo", true},
              {"https://GITHUB.com/odoo/odoo", true},
              {"https://github.com:443/odoo/odoo", true},
              {"https://github.com:8443/odoo/odoo", false},
              {"https://github.com/odoo/secret", false},
              {"https://github.com/odoo/secret/x", false},
              {"https://github.com/odoo-evil/odoo", false},
              {"https://github.com.evil.example/odoo/odoo", false},
              {"https://evilgithub.com/odoo/odoo", false},
              {"https://git.acme.example/x", true},
              {"https://a.b.acme.example/x", true},
              {"https://acme.example/x", false},
              {"https://evilacme.example/x", false},
              {"ssh://github.com/odoo/odoo", false},
              {"file:///srv/git/x.git", true},
              {"file:///srv/gitx", false},
              {"file:///etc", false},
              {"ssh://git@git.corp.example/x", true},
              {"ssh://root@git.corp.example/x", false},
              {"git+https://github.com/odoo/odoo", true}}) {
            CAPTURE(row.url);
            auto args = deploy_args();
            args.environment.odoo.url = row.url;
            args.environment.addons.clear();
            CHECK(policy.permit(deploy(args)).has_value() == row.allowed);
        }
    }

    TEST_CASE("a policy that others could have written is not used, and the cure is told") {
        auto folder =
            std::filesystem::temp_directory_path() / ("policy-" + std::to_string(::getpid()));
        std::filesystem::create_directory(folder);
        std::filesystem::permissions(folder, std::filesystem::perms(0755));
        auto file = folder / "policy.yaml";
        std::ofstream(file) << default_text();
        ::chmod(file.c_str(), 0644);
        CHECK(Policy::load(file, ::getuid()));

        ::chmod(file.c_str(), 0664);
        auto open = Policy::load(file, ::getuid());
        REQUIRE_FALSE(open);
        CHECK(open.error().message().find("chmod go-w") != std::string::npos);
        ::chmod(file.c_str(), 0644);

        ::chmod(folder.c_str(), 0777);
        CHECK_FALSE(Policy::load(file, ::getuid()));
        ::chmod(folder.c_str(), 0755);

        std::filesystem::create_symlink(file, folder / "link.yaml");
        CHECK_FALSE(Policy::load(folder / "link.yaml", ::getuid()));
        CHECK_FALSE(Policy::load(folder / "none.yaml", ::getuid()));
        if (::getuid() == 0) {
            REQUIRE(::chown(file.c_str(), 65534, 65534) == 0);
            auto owned = Policy::load(file, 0);
            REQUIRE_FALSE(owned);
            CHECK(owned.error().message().find("chown root:root") != std::string::npos);
        }
        std::filesystem::remove_all(folder);
    }

    TEST_CASE("mistakes in the file are told with their line") {
        struct Row {
            const char* name;
            const char* text;
            const char* part;
        };
        for (const Row& row :
             {Row{"unknown key", "version: 1\nterminals: []\n", "line 2"},
              {"no version", "operations: []\n", "version"},
              {"both", "version: 1\noperations:\n  - allow: a\n    deny: b\n", "line 3"},
              {"unknown key in a rule", "version: 1\noperations:\n  - allow: a\n    hours: 9\n",
               "line 4"},
              {"bad pattern", "version: 1\nrepositories:\n  - allow: github.com\n", "line 3"},
              {"not YAML", "version: [1\n", "line"},
              {"a list", "- 1\n", "line 1"},
              {"empty list", "version: 1\noperations:\n  - allow: []\n", "line 3"},
              {"no value", "version: 1\noperations:\n  - allow:\n", "line 3"},
              {"another version", "version: 2\n", "line 1"},
              {"a map for a rule list", "version: 1\noperations: {allow: a}\n", "line 2"},
              {"two documents", "version: 1\n---\nversion: 1\n", "line 3"},
              // Readers of YAML differ in which of the two they take.
              {"a section twice", "version: 1\noperations: []\noperations: [{allow: '*'}]\n",
               "line 3: operations is there twice"},
              {"an effect twice",
               "version: 1\noperations:\n  - deny: a\n    deny: b\n    environments: x\n",
               "line 4: deny is there twice"}}) {
            CAPTURE(row.name);
            auto policy = Policy::parse(row.text, "policy.yaml");
            REQUIRE_FALSE(policy);
            CHECK(policy.error().message().find(row.part) != std::string::npos);
        }
    }

    TEST_CASE("hostile arguments are refused under the widest policy") {
        auto policy = parsed("version: 1\noperations: [{allow: '*'}]\nrepositories: [{allow: "
                             "['https://*', 'ssh://*', 'file:///']}]\n");
        REQUIRE(policy.permit(deploy()));
        struct Row {
            const char* name;
            std::function<void(proto::DeployArgs&)> change;
        };
        const Row rows[] = {
            {"slug", [](auto& a) { a.environment.slug = "../../etc"; }},
            {"slug with newline", [](auto& a) { a.environment.slug = "a\nUser=root"; }},
            {"low port", [](auto& a) { a.environment.port = 80; }},
            {"same ports", [](auto& a) { a.environment.gevent_port = a.environment.port; }},
            {"option as branch", [](auto& a) { a.environment.odoo.branch = "--upload-pack=id"; }},
            {"fork", [](auto& a) { a.environment.addons[0].branch = "refs/pull/1/head"; }},
            {"option as url",
             [](auto& a) { a.environment.addons[0].url = "--config=core.sshCommand=id"; }},
            {"ext transport", [](auto& a) { a.environment.odoo.url = "ext::sh -c id"; }},
            {"folder name", [](auto& a) { a.environment.addons[0].name = "../x"; }},
            {"two of a name", [](auto& a) { a.environment.addons[0].name = "odoo"; }},
            {"preload",
             [](auto& a) {
                 a.environment.variables = {{"LD_PRELOAD", "/tmp/x.so", false}};
             }},
            {"newline in a value",
             [](auto& a) {
                 a.environment.variables = {{"A", "x\nLD_PRELOAD=y", false}};
             }},
            {"module option", [](auto& a) { a.environment.modules = {"base --load=x"}; }},
            {"requirement option",
             [](auto& a) { a.environment.requirements = {"--index-url=https://x"}; }},
            {"requirement address",
             [](auto& a) { a.environment.requirements = {"x @ https://y/z.whl"}; }},
            {"release number", [](auto& a) { a.release.number = 0; }},
            {"release id", [](auto& a) { a.release.id = "../1"; }},
            {"environment id", [](auto& a) { a.environment.id = ""; }},
            {"no modules named", [](auto& a) { a.update = proto::UpdateMode::modules; }},
            {"version", [](auto& a) { a.environment.odoo_version = "19.0; id"; }},
            {"domain", [](auto& a) { a.environment.domains = {"a b"}; }},
            {"too many", [](auto& a) { a.environment.modules.assign(1000, "base"); }},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            auto args = deploy_args();
            row.change(args);
            auto refused = policy.permit(deploy(args));
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code() == "policy_refused");
        }
        auto secret = deploy();
        secret.secrets["LD_PRELOAD"] = "x";
        CHECK_FALSE(policy.permit(secret));
    }

    TEST_CASE("no mutation of a good operation crashes the policy or widens it") {
        auto policy = parsed(default_text());
        auto good = boost::json::serialize(deploy().args);
        std::mt19937 random(11);
        int permitted = 0;
        for (int i = 0; i < 3000; ++i) {
            auto text = good;
            for (auto n = 1 + random() % 4; n-- > 0;)
                text[random() % text.size()] = static_cast<char>(random() % 256);
            boost::json::error_code failed;
            auto value = boost::json::parse(text, failed);
            if (failed) continue;
            auto operation = deploy();
            operation.args = value;
            if (!policy.permit(operation)) continue;
            ++permitted;
            auto args = proto::read<proto::DeployArgs>(operation.args);
            REQUIRE(args);
            CHECK(check(*args));
            CHECK(
                (args->environment.odoo.url.starts_with("https://") ||
                 args->environment.odoo.url.starts_with("ssh://") ||
                 args->environment.odoo.url.starts_with("git+"))
            );
        }
        CHECK(permitted > 0);
    }

    TEST_CASE("a glob's star stands for any characters, also dots") {
        CHECK(matches("*", ""));
        CHECK(matches("environment.*", "environment.deploy"));
        CHECK_FALSE(matches("environment.*", "environment"));
        CHECK(matches("a*c*e", "abcde"));
        CHECK_FALSE(matches("a*c*e", "abcd"));
        CHECK(matches("**", "x"));
    }
}

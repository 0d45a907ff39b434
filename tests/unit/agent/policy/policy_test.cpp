#include "agent/policy/policy.hpp"
#include "proto/codec.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

using namespace fairlead;
using namespace fairlead::policy;

namespace {

const std::string ulid = "01JD0000000000000000000000";

proto::DeployArgs deploy_args() {
    proto::DeployArgs args;
    auto& e = args.environment;
    e.id = "env_" + ulid;
    e.slug = "shop";
    e.odoo_version = "19.0";
    e.odoo = {"odoo", "https://github.com/odoo/odoo", "19.0", "", "", ""};
    e.addons = {{"extra", "https://git.acme.example/addons.git", "main", "", "", ""}};
    e.port = 8069;
    e.gevent_port = 8072;
    args.release = {"rel_" + ulid, 1};
    return args;
}

proto::Operation deploy(const proto::DeployArgs& args = deploy_args()) {
    proto::Operation operation;
    operation.id = "op_" + ulid;
    operation.kind = proto::kind::deploy;
    operation.fence = 1;
    operation.args = proto::write(args);
    return operation;
}

proto::Operation simple(std::string_view kind, std::string slug = "shop") {
    proto::Operation operation;
    operation.id = "op_" + ulid;
    operation.kind = kind;
    operation.fence = 1;
    operation.args = proto::write(proto::EnvironmentArgs{"env_" + ulid, std::move(slug)});
    return operation;
}

Policy parsed(std::string_view text) {
    auto policy = Policy::parse(text, "policy.yaml");
    if (!policy) FAIL(policy.error().message());
    return *policy;
}

} // namespace

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
        CHECK(policy.facts().summary.size() == 6);
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

    proto::Storage storage() {
        proto::Storage storage;
        storage.id = "sto_" + ulid;
        storage.endpoint = "https://s3.acme.example";
        storage.region = "eu-1";
        storage.bucket = "backups";
        storage.prefix = "odoo";
        storage.access_key = "AKIA";
        return storage;
    }

    proto::BackupArgs backup_args(std::string slug = "shop") {
        proto::BackupArgs args;
        args.environment_id = "env_" + ulid;
        args.slug = std::move(slug);
        args.backup_id = "bak_" + ulid;
        args.settings.storage = storage();
        return args;
    }

    template <class Args>
    proto::Operation operation_of(std::string_view kind, const Args& args) {
        proto::Operation operation;
        operation.id = "op_" + ulid;
        operation.kind = kind;
        operation.fence = 1;
        operation.args = proto::write(args);
        operation.secrets["storage:sto_" + ulid] = "secret";
        return operation;
    }

    TEST_CASE("storage rules: only the buckets that are named, by whichever way they come in") {
        auto policy = parsed(R"(version: 1
operations:
  - allow: ["*"]
repositories:
  - allow: https://*
storages:
  - allow: https://s3.acme.example/backups/odoo
)");
        auto permitted = [&](const proto::Storage& where) {
            auto made = backup_args();
            made.settings.storage = where;
            proto::RestoreArgs restored{
                "env_" + ulid, "shop", {"bak_" + ulid, "env_" + ulid, "shop", where}};
            proto::DrillArgs drilled{"env_" + ulid, "shop", {"", "env_" + ulid, "shop", where}};
            proto::RestoreArgs safe{
                "env_" + ulid, "shop", {"bak_" + ulid, "env_" + ulid, "shop", storage()}};
            safe.safety = made;
            auto first = deploy_args();
            first.backup_before = made;
            proto::EnvironmentArgs last{"env_" + ulid, "shop", true};
            last.last_backup = made;
            std::vector<proto::Operation> all{
                operation_of(proto::kind::backup, made),
                operation_of(proto::kind::storage_test, proto::StorageTestArgs{where}),
                operation_of(
                    proto::kind::backup_configure,
                    proto::BackupConfigureArgs{"env_" + ulid, "shop", made.settings}
                ),
                operation_of(proto::kind::restore, restored),
                operation_of(proto::kind::drill, drilled),
                operation_of(
                    proto::kind::backup_delete,
                    proto::BackupDeleteArgs{
                        "env_" + ulid, "shop", {"bak_" + ulid, "env_" + ulid, "shop", where}}
                ),
                operation_of(proto::kind::restore, safe),
                operation_of(proto::kind::deploy, first),
                operation_of(proto::kind::remove, last)};
            std::size_t count = 0;
            for (const auto& one : all) count += policy.permit(one).has_value();
            // All of one mind: no operation is a way around the rule.
            CHECK((count == 0 || count == all.size()));
            return count > 0;
        };
        auto where = storage();
        CHECK(permitted(where));
        where.prefix = "odoo/deeper";
        CHECK(permitted(where));
        where.prefix = "odoo2";
        CHECK(!permitted(where));
        where.prefix = "";
        CHECK(!permitted(where));
        where = storage();
        where.bucket = "backups2";
        CHECK(!permitted(where));
        where = storage();
        where.endpoint = "https://s3.acme.example.evil.example";
        CHECK(!permitted(where));
        where.endpoint = "https://s3.acme.example:8443";
        CHECK(!permitted(where));
        where.endpoint = "http://s3.acme.example";
        CHECK(!permitted(where));
    }

    TEST_CASE("a policy without rules for storages refuses every bucket") {
        auto policy = parsed("version: 1\noperations:\n  - allow: [\"*\"]\n");
        auto refused = policy.permit(operation_of(proto::kind::backup, backup_args()));
        REQUIRE(!refused);
        CHECK(refused.error().code() == "policy_refused");
        CHECK(refused.error().message().find("\"storages\"") != std::string::npos);
    }

    TEST_CASE("recipient rules: nobody else is let in, by whichever way their key comes") {
        const std::string ours = "age1" + std::string(58, 'q'),
                          theirs = "age1" + std::string(58, 'p');
        const std::string with_all = R"(version: 1
operations:
  - allow: ["*"]
repositories:
  - allow: https://*
storages:
  - allow: https://*
)";
        auto permitted = [&](const Policy& policy, const std::string& recipient) {
            auto made = backup_args();
            made.settings.recipients = {ours, recipient};
            auto first = deploy_args();
            first.backup_before = made;
            proto::EnvironmentArgs last{"env_" + ulid, "shop", true};
            last.last_backup = made;
            proto::BackupRef backup{"bak_" + ulid, "env_" + ulid, "shop", storage()};
            proto::RestoreArgs safe{"env_" + ulid, "shop", backup};
            safe.safety = made;
            std::vector<proto::Operation> all{
                operation_of(proto::kind::backup, made),
                operation_of(
                    proto::kind::backup_configure,
                    proto::BackupConfigureArgs{"env_" + ulid, "shop", made.settings}
                ),
                operation_of(
                    proto::kind::grant,
                    proto::BackupGrantArgs{"env_" + ulid, "shop", backup, recipient}
                ),
                operation_of(proto::kind::restore, safe),
                operation_of(proto::kind::deploy, first),
                operation_of(proto::kind::remove, last)};
            int yes = 0;
            for (const auto& operation : all) {
                auto answer = policy.permit(operation);
                yes += answer ? 1 : 0;
                if (!answer) CHECK(answer.error().code() == "policy_refused");
            }
            // All of them, or none.
            CHECK((yes == 0 || yes == 6));
            return yes == 6;
        };
        auto pinned = parsed(with_all + "recipients:\n  - allow: [" + ours + "]\n");
        CHECK(permitted(pinned, ours));
        CHECK(!permitted(pinned, theirs));
        auto but =
            parsed(with_all + "recipients:\n  - deny: [\"age1p*\"]\n  - allow: [\"age1*\"]\n");
        CHECK(permitted(but, ours));
        CHECK(!permitted(but, theirs));
        // From before there was such a section; and one that names nobody.
        CHECK(permitted(parsed(with_all), theirs));
        CHECK(!permitted(parsed(with_all + "recipients: []\n"), ours));
        for (auto wrong : {"age1abc", "AGE1*", "ssh-ed25519", "age2*", "age1*\\n"})
            CHECK(!Policy::parse(
                with_all + "recipients:\n  - allow: [\"" + wrong + "\"]\n", "policy.yaml"
            ));
    }

    TEST_CASE("a grant is a kind of its own, of the environment that the policy names") {
        auto policy = parsed(R"(version: 1
operations:
  - deny: [backup.grant]
    environments: [shop-live]
  - allow: ["*"]
storages:
  - allow: https://*
)");
        const std::string to = "age1" + std::string(58, 'q');
        proto::BackupGrantArgs args{
            "env_" + ulid, "shop", {"bak_" + ulid, "env_" + ulid, "shop", storage()}, to};
        CHECK(policy.permit(operation_of(proto::kind::grant, args)));
        auto other = args;
        other.slug = other.backup.slug = "shop-live";
        CHECK(!policy.permit(operation_of(proto::kind::grant, other)));
        // Asked under a name that is allowed.
        other.slug = "shop";
        CHECK(!policy.permit(operation_of(proto::kind::grant, other)));
        other = args;
        other.backup.environment_id = "env_" + std::string(26, '1');
        CHECK(!policy.permit(operation_of(proto::kind::grant, other)));
        for (std::string wrong : {"", "age1", "AGE-SECRET-KEY-1", "age1/../x"}) {
            other = args;
            other.recipient = wrong;
            CHECK(!policy.permit(operation_of(proto::kind::grant, other)));
        }
        CHECK(policy.permit(
            operation_of(proto::kind::recipient, proto::BackupRecipientArgs{"env_" + ulid, "shop"})
        ));
    }

    TEST_CASE("data of an environment that the policy does not name leave it neither way") {
        auto policy = parsed(R"(version: 1
operations:
  - allow: ["*"]
    environments: [shop, shop-test]
storages:
  - allow: https://*
)");
        proto::CloneArgs clone{"env_" + ulid, "shop-test", "env_" + ulid, "shop"};
        CHECK(policy.permit(operation_of(proto::kind::clone, clone)));
        clone.source_slug = "secret";
        CHECK(!policy.permit(operation_of(proto::kind::clone, clone)));
        proto::RestoreArgs restore{
            "env_" + ulid, "shop-test", {"bak_" + ulid, "env_" + ulid, "shop", storage()}};
        CHECK(policy.permit(operation_of(proto::kind::restore, restore)));
        restore.backup.slug = "secret";
        CHECK(!policy.permit(operation_of(proto::kind::restore, restore)));
        proto::BackupDeleteArgs gone{
            "env_" + ulid, "shop", {"bak_" + ulid, "env_" + ulid, "shop", storage()}};
        CHECK(policy.permit(operation_of(proto::kind::backup_delete, gone)));
        gone.backup.slug = "secret";
        CHECK(!policy.permit(operation_of(proto::kind::backup_delete, gone)));
        // Nothing else may work on what is read meanwhile.
        clone.source_slug = "shop";
        CHECK(
            slugs_of(operation_of(proto::kind::clone, clone)) ==
            std::vector<std::string>{"shop-test", "shop"}
        );
        restore.backup.slug = "shop";
        CHECK(
            slugs_of(operation_of(proto::kind::restore, restore)) ==
            std::vector<std::string>{"shop-test", "shop"}
        );
        CHECK(
            slugs_of(operation_of(proto::kind::backup, backup_args())) ==
            std::vector<std::string>{"shop"}
        );
        restore.safety = backup_args("shop"); // of another environment than the target
        CHECK(!policy.permit(operation_of(proto::kind::restore, restore)));
    }

    TEST_CASE("what could hurt a bucket, a unit file or a path is no argument") {
        auto policy = parsed(default_text());
        CHECK(policy.permit(operation_of(proto::kind::backup, backup_args())));
        auto refused = [&](auto change) {
            auto args = backup_args();
            change(args);
            return !policy.permit(operation_of(proto::kind::backup, args));
        };
        CHECK(refused([](auto& a) { a.settings.storage.prefix = "../other"; }));
        CHECK(refused([](auto& a) { a.settings.storage.prefix = "/odoo"; }));
        CHECK(refused([](auto& a) { a.settings.storage.prefix = "odoo/"; }));
        CHECK(refused([](auto& a) { a.settings.storage.prefix = "a b"; }));
        CHECK(refused([](auto& a) { a.settings.storage.bucket = "a/b"; }));
        CHECK(refused([](auto& a) { a.settings.storage.bucket = ".."; }));
        CHECK(refused([](auto& a) { a.settings.storage.endpoint = "https://host/path"; }));
        CHECK(refused([](auto& a) { a.settings.storage.endpoint = "https://user@host"; }));
        CHECK(refused([](auto& a) { a.settings.storage.region = ""; }));
        CHECK(refused([](auto& a) { a.settings.storage.access_key = "a\nb"; }));
        CHECK(refused([](auto& a) { a.settings.schedule = "0 3 * * *\nExecStart=/bin/sh"; }));
        CHECK(refused([](auto& a) { a.settings.schedule = "0 3 * * %"; }));
        CHECK(refused([](auto& a) { a.settings.time_zone = "../../etc/passwd"; }));
        CHECK(refused([](auto& a) { a.settings.time_zone = ""; }));
        CHECK(refused([](auto& a) { a.settings.recipients = {"AGE-SECRET-KEY-1"}; }));
        CHECK(refused([](auto& a) {
            a.settings.recipients.assign(11, "age1" + std::string(58, 'q'));
        }));
        CHECK(refused([](auto& a) { a.settings.retention.daily = 10'001; }));
        CHECK(refused([](auto& a) { a.backup_id = "bak_../../x"; }));
        CHECK(!refused([](auto& a) { a.settings.schedule = "*/15 0-6 * jan-mar mon,fri"; }));
        CHECK(!refused([](auto& a) { a.settings.time_zone = "America/Argentina/Buenos_Aires"; }));
    }

    TEST_CASE("imports come from where the policy says, by path or by address") {
        auto asking = [](std::string path, std::string url, std::string filestore = "") {
            proto::ImportAnalyseArgs args;
            args.environment_id = "env_" + ulid;
            args.slug = "shop";
            args.import_id = "imp_" + ulid;
            args.source.path = std::move(path);
            args.source.url = std::move(url);
            args.source.filestore = std::move(filestore);
            return operation_of(proto::kind::import_analyse, args);
        };
        auto policy = parsed(default_text());
        CHECK(policy.permit(asking("/srv/imports/shop.zip", "")));
        CHECK(policy.permit(asking("/srv/imports/a/shop.dump", "", "/srv/imports/store")));
        CHECK(policy.permit(asking("", "https://files.example.org:8443/a.zip")));
        for (auto path :
             {"/etc/passwd", "/srv/importsx/a.zip", "/srv/imports/../shadow", "/srv/imports/",
              "srv/imports/a", "/srv/imports/a b", "/srv/imports/-a", "/srv/imports/a\n"}) {
            CAPTURE(path);
            auto refused = policy.permit(asking(path, ""));
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code() == "policy_refused");
        }
        CHECK_FALSE(policy.permit(asking("/srv/imports/a.dump", "", "/var/lib/postgresql")));
        CHECK_FALSE(policy.permit(asking("/srv/imports/a", "https://files.example.org/a")));
        CHECK_FALSE(policy.permit(asking("", "")));
        for (auto url :
             {"http://files.example.org/a", "https://files.example.org/a?sig=1",
              "https://u:p@files.example.org/a", "https://Files.example.org/a"}) {
            CAPTURE(url);
            CHECK_FALSE(policy.permit(asking("", url)));
        }
        auto narrow = parsed(R"(version: 1
operations: [{allow: "import.*"}]
imports:
  - deny: https://bad.files.example
  - allow: ["https://*.files.example", "https://one.example/exports"]
networks: [10.20.0.0/16, "fd00::/8"]
)");
        auto to = [&](std::string_view url) {
            return narrow.permit_import(proto::parse_source_url(url).value()).has_value();
        };
        CHECK(to("https://a.files.example/x?sig=1"));
        CHECK(to("https://one.example/exports/x.zip"));
        CHECK_FALSE(to("https://bad.files.example/x"));
        CHECK_FALSE(to("https://files.example/x"));
        CHECK_FALSE(to("https://one.example/exportsx"));
        CHECK_FALSE(to("https://one.example/x"));
        CHECK(narrow.networks().size() == 2);
        CHECK_FALSE(narrow.permit(asking("/srv/imports/shop.zip", "")));
        auto wrong = Policy::parse("version: 1\nnetworks: [10.0.0.1/8]\n", "policy.yaml");
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().message().find("line 2") != std::string::npos);
        // A policy from before imports names none.
        CHECK_FALSE(parsed("version: 1\noperations: [{allow: \"import.*\"}]\n")
                        .permit(asking("/srv/imports/shop.zip", "")));
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
             {Row{"unknown key", "version: 1\nterminal: []\n", "line 2"},
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

// Where an environment's data may go to and come from.
#include "support.hpp"

using namespace fairlead;
using namespace fairlead::policy;

namespace {

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

} // namespace

TEST_SUITE("agent/policy/data") {

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

    TEST_CASE("tunnel keys: those that root names, or all of the organization's") {
        const std::string base = "version: 1\noperations: []\n";
        const std::string key = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        CHECK(!parsed(base).tunnel_keys());
        auto pinned = parsed(base + "tunnel_keys:\n  - " + key + "\n");
        CHECK(pinned.tunnel_keys() == std::vector{key});
        auto told = pinned.facts().summary;
        CHECK(told.at(told.size() - 2).find(key) != std::string::npos);
        auto none = parsed(base + "tunnel_keys: []\n");
        CHECK(none.tunnel_keys() == std::vector<std::string>());
        auto wrong = Policy::parse(
            base + "tunnel_keys:\n  - " + key + "\n  - " + key.substr(8) + "\n", "policy.yaml"
        );
        REQUIRE(!wrong);
        CHECK(wrong.error().message().find(key.substr(8)) != std::string::npos);
        CHECK(!Policy::parse(base + "tunnel_keys: " + key + "\n", "policy.yaml"));
        std::string many = "tunnel_keys:\n";
        for (int i = 0; i < 100; ++i) many += "  - " + key + "\n";
        CHECK(parsed(base + many).tunnel_keys()->size() == 100);
        CHECK(!Policy::parse(base + many + "  - " + key + "\n", "policy.yaml"));
    }

    TEST_CASE("tunnel rules: requests come over the link to the environments that they name") {
        const std::string base = "version: 1\noperations:\n  - allow: [\"*\"]\n";
        auto open = parsed(base);
        CHECK(open.permit_tunnel("shop")); // from before there was such a section
        auto some = parsed(base + "tunnel:\n  - deny: shop-internal\n  - allow: [\"shop-*\"]\n");
        CHECK(some.permit_tunnel("shop-live"));
        auto denied = some.permit_tunnel("shop-internal");
        REQUIRE(!denied);
        CHECK(denied.error().code() == "policy_refused");
        CHECK(denied.error().message().find("policy.yaml line") != std::string::npos);
        CHECK(!some.permit_tunnel("wiki"));
        CHECK(!parsed(base + "tunnel: []\n").permit_tunnel("shop"));
        CHECK(!Policy::parse(base + "tunnel:\n  - allow: a\n    port: 22\n", "policy.yaml"));
    }

    TEST_CASE("exposure rules: environments are reached in the ways that they name") {
        const std::string base =
            "version: 1\noperations:\n  - allow: [\"*\"]\nrepositories:\n  - allow: https://*\n";
        auto reached = [](const Policy& policy, proto::Exposure way) {
            auto args = deploy_args();
            args.environment.exposure = way;
            return policy.permit(deploy(args));
        };
        auto open = parsed(base); // from before there was such a section
        for (auto way : {proto::Exposure::port, proto::Exposure::tunnel, proto::Exposure::direct})
            CHECK(reached(open, way));
        // Root alone lets Cloudflare in.
        CHECK(!reached(open, proto::Exposure::cloudflared));
        auto named = parsed(
            base + "exposure:\n  - allow: cloudflared\n    environments: [\"" +
            deploy_args().environment.slug + "\"]\n"
        );
        CHECK(reached(named, proto::Exposure::cloudflared));
        CHECK(!reached(named, proto::Exposure::direct));
        auto some = parsed(
            base + "exposure:\n  - deny: direct\n    environments: [\"" +
            deploy_args().environment.slug + "\"]\n  - allow: [port, direct]\n"
        );
        CHECK(reached(some, proto::Exposure::port));
        auto denied = reached(some, proto::Exposure::direct);
        REQUIRE(!denied);
        CHECK(denied.error().code() == "policy_refused");
        CHECK(denied.error().message().find("policy.yaml line 7") != std::string::npos);
        CHECK(!reached(some, proto::Exposure::tunnel));
        CHECK(!reached(parsed(base + "exposure: []\n"), proto::Exposure::port));
        auto elsewhere = parsed(
            base + "exposure:\n  - deny: direct\n    environments: [x]\n  - allow: direct\n"
        );
        CHECK(reached(elsewhere, proto::Exposure::direct));
        CHECK(!Policy::parse(base + "exposure:\n  - allow: [open]\n", "policy.yaml"));
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
}

#include "../backups/fixture.hpp"

using namespace fairlead;
using namespace fairlead::test;

namespace {

struct Fixture : BackupWorld {
    std::string in = project();
    std::string shop = live(in, "Shop", "staging");

    Reply analyse(object body, std::string of = "") {
        return world.in_org(
            "POST", "/environments/" + (of.empty() ? shop : of) + "/imports", std::move(body)
        );
    }
    std::string path_of(const std::string& id, std::string of = "") {
        return "/environments/" + (of.empty() ? shop : of) + "/imports/" + id;
    }
    Reply get(const std::string& id) { return world.in_org("GET", path_of(id)); }
    Reply run_it(
        const std::string& id, object body = {},
        std::vector<std::pair<std::string, std::string>> headers = {}, std::string of = ""
    ) {
        return world.in_org("POST", path_of(id, of) + "/run", std::move(body), std::move(headers));
    }
    static proto::OperationResult found(bool fits = true) {
        proto::OperationResult result;
        proto::ImportAnalysis analysis;
        analysis.odoo_version = "19.0";
        analysis.edition = "community";
        analysis.modules = {{"base", "19.0.1.3", false}, {"sale", "19.0.1.2", !fits}};
        analysis.files = 7;
        analysis.sha256 = std::string(64, 'a');
        analysis.checks = {
            {"modules", "Modules", fits ? proto::CheckResult::passed : proto::CheckResult::failed,
             fits ? "2 modules" : "missing: sale", "", fits ? "" : "Add it."}};
        analysis.fits = fits;
        result.analysis = analysis;
        return result;
    }
    /// One that was analysed; its id.
    std::string analysed(bool fits = true, std::string of = "") {
        auto asked = analyse({{"path", "/srv/imports/shop.zip"}}, of);
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        run(asked.text("operation_id"), proto::Outcome::succeeded, found(fits));
        return asked.id();
    }
    void allow_only(const std::string& domains) {
        REQUIRE(world.core->store.write([&](store::UnitOfWork& unit) {
            return unit.db().run(
                "INSERT INTO org_setting (org_id, downloads) VALUES ($1, $2)", world.org.org(),
                domains
            );
        }));
    }
};

} // namespace

TEST_SUITE("controller/imports/imports") {

    TEST_CASE_FIXTURE(Fixture, "an address goes to the server; its query only there, and once") {
        auto asked = analyse({{"url", "https://Files.example.org/shop.zip?sig=t0p-secret"}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        CHECK(asked.text("state") == "analysing");
        CHECK(asked.text("url") == "https://files.example.org/shop.zip");
        const auto& sent = delivered(asked.text("operation_id"));
        auto args = proto::read<proto::ImportAnalyseArgs>(sent.args).value();
        CHECK(args.source.url == "https://files.example.org/shop.zip");
        CHECK(args.environment_id == shop);
        CHECK(sent.secrets.at("import:" + asked.id()) == "sig=t0p-secret");
        // Neither what is listed, nor the operation, nor the log, nor the table has it.
        for (auto path : {"/environments/" + shop + "/imports", std::string("/operations")})
            CHECK(
                boost::json::serialize(world.in_org("GET", path).json).find("t0p-secret") ==
                std::string::npos
            );
        CHECK(
            world.one<std::int64_t>(
                "SELECT count(*) FROM import i JOIN audit_entry a ON a.org_id = i.org_id WHERE "
                "coalesce(a.after_json, '') || i.url || i.path LIKE '%t0p-secret%' OR "
                "instr(coalesce(i.sealed_query, ''), 't0p-secret') > 0"
            ) == 0
        );
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM import WHERE sealed_query IS NOT NULL") ==
            1
        );
        run(asked.text("operation_id"), proto::Outcome::succeeded, found());
        CHECK(
            world.one<std::int64_t>("SELECT count(*) FROM import WHERE sealed_query IS NOT NULL") ==
            0
        );
        auto done = get(asked.id());
        CHECK(done.text("state") == "analysed");
        CHECK(done.text("sha256") == std::string(64, 'a'));
        CHECK(done.json.at("analysis").at("modules").as_array().size() == 2);
        CHECK(done.json.at("analysis").at("fits") == true);
        CHECK(done.json.at("analysis").at("odoo_version") == "19.0");
    }

    TEST_CASE_FIXTURE(Fixture, "what is no path and no https address is refused by its field") {
        struct Row {
            object body;
            std::string_view field;
        };
        const Row rows[] = {
            {{}, "path"},
            {{{"path", "/srv/imports/a.zip"}, {"url", "https://a.example/b"}}, "url"},
            {{{"path", "srv/imports/a.zip"}}, "path"},
            {{{"path", "/srv/imports/../../etc/shadow"}}, "path"},
            {{{"path", "/srv/imports/a b"}}, "path"},
            {{{"url", "http://files.example.org/a.zip"}}, "url"},
            {{{"url", "file:///etc/passwd"}}, "url"},
            {{{"url", "https://user:pw@files.example.org/a.zip"}}, "url"},
            {{{"url", "https://0x7f000001/a.zip"}}, "url"},
            {{{"url", "https://files.example.org/a/../b"}}, "url"},
            {{{"path", "/srv/imports/a.dump"}, {"filestore", "x"}}, "filestore"},
            {{{"path", "/srv/imports/a.dump"}, {"sha256", std::string(64, 'a')}}, "sha256"},
            {{{"url", "https://a.example/b"}, {"sha256", "abc"}}, "sha256"}};
        for (const auto& row : rows) {
            auto reply = analyse(row.body);
            CAPTURE(boost::json::serialize(row.body));
            CHECK(reply.status == 400);
            REQUIRE(reply.code() == "validation_failed");
            CHECK(str(reply.json.at("errors").at(0).at("field")) == row.field);
        }
        CHECK(count("import.analyse") == 0);
    }

    TEST_CASE_FIXTURE(
        Fixture, "with an allow-list, only its domains can be sources, on the server too"
    ) {
        allow_only(R"(["good.example.org","*.files.example"])");
        for (auto url :
             {"https://evil.example.org/a.zip", "https://good.example.org.evil.example/a.zip",
              "https://xgood.example.org/a.zip", "https://files.example/a.zip",
              "https://93.184.216.34/a.zip"}) {
            CAPTURE(url);
            auto reply = analyse({{"url", url}});
            CHECK(reply.code() == "validation_failed");
            CHECK(str(reply.json.at("errors").at(0).at("field")) == "url");
        }
        auto asked = analyse({{"url", "https://a.files.example/a.zip"}});
        REQUIRE(asked.status == 202);
        auto args =
            proto::read<proto::ImportAnalyseArgs>(delivered(asked.text("operation_id")).args)
                .value();
        CHECK(args.domains == std::vector<std::string>{"good.example.org", "*.files.example"});
    }

    TEST_CASE_FIXTURE(Fixture, "what fits is run once; what does not, never") {
        auto good = analysed(), bad = analysed(false);
        CHECK(run_it(bad).code() == "import_does_not_fit");
        CHECK(run_it(good).code() == "no_storage");
        auto asked = run_it(good, {{"safety_backup", false}});
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        auto args = proto::read<proto::ImportRunArgs>(delivered(asked.id()).args).value();
        CHECK(args.import_id == good);
        CHECK(args.neutralise);
        CHECK(args.update);
        CHECK(!args.safety);
        CHECK(get(good).text("state") == "running");
        CHECK(run_it(good, {{"safety_backup", false}}).code() == "import_not_analysed");
        run(asked.id());
        CHECK(get(good).text("state") == "imported");
        CHECK(run_it(good, {{"safety_backup", false}}).code() == "import_not_analysed");
    }

    TEST_CASE_FIXTURE(Fixture, "a run that failed says why, and can be tried again") {
        auto id = analysed();
        auto asked = run_it(id, {{"safety_backup", false}});
        run(asked.id(), proto::Outcome::failed, {}, "import_load_failed");
        auto row = get(id);
        CHECK(row.text("state") == "analysed");
        CHECK(row.json.at("error").at("code") == "import_load_failed");
        CHECK(run_it(id, {{"safety_backup", false}}).status == 202);
    }

    TEST_CASE_FIXTURE(Fixture, "with a storage, a backup comes first") {
        protect(shop, storage());
        auto id = analysed();
        inventory({});
        auto asked = run_it(id);
        if (asked.status == 409) CHECK(asked.code() == "backup_not_ready");
        REQUIRE_MESSAGE(asked.status == 202, boost::json::serialize(asked.json));
        const auto& sent = delivered(asked.id());
        auto args = proto::read<proto::ImportRunArgs>(sent.args).value();
        REQUIRE(args.safety);
        CHECK(args.safety->kind == proto::BackupKind::pre_restore);
        CHECK(sent.secrets.contains("storage:" + args.safety->settings.storage.id));
        CHECK(state(args.safety->backup_id) == "running");
    }

    TEST_CASE_FIXTURE(Fixture, "production is replaced by who may, with its name typed back") {
        auto production = live(in, "Live", "production");
        auto id = analysed(true, production);
        object body{{"safety_backup", false}};
        auto refused = run_it(id, body, {{"x-confirm", "Live"}}, production);
        CHECK(refused.status == 403);
        CHECK(refused.text("permission") == "restores.production");
        hold("restores.production");
        CHECK(run_it(id, body, {}, production).code() == "confirmation_required");
        CHECK(run_it(id, body, {{"x-confirm", "Shop"}}, production).status == 409);
        auto asked = run_it(id, body, {{"x-confirm", "Live"}}, production);
        REQUIRE(asked.status == 202);
        auto args = proto::read<proto::ImportRunArgs>(delivered(asked.id()).args).value();
        CHECK(!args.neutralise);
    }

    TEST_CASE_FIXTURE(Fixture, "an import is of its environment, and another has none of it") {
        auto id = analysed();
        auto other = live(in, "Other");
        CHECK(world.in_org("GET", path_of(id, other)).status == 404);
        CHECK(run_it(id, {}, {}, other).status == 404);
        CHECK(world.in_org("DELETE", path_of(id, other)).status == 404);
    }

    TEST_CASE_FIXTURE(Fixture, "a server holds five of an environment; removing one makes room") {
        std::vector<std::string> ids;
        for (int i = 0; i < 5; ++i) ids.push_back(analysed());
        CHECK(analyse({{"path", "/srv/imports/b.zip"}}).code() == "too_many_imports");
        auto removed = world.in_org("DELETE", path_of(ids[0]));
        REQUIRE(removed.status == 202);
        auto args = proto::read<proto::ImportDiscardArgs>(delivered(removed.id()).args).value();
        CHECK(args.import_id == ids[0]);
        CHECK(get(ids[0]).text("state") == "removing");
        run(removed.id());
        CHECK(get(ids[0]).status == 404);
        CHECK(analyse({{"path", "/srv/imports/b.zip"}}).status == 202);
    }

    TEST_CASE_FIXTURE(
        Fixture, "what nobody could read holds nothing, and twenty of them are kept"
    ) {
        std::string last;
        for (int i = 0; i < 22; ++i) {
            auto asked = analyse({{"path", "/srv/imports/b.zip"}});
            REQUIRE(asked.status == 202);
            CHECK(world.in_org("DELETE", path_of(asked.id())).code() == "import_busy");
            run(asked.text("operation_id"), proto::Outcome::failed, {}, "import_hostile");
            last = asked.id();
        }
        auto row = get(last);
        CHECK(row.text("state") == "failed");
        CHECK(row.json.at("error").at("code") == "import_hostile");
        CHECK(run_it(last, {{"safety_backup", false}}).code() == "import_not_analysed");
        auto list = world.in_org("GET", "/environments/" + shop + "/imports?limit=200");
        CHECK(list.json.at("data").as_array().size() == 21);
        CHECK(world.in_org("DELETE", path_of(last)).status == 204);
    }

    TEST_CASE_FIXTURE(
        Fixture, "an environment takes its imports along, also from a revoked server"
    ) {
        auto rows = [&] {
            return world.core->store
                .read([&](store::Connection& db) {
                    return db.one<std::int64_t>("SELECT count(*) FROM import");
                })
                .value()
                .value();
        };
        analysed();
        auto other = live(in, "Other", "staging");
        analysed(true, other);
        REQUIRE(rows() == 2);
        auto removed =
            world.in_org("DELETE", "/environments/" + other, {}, {{"x-confirm", "Other"}});
        REQUIRE_MESSAGE(removed.status == 202, boost::json::serialize(removed.json));
        run(removed.id());
        CHECK(rows() == 1);
        REQUIRE(
            world
                .in_org(
                    "POST", "/servers/" + server.str() + "/revoke", {},
                    {{"x-confirm", "odoo-fra-1"}}
                )
                .status == 200
        );
        removed = world.in_org("DELETE", "/environments/" + shop, {}, {{"x-confirm", "Shop"}});
        REQUIRE_MESSAGE(removed.status == 204, boost::json::serialize(removed.json));
        CHECK(rows() == 0);
    }

    TEST_CASE_FIXTURE(Fixture, "what a server makes up about an import is cut to size") {
        auto asked = analyse({{"path", "/srv/imports/shop.zip"}});
        auto result = found();
        result.analysis->modules.assign(
            4000, {std::string(1000, 'x'), std::string(1000, '9'), true}
        );
        result.analysis->extensions.assign(1000, std::string(1000, 'e'));
        result.analysis->odoo_version = std::string(1000, '1');
        run(asked.text("operation_id"), proto::Outcome::succeeded, result);
        auto analysis = get(asked.id()).json.at("analysis");
        CHECK(analysis.at("modules").as_array().size() == 3000);
        CHECK(analysis.at("extensions").as_array().size() == 100);
        CHECK(analysis.at("odoo_version").as_string().size() <= 20);
        CHECK(analysis.at("modules").at(0).at("name").as_string().size() <= 104);
    }
}

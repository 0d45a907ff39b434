#include "../journal/support.hpp"
#include "agent/login/logins.hpp"
#include "common/crypto/encoding.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/hpke.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace fairlead;
using namespace fairlead::login;
using namespace std::chrono_literals;
using journal::JournalFile;
using journal::Redactor;
using journal::Work;
namespace fs = std::filesystem;

namespace {

const std::string environment = "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ";

/// A server with one environment that was deployed, and a database that the test plays.
struct Server {
    Server() : place(layout(), "shop") {
        fs::create_directories(place.release(3));
        fs::create_directories(place.data());
        REQUIRE(deploy::save_environment(place, {environment, "shop", "Shop", 3, 18069}));
        save({"shop.example.com", "www.example.com"}, proto::Exposure::tunnel);
        script("LOGIN_PATH = \"/fairlead/login\"\n");
        parts.layout = layout();
        parts.policy = [this] { return policy::Policy::parse(rules, "policy.yaml"); };
        parts.rows = [this](const deploy::Place&, const std::string& sql) {
            asked = sql;
            return Result<std::vector<std::string>>(rows);
        };
        parts.runs = [this](const deploy::Place&) { return Result<bool>(runs); };
        parts.user = [](const std::string&) {
            return std::optional(host::UnixUser{::getuid(), ::getgid()});
        };
    }
    deploy::Layout layout() const {
        deploy::Layout layout;
        layout.base = folder.path();
        return layout;
    }
    void
    save(std::vector<std::string> domains, proto::Exposure exposure, std::string odoo = "19.0") {
        deploy::ReleaseRecord release;
        release.info.number = 3;
        release.environment.odoo_version = std::move(odoo);
        release.environment.port = 18069;
        release.environment.domains = std::move(domains);
        release.environment.exposure = exposure;
        REQUIRE(deploy::save_release(place, release));
    }
    void script(std::string_view text) {
        REQUIRE(write_file(place.release(3) / "serve.py", text, 0644));
    }

    proto::Finished run(std::string_view kind, boost::json::value args) {
        ++fence;
        auto operation = journal::operation(fence, fence);
        operation.kind = kind;
        operation.requested_by = "ann@example.org";
        operation.args = std::move(args);
        REQUIRE(journal->deliver(operation, "") == journal::Delivered::fresh);
        if (!logins) logins = std::make_unique<Logins>(parts);
        auto plan = logins->plan(operation);
        REQUIRE(plan);
        Work work(*journal, journal.clock, operation, Redactor());
        journal::Engine engine(*journal, [](auto) {});
        return engine.run(*plan, work);
    }
    proto::Finished link(std::string login = "admin") {
        proto::OdooLoginArgs args{
            environment, "shop", std::move(login), "Ticket 4711", public_key()};
        return run(proto::kind::odoo_login, proto::write(args));
    }
    proto::Finished users() {
        return run(
            proto::kind::odoo_users,
            proto::write(proto::OdooUsersArgs{environment, "shop", public_key()})
        );
    }
    std::string public_key() const { return crypto::base64url_encode(crypto::hpke_public(key)); }
    /// As the page that asked reads it.
    boost::json::object opened(const proto::Finished& finished, std::string_view kind) const {
        REQUIRE_MESSAGE(
            finished.outcome == proto::Outcome::succeeded,
            finished.error.value_or(proto::OperationError{}).message
        );
        auto sealed = crypto::base64url_decode(finished.result.sealed).value();
        auto text = crypto::hpke_open(key, proto::sealed_info(kind, journal::op_id(fence)), sealed);
        REQUIRE(text);
        return boost::json::parse(text->reveal()).as_object();
    }
    std::string token() {
        auto url = std::string(opened(link(), proto::kind::odoo_login).at("url").as_string());
        return url.substr(url.find('#') + 1);
    }
    fs::path file(const std::string& token) const {
        return place.root / "logins" / crypto::sha256(token).hex();
    }
    void use(const std::string& token) {
        fs::create_directories(place.data() / "used-logins");
        std::ofstream(place.data() / "used-logins" / crypto::sha256(token).hex()) << "";
    }
    std::string code(const proto::Finished& finished) {
        return finished.error ? finished.error->code : "";
    }

    store::TemporaryFolder folder;
    JournalFile journal;
    deploy::Place place;
    crypto::P256Key key = crypto::P256Key::generate();
    std::string rules = "version: 1\nodoo_login: [{deny: director}, {allow: '*'}]\n";
    std::vector<std::string> rows{"{\"id\":2,\"login\":\"admin\",\"name\":\"Mitchell Admin\"}"};
    std::string asked;
    bool runs = true;
    unsigned fence = 0;
    Logins::Parts parts{.clock = journal.clock};
    std::unique_ptr<Logins> logins;
};

} // namespace

TEST_SUITE("agent/login/logins") {

    TEST_CASE("a link is told to whoever asked alone; the server keeps its hash") {
        Server server;
        auto finished = server.link();
        auto told = server.opened(finished, proto::kind::odoo_login);
        auto url = std::string(told.at("url").as_string());
        const std::string before = "https://shop.example.com/fairlead/login#";
        REQUIRE(url.starts_with(before));
        auto token = url.substr(before.size());
        CHECK(token.size() == 43);
        CHECK(
            told.at("expires_ms").as_int64() ==
            to_ms(server.journal.clock.now()) + proto::odoo_link_lasts_ms
        );
        auto file = server.file(token);
        struct stat info {};
        REQUIRE(::stat(file.c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0640);
        auto kept = json::decode<odoo::LoginFile>(
            read_file(file, 65536).value(), json::Strictness::lenient
        );
        REQUIRE(kept);
        CHECK(kept->uid == 2);
        CHECK(kept->login == "admin");
        CHECK(kept->by == "ann@example.org");
        CHECK(kept->reason == "Ticket 4711");
        CHECK(kept->operation == journal::op_id(1));
        // Neither in what is reported nor in what is kept of it.
        for (const auto& report : journal::all_reports(*server.journal))
            CHECK(proto::write_text(report).find(token) == std::string::npos);
        CHECK(read_file(file, 65536)->find(token) == std::string::npos);
        // And another key does not open it.
        auto sealed = crypto::base64url_decode(finished.result.sealed).value();
        CHECK_FALSE(crypto::hpke_open(
            crypto::P256Key::generate(),
            proto::sealed_info(proto::kind::odoo_login, journal::op_id(1)), sealed
        ));
    }

    TEST_CASE("the link leads to where the environment is reached") {
        Server server;
        auto url = [&] {
            return std::string(
                server.opened(server.link(), proto::kind::odoo_login).at("url").as_string()
            );
        };
        server.save({"*.example.com", "shop.example.com"}, proto::Exposure::direct);
        CHECK(url().starts_with("https://shop.example.com/fairlead/login#"));
        server.save({"shop.example.com"}, proto::Exposure::port);
        CHECK(url().starts_with("http://127.0.0.1:18069/fairlead/login#"));
        server.save({}, proto::Exposure::cloudflared);
        CHECK(url().starts_with("http://127.0.0.1:18069/fairlead/login#"));
    }

    TEST_CASE("whom it can be is told, without those whom the policy keeps out") {
        Server server;
        server.rows.push_back("{\"id\":5,\"login\":\"director\",\"name\":\"Di\"}");
        server.rows.push_back("{\"id\":6,\"login\":\"bob\",\"name\":\"Bob\"}");
        auto told = server.opened(server.users(), proto::kind::odoo_users);
        CHECK(
            boost::json::serialize(told) ==
            R"({"users":[{"login":"admin","name":"Mitchell Admin"},{"login":"bob","name":"Bob"}],"more":false})"
        );
        for (const auto& report : journal::all_reports(*server.journal))
            CHECK(proto::write_text(report).find("Mitchell") == std::string::npos);
        server.rows.assign(proto::most_odoo_users + 1, server.rows.front());
        CHECK(server.opened(server.users(), proto::kind::odoo_users).at("more").as_bool());
    }

    TEST_CASE("what the policy does not allow is asked of no database") {
        Server server;
        CHECK(server.code(server.link("director")) == "policy_refused");
        server.rules = "version: 1\n";
        CHECK(server.code(server.link()) == "policy_refused");
        CHECK(server.code(server.users()) == "policy_refused");
        CHECK(server.asked.empty());
        CHECK_FALSE(fs::exists(server.place.root / "logins"));
    }

    TEST_CASE("who cannot be logged in as, and what cannot be logged in to, is told by name") {
        Server server;
        server.rows.clear();
        CHECK(server.code(server.link("gone")) == "no_such_odoo_user");
        server.rows = {"{\"id\":2,\"login\":\"admin\",\"name\":\"A\"}"};
        server.runs = false;
        CHECK(server.code(server.link()) == "odoo_not_running");
        server.runs = true;
        server.script("# of an agent from before\n");
        CHECK(server.code(server.link()) == "release_too_old");
        server.script("/fairlead/login");
        server.save({}, proto::Exposure::port, "10.0");
        CHECK(server.code(server.link()) == "odoo_too_old");
        server.save({}, proto::Exposure::port, "master");
        CHECK(server.code(server.link()).empty());
        proto::OdooLoginArgs args{
            "env_01JD8Q4M3N7V5X2K9B6T0W1YHA", "shop", "admin", "x", server.public_key()};
        CHECK(server.code(server.run(proto::kind::odoo_login, proto::write(args))) == "slug_taken");
    }

    TEST_CASE("an environment has five links in a minute") {
        Server server;
        for (std::size_t i = 0; i < Logins::most_links; ++i)
            CHECK(server.code(server.link()).empty());
        CHECK(server.code(server.link()) == "too_many_links");
        server.journal.clock.advance(61s);
        auto token = server.token();
        // What is old is forgotten by the next one.
        server.journal.clock.advance(25h);
        CHECK(fs::exists(server.file(token)));
        server.link();
        CHECK_FALSE(fs::exists(server.file(token)));
    }

    TEST_CASE("a link's use is told, also by the next process") {
        Server server;
        auto token = server.token();
        CHECK(server.logins->look() == Logins::News::waiting);
        CHECK(server.logins->used().empty());
        server.use(token);
        CHECK(server.logins->look() == Logins::News::used);
        auto used = server.logins->used();
        REQUIRE(used.size() == 1);
        CHECK(used[0].operation == journal::op_id(1));
        CHECK(server.logins->look() == Logins::News::none);

        auto next = server.token();
        server.logins = std::make_unique<Logins>(server.parts);
        CHECK(server.logins->look() == Logins::News::waiting);
        server.use(next);
        CHECK(server.logins->look() == Logins::News::used);
        CHECK(server.logins->used().size() == 2);
        // One that nobody uses is waited for no longer than it counts.
        server.token();
        server.journal.clock.advance(61s);
        CHECK(server.logins->look() == Logins::News::none);
    }

    TEST_CASE("a mark that is no file of the environment's own counts for nothing") {
        Server server;
        auto token = server.token();
        fs::create_directories(server.place.data() / "used-logins");
        fs::create_symlink(
            "/etc/passwd", server.place.data() / "used-logins" / crypto::sha256(token).hex()
        );
        CHECK(server.logins->used().empty());
    }
}

#include "../journal/support.hpp"
#include "agent/host/users.hpp"
#include "agent/mail/captures.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

using namespace fairlead;
using namespace fairlead::mail;
using journal::JournalFile;
namespace fs = std::filesystem;

namespace {

const std::string environment = "env_01J0000000000000000000000A";

struct Server {
    Server() {
        crypto::start();
        places.base = folder.path() / "mail";
        places.user = ::getpwuid(::geteuid())->pw_name;
        fs::create_directories(places.accounts());
        fs::create_directories(places.box("shop"));
        Account account;
        account.environment = environment;
        account.slug = "shop";
        account.password_sha256 = crypto::sha256("x").hex();
        REQUIRE(save_account(places, account, ::getegid()));
    }
    std::string keep() {
        journal.clock.advance(std::chrono::milliseconds(1));
        auto incoming = Box::open(places.box("shop")).value().begin();
        REQUIRE(incoming);
        proto::MailSummary summary;
        summary.id = make_mail_id(journal.clock.now());
        REQUIRE(incoming->append("text"));
        REQUIRE(incoming->commit(summary));
        return summary.id;
    }
    std::size_t count() { return Box::open(places.box("shop")).value().list().value().size(); }

    template <class Args>
    proto::Finished run(std::string_view kind, const Args& args) {
        ++number;
        auto operation = journal::operation(number, number);
        operation.kind = kind;
        operation.args = proto::write(args);
        REQUIRE(journal->deliver(operation, "") == journal::Delivered::fresh);
        auto plan = plan_for(places, journal.clock, operation);
        REQUIRE(plan);
        journal::Work work(*journal, journal.clock, operation, journal::Redactor());
        journal::Engine engine(*journal, [](auto) {});
        return engine.run(*plan, work);
    }

    store::TemporaryFolder folder;
    JournalFile journal;
    Places places;
    unsigned number = 0;
};

bool succeeded(const proto::Finished& finished) {
    return finished.outcome == proto::Outcome::succeeded;
}

} // namespace

TEST_SUITE("agent/mail/captures") {

    TEST_CASE("S-MAIL-07: one message is deleted, or all are, and their room is free again") {
        Server server;
        auto first = server.keep();
        server.keep();
        server.keep();
        proto::MailDeleteArgs args;
        args.environment_id = environment;
        args.slug = "shop";
        args.messages = {first, "1767225600000-0123456789ab"};
        CHECK(succeeded(server.run(proto::kind::mail_delete, args)));
        CHECK(server.count() == 2);
        args.messages.clear();
        args.all = true;
        CHECK(succeeded(server.run(proto::kind::mail_delete, args)));
        CHECK(server.count() == 0);
        CHECK(fs::is_empty(server.places.box("shop")));
    }

    TEST_CASE("a retention counts at once") {
        Server server;
        server.keep();
        server.journal.clock.advance(std::chrono::hours(24 * 5));
        server.keep();
        proto::MailConfigureArgs args;
        args.environment_id = environment;
        args.slug = "shop";
        args.retention = {4, 100, 1ull << 30};
        CHECK(succeeded(server.run(proto::kind::mail_configure, args)));
        CHECK(server.count() == 1);
        CHECK(load_account(server.places, "shop")->retention.days == 4);
        CHECK(load_account(server.places, "shop")->password_sha256 == crypto::sha256("x").hex());
    }

    TEST_CASE("nothing is done to what another environment of that name captured") {
        Server server;
        server.keep();
        proto::MailDeleteArgs args;
        args.environment_id = "env_01J0000000000000000000000B";
        args.slug = "shop";
        args.all = true;
        auto finished = server.run(proto::kind::mail_delete, args);
        CHECK(finished.outcome == proto::Outcome::failed);
        CHECK(finished.error->code == "mail_not_captured");
        CHECK(server.count() == 1);
    }

    TEST_CASE("an environment gets a password once, and what one before it left goes") {
        if (::geteuid() != 0) return; // folders get their owners
        Server server;
        server.keep();
        proto::EnvironmentSpec e;
        e.id = environment;
        e.slug = "shop";
        e.mail = proto::MailRetention{7, 50, 1ull << 30};
        auto root = server.folder.path() / "shop";
        fs::create_directories(root);
        auto sink = prepare(server.places, root, e);
        REQUIRE(sink);
        CHECK(sink->user == "shop");
        CHECK(sink->password.size() == 48);
        auto account = load_account(server.places, "shop");
        REQUIRE(account);
        CHECK(opens(*account, sink->password));
        CHECK(account->retention.days == 7);
        CHECK(server.count() == 1);
        CHECK(prepare(server.places, root, e)->password == sink->password);
        struct stat info {};
        REQUIRE(::stat((root / "mail-password").c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0600);
        e.id = "env_01J0000000000000000000000B";
        REQUIRE(prepare(server.places, root, e));
        CHECK(server.count() == 0);
        REQUIRE(forget(server.places, "shop"));
        CHECK_FALSE(load_account(server.places, "shop"));
        CHECK_FALSE(fs::exists(server.places.box("shop")));
        CHECK(forget(server.places, "shop"));
    }
}

#include "agent/host/sending.hpp"
#include "agent/mail/box.hpp"
#include "agent/mail/reading.hpp"
#include "agent/mail/sink.hpp"
#include "common/crypto/hash.hpp"
#include "common/crypto/random.hpp"
#include "common/store/memory_db.hpp"
#include "proto/codec.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace fairlead;
using namespace fairlead::mail;
namespace fs = std::filesystem;

namespace {

const std::string environment = "env_01J0000000000000000000000A";

struct Server {
    Server() {
        crypto::start();
        fs::create_directories(places.accounts());
        add("shop", {});
    }
    void add(const std::string& slug, proto::MailRetention retention) {
        fs::create_directories(places.box(slug));
        Account account;
        account.environment = environment;
        account.slug = slug;
        account.password_sha256 = crypto::sha256("of-" + slug).hex();
        account.retention = retention;
        REQUIRE(save_account(places, account, ::getegid()));
    }
    Box box(const std::string& slug = "shop") { return Box::open(places.box(slug)).value(); }
    /// Its name.
    std::string
    keep(const std::string& subject, std::size_t bytes = 10, const std::string& slug = "shop") {
        clock.advance(std::chrono::milliseconds(1));
        auto delivery = boxes.begin(slug);
        REQUIRE(delivery);
        REQUIRE((*delivery)->append(
            "From: Shop <shop@x>\r\nTo: you@y\r\nSubject: " + subject + "\r\n\r\n" +
            std::string(bytes, 'x')
        ));
        REQUIRE((*delivery)->keep("shop@x", {"you@y"}, 1));
        return box(slug).list().value().back().id;
    }
    boost::json::array lines(proto::MailPurpose what) {
        what.environment = environment;
        if (what.lines == 0) what.lines = 100;
        auto text = list_of(box(), what, std::chrono::seconds(10));
        boost::json::array all;
        for (std::size_t start = 0; start < text.size();) {
            auto end = text.find('\n', start);
            all.push_back(boost::json::parse(text.substr(start, end - start)));
            start = end + 1;
        }
        return all;
    }

    store::TemporaryFolder folder;
    Places places = Places::below(folder.path());
    FakeClock clock;
    Boxes boxes{places, clock};
};

std::string text_of(const boost::json::value& line, const char* name) {
    return std::string(line.at(name).as_string());
}

} // namespace

TEST_SUITE("agent/mail/box") {

    TEST_CASE("what came in is listed newest first, a page at a time, with how much there is") {
        Server server;
        std::vector<std::string> ids;
        for (int i = 0; i < 5; ++i) ids.push_back(server.keep("number " + std::to_string(i)));
        proto::MailPurpose what;
        what.lines = 2;
        auto page = server.lines(what);
        REQUIRE(page.size() == 3);
        CHECK(text_of(page[0], "id") == ids[4]);
        CHECK(text_of(page[0], "subject") == "number 4");
        CHECK(text_of(page[0], "from") == "Shop <shop@x>");
        CHECK(text_of(page[2], "end") == "lines");
        CHECK(page[2].at("messages").as_int64() == 5);
        what.before = text_of(page[2], "next");
        CHECK(what.before == ids[3]);
        what.lines = 10;
        page = server.lines(what);
        REQUIRE(page.size() == 4);
        CHECK(text_of(page[0], "id") == ids[2]);
        CHECK(text_of(page[3], "end") == "done");
    }

    TEST_CASE("a search looks at senders, recipients and subjects, in capital letters or not") {
        Server server;
        server.keep("Invoice 1");
        server.keep("=?utf-8?q?Angebot_f=C3=BCr_Sie?=");
        proto::MailPurpose what;
        what.search = "INVOICE";
        CHECK(server.lines(what).size() == 2);
        what.search = "f\xc3\xbcr";
        CHECK(server.lines(what).size() == 2);
        what.search = "you@Y";
        CHECK(server.lines(what).size() == 3);
        what.search = "nothing of it";
        CHECK(server.lines(what).size() == 1);
    }

    TEST_CASE("S-MAIL-06: messages go when they reach the age that the customer set") {
        Server server;
        server.add("shop", {3, 10'000, 1ull << 30});
        server.keep("old");
        server.clock.advance(std::chrono::hours(48));
        auto young = server.keep("young");
        server.clock.advance(std::chrono::hours(24) - std::chrono::milliseconds(2));
        server.boxes.sweep();
        CHECK(server.box().list().value().size() == 2);
        server.clock.advance(std::chrono::milliseconds(10));
        server.boxes.sweep();
        auto left = server.box().list().value();
        REQUIRE(left.size() == 1);
        CHECK(left[0].id == young);
    }

    TEST_CASE("the oldest go when there are too many, or they are too large together") {
        Server server;
        server.add("shop", {30, 100, 1ull << 30});
        for (int i = 0; i < 150; ++i) server.keep(std::to_string(i));
        auto left = server.box().list().value();
        CHECK(left.size() <= 100);
        CHECK(left.size() >= 90);
        CHECK(server.box().summary(left.back().id)->subject == "149");
        server.add("big", {30, 10'000, 1'000'000});
        for (int i = 0; i < 20; ++i) server.keep(std::to_string(i), 100'000, "big");
        std::uint64_t bytes = 0;
        auto big = server.box("big").list().value();
        for (const auto& one : big) bytes += one.bytes + head_bytes;
        CHECK(bytes <= 1'000'000);
        CHECK(bytes > 500'000);
    }

    TEST_CASE("a message that does not come to its end leaves nothing") {
        Server server;
        {
            auto delivery = server.boxes.begin("shop");
            REQUIRE((*delivery)->append("half"));
        }
        CHECK(fs::is_empty(server.places.box("shop")));
        // One that a crash left goes after an hour.
        std::ofstream(server.places.box("shop") / ".incoming-0011") << "half";
        server.clock = FakeClock(SystemClock().now());
        server.boxes.sweep();
        CHECK_FALSE(fs::is_empty(server.places.box("shop")));
        server.clock.advance(std::chrono::hours(2));
        server.boxes.sweep();
        CHECK(fs::is_empty(server.places.box("shop")));
    }

    TEST_CASE("no name leads out of the box, and no link in it is followed") {
        Server server;
        auto id = server.keep("x");
        std::ofstream(server.folder.path() / "secret") << std::string(5000, 's');
        fs::create_symlink(
            server.folder.path() / "secret",
            server.places.box("shop") / "1767225600000-0123456789ab.eml"
        );
        auto box = server.box();
        CHECK(box.list().value().size() == 1);
        CHECK_FALSE(box.message("1767225600000-0123456789ab"));
        CHECK_FALSE(box.message("../../secret"));
        CHECK_FALSE(box.remove("../../secret").value());
        CHECK(box.remove(id).value());
        CHECK_FALSE(box.remove(id).value());
        CHECK(fs::exists(server.folder.path() / "secret"));
    }

    TEST_CASE("S-ISO-09: the login of one environment reaches no box but its own") {
        Server server;
        server.add("other", {});
        CHECK(server.boxes.may_enter("shop", "of-shop"));
        CHECK_FALSE(server.boxes.may_enter("other", "of-shop"));
        CHECK_FALSE(server.boxes.may_enter("shop", ""));
        CHECK_FALSE(server.boxes.may_enter("../accounts/shop", "of-shop"));
        server.keep("of shop");
        CHECK(server.box("other").list().value().empty());
    }

    TEST_CASE(
        "a reading is one of the environment that the account is of, where the policy allows it"
    ) {
        Server server;
        proto::MailOpening wanted;
        wanted.slug = "shop";
        wanted.what.environment = environment;
        auto all = policy::Policy::parse("version: 1\n", "policy.yaml").value();
        auto none = policy::Policy::parse("version: 1\nmail: []\n", "policy.yaml").value();
        CHECK(judge(wanted, all, server.places));
        auto refused = judge(wanted, none, server.places);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == "policy_refused");
        wanted.what.environment = "env_01J0000000000000000000000B";
        auto another = judge(wanted, all, server.places);
        REQUIRE_FALSE(another);
        CHECK(another.error().code() == "mail_not_captured");
        wanted.slug = "never";
        CHECK_FALSE(judge(wanted, all, server.places));
    }

    TEST_CASE("a message is sent as it came, between the byte of the opening and that of the end") {
        Server server;
        auto id = server.keep("x", 100'000);
        auto file = server.box().message(id);
        REQUIRE(file);
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        Descriptor ours(pair[0]), theirs(pair[1]);
        int room = 1 << 20;
        ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        auto left = host::bytes_left(file->get());
        CHECK(host::send_whole(ours.get(), "", file->get(), left, {}) == "done");
        ours.reset();
        std::string got;
        char bytes[65536];
        for (ssize_t n = 0; (n = ::read(theirs.get(), bytes, sizeof bytes)) > 0;)
            got.append(bytes, static_cast<std::size_t>(n));
        CHECK(got.starts_with("\nFrom: Shop"));
        CHECK(got.ends_with(std::string("xxx") + '\0'));
        CHECK(got.size() == server.box().list().value()[0].bytes + 2);
    }
}

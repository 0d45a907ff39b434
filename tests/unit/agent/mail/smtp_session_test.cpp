#include "agent/mail/smtp_session.hpp"
#include "common/crypto/encoding.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace fairlead;
using namespace fairlead::mail;

namespace {

struct Kept {
    std::string user, sender, text;
    std::vector<std::string> recipients;
    std::size_t count = 0;
};

/// Two environments, each with a password.
class Room final : public Mailroom {
public:
    class Coming final : public Delivery {
    public:
        Coming(Room& room, std::string user) : room_(room) { kept_.user = std::move(user); }
        Result<> append(std::string_view bytes) override {
            if (room_.full) return fail(Errc::unavailable, "The disk is full");
            kept_.text += bytes;
            return {};
        }
        Result<> keep(
            std::string_view sender, const std::vector<std::string>& recipients, std::size_t count
        ) override {
            kept_.sender = sender;
            kept_.recipients = recipients;
            kept_.count = count;
            room_.all.push_back(kept_);
            return {};
        }

    private:
        Room& room_;
        Kept kept_;
    };

    bool may_enter(const std::string& user, std::string_view password) override {
        auto found = passwords.find(user);
        return found != passwords.end() && found->second == password;
    }
    Result<std::unique_ptr<Delivery>> begin(const std::string& user) override {
        return std::unique_ptr<Delivery>(std::make_unique<Coming>(*this, user));
    }

    std::map<std::string, std::string> passwords{{"a", "of-a"}, {"b", "of-b"}};
    std::vector<Kept> all;
    bool full = false;
};

std::string plain(std::string_view user, std::string_view password) {
    std::string text(1, '\0');
    text += user;
    text += '\0';
    text += password;
    return "AUTH PLAIN " + crypto::base64_encode(text) + "\r\n";
}

/// What is answered, however it is cut.
std::string say(Session& session, std::string_view text, std::size_t cut = 1 << 20) {
    std::string out;
    while (!text.empty()) {
        session.take(text.substr(0, cut), out);
        text.remove_prefix(std::min(cut, text.size()));
    }
    return out;
}

const std::string envelope = "MAIL FROM:<odoo@a.example>\r\nRCPT TO:<you@b.example>\r\nDATA\r\n";

} // namespace

TEST_SUITE("agent/mail/smtp_session") {

    TEST_CASE("nothing is taken without a login, and a wrong one opens nothing") {
        Room room;
        Session session(room);
        CHECK(say(session, "EHLO x\r\n").find("250 AUTH PLAIN LOGIN\r\n") != std::string::npos);
        CHECK(say(session, "MAIL FROM:<a@b>\r\n").starts_with("530 "));
        CHECK(say(session, plain("a", "of-b")).starts_with("535 "));
        CHECK(say(session, plain("../a", "of-a")).starts_with("535 "));
        CHECK(session.user().empty());
        CHECK(say(session, plain("a", "of-a")).starts_with("235 "));
        CHECK(session.user() == "a");
        CHECK(say(session, plain("b", "of-b")).starts_with("503 "));
        CHECK(session.user() == "a");
    }

    TEST_CASE("a message is whose login handed it in, whatever its envelope says") {
        Room room;
        Session a(room), b(room);
        say(a, plain("a", "of-a"));
        CHECK(
            say(a, envelope + "Subject: x\r\n\r\nof a\r\n.\r\n").ends_with("250 2.0.0 Captured\r\n")
        );
        say(b, "AUTH LOGIN\r\n" + crypto::base64_encode("b") + "\r\n" +
                   crypto::base64_encode("of-b") + "\r\n");
        say(b, envelope + "of b\r\n.\r\n");
        REQUIRE(room.all.size() == 2);
        CHECK(room.all[0].user == "a");
        CHECK(room.all[0].sender == "odoo@a.example");
        CHECK(room.all[0].text == "Subject: x\r\n\r\nof a\r\n");
        CHECK(room.all[1].user == "b");
    }

    TEST_CASE("a dot at the beginning of a line is taken off, and only CR LF . CR LF ends a message"
    ) {
        std::string text = "..one\r\n\n.\n\r.\r\n.two\r\nthree\r.\r\n.\n\r\n";
        for (std::size_t cut : {1u, 2u, 3u, 1000u}) {
            CAPTURE(cut);
            Room room;
            Session session(room);
            auto out = say(session, plain("a", "of-a") + envelope + text + ".\r\nQUIT\r\n", cut);
            REQUIRE(room.all.size() == 1);
            CHECK(room.all[0].text == ".one\r\n\n.\n\r.\r\ntwo\r\nthree\r.\r\n\n\r\n");
            CHECK(out.ends_with("221 2.0.0 Bye\r\n"));
            CHECK(session.over());
        }
    }

    TEST_CASE("no byte 0 is kept, and every other byte is") {
        Room room;
        Session session(room);
        std::string text;
        for (int c = 0; c < 256; ++c) text += static_cast<char>(c);
        say(session, plain("a", "of-a") + envelope + text + "\r\n.\r\n");
        REQUIRE(room.all.size() == 1);
        CHECK(room.all[0].text == text.substr(1) + "\r\n");
    }

    TEST_CASE("what is too large is refused, announced or not, and the next message is taken") {
        Room room;
        SessionLimits limits;
        limits.message = 1000;
        Session session(room, limits);
        say(session, plain("a", "of-a"));
        CHECK(say(session, "MAIL FROM:<a@b> SIZE=1001\r\n").starts_with("552 "));
        auto out = say(session, envelope + std::string(1500, 'x') + "\r\n.\r\n");
        CHECK(out.find("\r\n552 ") != std::string::npos);
        CHECK(room.all.empty());
        CHECK(say(session, envelope + "small\r\n.\r\n").ends_with("Captured\r\n"));
        CHECK(room.all.size() == 1);
        say(session, envelope + std::string(5000, 'x'));
        CHECK(session.over());
    }

    TEST_CASE("many recipients count, and the first ten are told") {
        Room room;
        Session session(room);
        std::string text = "MAIL FROM:<>\r\n";
        for (int i = 0; i < 1001; ++i) text += "RCPT TO:<r" + std::to_string(i) + "@x>\r\n";
        auto out = say(session, plain("a", "of-a") + text);
        CHECK(out.find("452 4.5.3") != std::string::npos);
        say(session, "DATA\r\nx\r\n.\r\n");
        REQUIRE(room.all.size() == 1);
        CHECK(room.all[0].count == 1000);
        CHECK(room.all[0].recipients.size() == 10);
    }

    TEST_CASE("a disk that is full is said, and nothing half is kept") {
        Room room;
        room.full = true;
        Session session(room);
        auto out = say(session, plain("a", "of-a") + envelope + "x\r\n.\r\n");
        CHECK(out.ends_with("452 4.3.1 The disk is full\r\n"));
        CHECK(room.all.empty());
    }

    TEST_CASE("whoever talks nonsense is not listened to for long") {
        Room room;
        Session session(room);
        for (int i = 0; i < 100; ++i) say(session, "GET / HTTP/1.1\r\n");
        CHECK(session.over());
        Session guesser(room);
        for (int i = 0; i < 10; ++i) say(guesser, plain("a", std::to_string(i)));
        CHECK(guesser.over());
        Session endless(room);
        CHECK(say(endless, std::string(1 << 20, 'x') + "\r\n").starts_with("500 "));
    }
}

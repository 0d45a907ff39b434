#include "../egress/support.hpp"
#include "controller/mail/smtp.hpp"
#include "fake_smtp.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::mail;
using namespace fairlead::test;

namespace {

const Timestamp now{std::chrono::hours(24 * 365 * 56)};
const Message message{"mai_1", "ann@example.org", "Your link", "Hello.\n.\n..dots\n"};

SmtpOptions options(const FakeSmtp& server) {
    SmtpOptions result;
    result.host = "127.0.0.1";
    result.port = server.port();
    result.tls = Tls::none;
    result.from = Mailbox::parse("Fairlead <noreply@fairlead.example>").value();
    result.name = "fairlead.example";
    return result;
}

SmtpOptions by(const std::string& egress, const std::string& host, std::uint16_t port) {
    SmtpOptions result;
    result.host = host;
    result.port = port;
    result.tls = Tls::none;
    result.from = Mailbox::parse("Fairlead <noreply@fairlead.example>").value();
    result.name = "fairlead.example";
    result.egress = egress;
    return result;
}

Result<> send(SmtpOptions with) {
    return Smtp(std::move(with)).send(message, now, {});
}

} // namespace

TEST_SUITE("controller/mail/smtp") {

    TEST_CASE("a mail reaches the server as it was written, dots included") {
        FakeSmtp server;
        CHECK(send(options(server)));
        auto received = server.received();
        REQUIRE(received.size() == 1);
        CHECK(received[0].sender.starts_with("<noreply@fairlead.example>"));
        CHECK(received[0].recipient == "<ann@example.org>");
        CHECK(received[0].text.starts_with("From: Fairlead <noreply@fairlead.example>\n"));
        CHECK(received[0].text.ends_with("\n\nHello.\n..\n...dots\n")); // as RFC 5321 doubles them
        CHECK(server.heard().front() == "EHLO fairlead.example");
    }

    TEST_CASE("the password is given where the settings name a user") {
        FakeSmtp server;
        auto with = options(server);
        with.user = "mailer";
        with.password = Secret(std::string("secret"));
        CHECK(send(std::move(with)));
        std::string said;
        for (const auto& line : server.heard()) said += line + "\n";
        CHECK(said.find("AG1haWxlcgBzZWNyZXQ=") != std::string::npos); // \0mailer\0secret
        CHECK(server.received().size() == 1);
    }

    TEST_CASE("a refused recipient is refused for good, with the server's words") {
        FakeSmtp server;
        server.answer("RCPT", "550 5.1.1 nobody of that name");
        auto sent = send(options(server));
        REQUIRE(!sent);
        CHECK(sent.error().kind() == Errc::invalid);
        CHECK(sent.error().message().find("550 5.1.1 nobody of that name") != std::string::npos);
    }

    TEST_CASE("what may be different later is tried again") {
        FakeSmtp server;
        server.answer("RCPT", "451 greylisted, come again");
        auto sent = send(options(server));
        REQUIRE(!sent);
        CHECK(sent.error().kind() == Errc::unavailable);
        CHECK(sent.error().message().find("451 greylisted") != std::string::npos);

        server.answer("RCPT", "250 fine");
        server.answer(".", "452 disk full");
        CHECK(send(options(server)).error().kind() == Errc::unavailable);
        server.answer(".", "554 looks like spam");
        CHECK(send(options(server)).error().kind() == Errc::invalid);

        auto with = options(server);
        with.user = "mailer";
        with.password = Secret("wrong");
        server.answer("AUTH", "535 wrong password");
        CHECK(send(std::move(with)).error().kind() == Errc::unavailable);
    }

    TEST_CASE("nothing is sent in the clear to a server that offers no TLS") {
        FakeSmtp server;
        auto with = options(server);
        with.tls = Tls::starttls;
        with.user = "mailer";
        with.password = Secret("secret");
        auto sent = send(std::move(with));
        REQUIRE(!sent);
        CHECK(sent.error().kind() == Errc::unavailable);
        CHECK(server.received().empty());
        for (const auto& line : server.heard()) {
            CHECK(!line.starts_with("AUTH"));
            CHECK(!line.starts_with("MAIL"));
        }
    }

    TEST_CASE("a server that is not there is told as such") {
        SmtpOptions with;
        {
            FakeSmtp gone;
            with = options(gone);
        }
        auto sent = send(std::move(with));
        REQUIRE(!sent);
        CHECK(sent.error().kind() == Errc::unavailable);
        CHECK(sent.error().message().starts_with("127.0.0.1:"));
    }

    TEST_CASE("a server that never answers is left as soon as the controller stops") {
        FakeSmtp server;
        server.answer("MAIL", "");
        std::stop_source source;
        std::thread stopper([&] {
            server.wait_for("MAIL");
            source.request_stop();
        });
        Smtp smtp(options(server));
        auto sent = smtp.send(message, now, source.get_token());
        stopper.join();
        REQUIRE(!sent);
        CHECK(sent.error().kind() == Errc::unavailable);
    }

    TEST_CASE("by an egress, the server that it names is reached, and no other") {
        FakeSmtp server;
        egress::FakeNames names;
        names.set("mail.test", {{"127.0.0.1"}}); // which no resolver of this process knows
        egress::Settings rules;
        rules.smtp = "mail.test:" + std::to_string(server.port());
        egress::RunningServer program(rules, names);
        CHECK(send(by(program.path, "mail.test", server.port())));
        CHECK(server.received().size() == 1);
        CHECK(server.heard().front() == "EHLO fairlead.example");

        auto refused = send(by(program.path, "mail.test", 26));
        REQUIRE(!refused);
        CHECK(refused.error().kind() == Errc::unavailable);
        CHECK(refused.error().message().find("smtp: \"mail.test:26\"") != std::string::npos);
        CHECK(server.received().size() == 1);
    }

    TEST_CASE("an egress that does not run, or reaches nobody, is told as such") {
        egress::FakeNames names;
        egress::Settings rules;
        rules.smtp = "none.test:25";
        egress::RunningServer program(rules, names);
        auto nobody = send(by(program.path, "none.test", 25));
        REQUIRE(!nobody);
        CHECK(nobody.error().message().find("finds nobody there") != std::string::npos);
        auto sent = send(by("/nonexistent/100% egress#.sock", "none.test", 25));
        REQUIRE(!sent);
        CHECK(sent.error().kind() == Errc::unavailable);
        auto says = sent.error().message();
        CAPTURE(says);
        CHECK(
            says.find("does not answer at /nonexistent/100% egress#.sock. Start it") !=
            std::string::npos
        );
    }

    TEST_CASE("only this machine is loopback") {
        for (const char* here : {"127.0.0.1", "127.255.0.1", "::1", "localhost"})
            CHECK(is_loopback(here));
        for (const char* there :
             {"128.0.0.1", "::2", "mail.example.org", "127.0.0.1.example.org", ""})
            CHECK(!is_loopback(there));
    }
}

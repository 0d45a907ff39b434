#include "controller/mail/message.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::mail;

namespace {

const Timestamp now = from_rfc3339("2026-11-28T03:04:05Z").value();
const Mailbox from{"Fairlead", "noreply@fairlead.example"};

std::string written(const Message& message, const Mailbox& sender = from) {
    return format(message, sender, now).value();
}

} // namespace

TEST_SUITE("controller/mail/message") {

    TEST_CASE("a mail has the headers that mail servers look for") {
        CHECK(
            written({"mai_1", "ann@example.org", "Your link", "Hello.\n\nhttps://a.example/x\n"}) ==
            "From: Fairlead <noreply@fairlead.example>\r\n"
            "To: <ann@example.org>\r\n"
            "Subject: Your link\r\n"
            "Date: Sat, 28 Nov 2026 03:04:05 +0000\r\n"
            "Message-ID: <mai_1@fairlead.example>\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "Hello.\r\n\r\nhttps://a.example/x\r\n"
        );
    }

    TEST_CASE("what somebody typed cannot become a header") {
        for (const char* to :
             {"ann@example.org\r\nBcc: all@example.org", "ann@example.org\nX: y",
              "<ann@example.org>", "ann@example.org,bob@example.org", "ann", "@", "a b@example.org",
              "ann@"}) {
            CAPTURE(to);
            CHECK(!format({"mai_1", to, "x", "y"}, from, now));
        }
        auto text =
            written({"mai_1", "ann@example.org", "Join Acme\r\nBcc: all@example.org\r\n\r\nBuy", ""}
            );
        CHECK(text.find("\nBcc:") == std::string::npos);
        CHECK(text.find("\r\n\r\n") == text.size() - 4);
        CHECK(!Mailbox::parse("Fairlead\r\nBcc: x@y.z <noreply@example.org>"));
        CHECK(!Mailbox::parse("Fair\"lead <noreply@example.org>"));
    }

    TEST_CASE("a subject beyond ASCII is encoded in words that end between characters") {
        auto text =
            written({"mai_1", "ann@example.org", "Zugang für Jürgen Müßiggänger-Ölçüsü", ""});
        CHECK(
            text.find("Subject: =?utf-8?B?WnVnYW5nIGbDvHIgSsO8cmdlbiBNw7zDn2lnZ8OkbmdlcA==?=") ==
            std::string::npos
        );
        CHECK(text.find("Subject: =?utf-8?B?") != std::string::npos);
        CHECK(text.find("?=\r\n =?utf-8?B?") != std::string::npos);
    }

    TEST_CASE("long lines are broken and special bytes escaped, so that any server passes them on"
    ) {
        auto text = written(
            {"mai_1", "ann@example.org", "x",
             std::string(200, 'a') + "\nä = b \n" + std::string(75, 'c') + "\n.\nFrom here\n"}
        );
        auto body = text.substr(text.find("\r\n\r\n") + 4);
        CHECK(
            body == std::string(75, 'a') + "=\r\n" + std::string(75, 'a') + "=\r\n" +
                        std::string(50, 'a') + "\r\n=C3=A4 =3D b=20\r\n" + std::string(75, 'c') +
                        "\r\n.\r\nFrom here\r\n"
        );
    }

    TEST_CASE("a sender is an address, with or without a name") {
        CHECK(Mailbox::parse("noreply@example.org")->address == "noreply@example.org");
        auto named = Mailbox::parse("Fairlead at Acme <noreply@example.org>").value();
        CHECK(named.name == "Fairlead at Acme");
        CHECK(named.address == "noreply@example.org");
        for (const char* wrong : {"", "Fairlead", "Fairlead <>", "Fairlead <noreply@example.org"})
            CHECK(!Mailbox::parse(wrong));
    }
}

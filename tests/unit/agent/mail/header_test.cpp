#include "agent/mail/header.hpp"
#include "common/runtime/utf8.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::mail;

namespace {

proto::MailSummary read(const std::string& text) {
    proto::MailSummary summary;
    read_header(text, summary);
    return summary;
}

} // namespace

TEST_SUITE("agent/mail/header") {

    TEST_CASE("three fields are read, over folded lines and in any case, and the body is not") {
        auto mail = read("SUBJECT: one\r\n two\r\nFrom : A <a@x>\r\nto:\tb@y\r\nTo: c@z\r\n\r\n"
                         "From: body@x\r\n");
        CHECK(mail.subject == "one two");
        CHECK(mail.from == "A <a@x>");
        CHECK(mail.to == "b@y");
    }

    TEST_CASE("words of other alphabets become text") {
        CHECK(decode_words("=?utf-8?B?w6TDtsO8?=") == "\xc3\xa4\xc3\xb6\xc3\xbc");
        CHECK(
            decode_words("=?ISO-8859-1?Q?caf=E9?= =?utf-8?q?_au_lait?= x") ==
            "caf\xc3\xa9 au lait x"
        );
        // A letter that two words share.
        CHECK(decode_words("=?utf-8?q?=C3?=\r\n =?utf-8?q?=A9?=") == "\xc3\xa9");
        for (const char* other :
             {"=?koi8-r?B?8A==?=", "=?utf-8?x?a?=", "=?utf-8?B?abc", "=?", "a=b"})
            CHECK(decode_words(other) == other);
    }

    TEST_CASE("whatever stands there, what is kept is short text") {
        std::string hostile = "Subject: \x1b[31m\xff\xfe\x01" + std::string(100'000, 'a') + "\r\n";
        auto mail = read(hostile);
        CHECK(utf8::valid(mail.subject));
        CHECK(mail.subject.size() <= longest_text);
        CHECK(mail.subject.find('\x1b') == std::string::npos);
        CHECK(read(std::string(1'000'000, ':')).subject.empty());
        CHECK(read(std::string(1'000'000, '\n')).from.empty());
        CHECK(read("Subject").subject.empty());
        CHECK(read("").subject.empty());
        CHECK(
            read("Subject: =?utf-8?B?" + std::string(90'000, 'A')).subject.size() <= longest_text
        );
    }
}

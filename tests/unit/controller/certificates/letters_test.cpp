#include "controller/certificates/letters.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::certificates;

namespace {

const auto now = from_ms(1'800'000'000'000);

Certificate failing(const std::string& name) {
    Certificate one;
    one.name = name;
    one.state = State::failed;
    one.failing_since_ms = now;
    one.error_message = "The certificate authority cannot resolve the name.";
    one.not_after_ms = now + std::chrono::hours(100);
    return one;
}

bool says(const Letter& letter, const std::string& text) {
    return letter.text.find(text) != std::string::npos;
}

} // namespace

TEST_SUITE("controller/certificates/letters") {

    TEST_CASE("a letter names each name, since when, why, and until when it is served") {
        auto letter = letter_of({Trouble::failing, {failing("a.example.org")}, {}});
        CHECK(letter.subject == "There is no new certificate for a.example.org");
        CHECK(says(letter, "since " + to_rfc3339(now)));
        CHECK(says(letter, "cannot resolve the name."));
        CHECK(says(letter, "good until " + to_rfc3339(now + std::chrono::hours(100))));
        CHECK(says(letter, "tried again by itself"));

        letter =
            letter_of({Trouble::ending, {failing("a.example.org"), failing("b.example.org")}, {}});
        CHECK(letter.subject == "The certificates of 2 names end soon");
        CHECK(says(letter, "a.example.org\n"));
        CHECK(says(letter, "b.example.org\n"));
    }

    TEST_CASE("what only waits is told with what it waits for") {
        Certificate waits;
        waits.name = "a.example.org";
        waits.next_ms = now;
        Pause pause{"acme_not_configured", "This controller asks for no certificates.", {}};
        auto letter = letter_of({Trouble::ending, {waits}, pause});
        CHECK(says(letter, "waited for since " + to_rfc3339(now)));
        CHECK(says(letter, "asks for no certificates."));
        CHECK(!says(letter, "by itself"));
        // What failed before is not what keeps it from being asked for now.
        letter = letter_of({Trouble::ending, {failing("a.example.org")}, pause});
        CHECK(says(letter, "asks for no certificates."));
        CHECK(!says(letter, "cannot resolve"));
        pause.until = now;
        CHECK(
            says(letter_of({Trouble::ending, {failing("a.example.org")}, pause}), "cannot resolve")
        );
    }

    TEST_CASE("a letter lists no more than one can read") {
        std::vector<Certificate> many(most_listed, failing("a.example.org"));
        CHECK(!says(letter_of({Trouble::failing, many, {}}), "more."));
        many.push_back(failing("last.example.org"));
        auto letter = letter_of({Trouble::failing, many, {}});
        CHECK(says(letter, "And 1 more."));
        CHECK(!says(letter, "last.example.org"));
        CHECK(letter.subject == "There are no new certificates for 51 names");
    }
}

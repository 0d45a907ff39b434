#include "common/crypto/encoding.hpp"
#include "common/crypto/note.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::crypto;

namespace {

SigningKey key_of(char letter) {
    return SigningKey::from_seed(Secret(std::string(32, letter))).value();
}

NoteVerifier verifier_of(std::string name, char letter) {
    return {std::move(name), key_of(letter).verify_key()};
}

constexpr auto text = "fairlead.example/audit/org_1\n7\nq83v\n";

} // namespace

TEST_SUITE("common/crypto/note") {

    TEST_CASE("the example of the specification's Go package opens") {
        // golang.org/x/mod/sumdb/note documents this key, text and signature.
        auto verifier =
            NoteVerifier::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
            );
        REQUIRE(verifier);
        CHECK(verifier->name == "PeterNeumann");
        auto opened = open_note(
            "If you think cryptography is the answer to your problem,\n"
            "then you don't know what your problem is.\n"
            "\n"
            "\xe2\x80\x94 PeterNeumann "
            "x08go/ZJkuBS9UG/"
            "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM"
            "=\n",
            *verifier
        );
        REQUIRE(opened);
        CHECK(opened->starts_with("If you think cryptography"));
    }

    TEST_CASE("a note opens with its key and with no other") {
        auto note = sign_note(text, "fairlead.example", key_of('a'));
        CHECK(open_note(note, verifier_of("fairlead.example", 'a')).value() == text);
        CHECK_FALSE(open_note(note, verifier_of("fairlead.example", 'b')));
        CHECK_FALSE(open_note(note, verifier_of("other.example", 'a')));
    }

    TEST_CASE("a note that was altered anywhere does not open") {
        auto note = sign_note(text, "fairlead.example", key_of('a'));
        auto verifier = verifier_of("fairlead.example", 'a');
        for (std::size_t i = 0; i < note.size(); ++i) {
            auto bent = note;
            bent[i] = static_cast<char>(bent[i] ^ 1);
            CAPTURE(i);
            auto opened = open_note(bent, verifier);
            // A bit of base64's last digit counts for nothing; the strict decoder refuses it.
            CHECK_FALSE(opened);
        }
        for (std::size_t size = 0; size < note.size(); ++size)
            CHECK_FALSE(open_note(std::string_view(note).substr(0, size), verifier));
        CHECK_FALSE(open_note(std::string(70'000, 'a'), verifier));
    }

    TEST_CASE("signatures of others beside it do no harm") {
        auto note = sign_note(text, "fairlead.example", key_of('a'));
        auto witness = sign_note(text, "witness.example", key_of('w'));
        note += witness.substr(std::string(text).size() + 1);
        CHECK(open_note(note, verifier_of("fairlead.example", 'a')));
        CHECK(open_note(note, verifier_of("witness.example", 'w')));
    }

    TEST_CASE("keys have one spelling") {
        auto verifier = verifier_of("fairlead.example/audit", 'a');
        auto again = NoteVerifier::parse(verifier.str());
        REQUIRE(again);
        CHECK(again->key == verifier.key);
        for (const char* wrong :
             {"", "name", "name+00000000", "name+00000000+AAAA", "na me+00000000+AAAA", "++"})
            CHECK_FALSE(NoteVerifier::parse(wrong));
        auto renamed = verifier.str();
        renamed[0] = 'F';
        CHECK_FALSE(NoteVerifier::parse(renamed));
    }

    TEST_CASE("a checkpoint survives being written, and odd ones are refused") {
        Checkpoint checkpoint{"fairlead.example/audit/org_1", 7, sha256("root")};
        CHECK(Checkpoint::parse(checkpoint.str()).value() == checkpoint);
        CHECK(Checkpoint::parse(checkpoint.str() + "an extension\n").value() == checkpoint);
        auto root = base64_encode(sha256("root").view());
        for (auto wrong :
             {std::string("a\n7\n"), "a\n07\n" + root + "\n", "a\n-7\n" + root + "\n",
              "a\n7 \n" + root + "\n", "\n7\n" + root + "\n", std::string("a\n7\nq83v\n"),
              "a\n99999999999999999999\n" + root + "\n"})
            CHECK_FALSE(Checkpoint::parse(wrong));
    }
}

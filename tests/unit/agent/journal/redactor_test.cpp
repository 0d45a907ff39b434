#include "agent/journal/redactor.hpp"

#include <doctest/doctest.h>

using namespace fairlead::journal;

TEST_SUITE("agent/journal/redactor") {

    TEST_CASE("secret values, lines of keys and URL credentials become stars") {
        Redactor redactor(
            {{"a", "s3cret"},
             {"b", "abc"},
             {"c", "-----BEGIN KEY-----\nAAAABBBBCCCC\nzz\n"},
             {"d", "s3cret-longer"}}
        );
        struct Row {
            const char* name;
            const char* text;
            const char* clean;
        };
        const Row rows[] = {
            {"value", "x s3cret y", "x *** y"},
            {"twice", "s3crets3cret", "******"},
            {"longest first", "s3cret-longer", "***"},
            {"too short to be one", "abcdef", "abcdef"},
            {"line of a key", "> AAAABBBBCCCC <", "> *** <"},
            {"marker of a key stays", "-----BEGIN KEY-----", "-----BEGIN KEY-----"},
            {"url", "fatal: https://bot:tok@git.example/x.git",
             "fatal: https://***@git.example/x.git"},
            {"url with at sign in the password", "https://b:p@ss@h/x", "https://***@h/x"},
            {"two urls", "ssh://git@a/x https://u@b/y", "ssh://***@a/x https://***@b/y"},
            {"no credential", "https://git.example/a@b", "https://git.example/a@b"},
            {"nothing", "", ""},
        };
        for (const auto& row : rows) {
            CAPTURE(row.name);
            CHECK(redactor.clean(row.text) == row.clean);
            CHECK(redactor.clean(redactor.clean(row.text)) == row.clean);
        }
    }
}

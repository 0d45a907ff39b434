#include "agent/deploy/requirement_lines.hpp"
#include "common/runtime/utf8.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace fairlead;
using fairlead::deploy::check_named_packages;

namespace {

Result<> in_a_file(const std::string& line) {
    return check_named_packages("# shop\n" + line + "\n# the environment's own\nlxml\n");
}

} // namespace

TEST_SUITE("agent/deploy/requirement_lines") {

    TEST_CASE("packages by name pass, with whatever says which") {
        for (const std::string line :
             {"", "lxml", "lxml==4.9.2", "  lxml >= 4, < 5  # see https://lxml.de/",
              "# https://x/y", "\t# -i https://x", "passlib[bcrypt]~=1.7", "odoo-addon-x!=1.0.*",
              "lxml==4.9.2; python_version < '3.11' and sys_platform != \"win32\"",
              "lxml==4.9.2 --hash=sha256:aa11 \\\n    --hash=sha256:bb22",
              "--no-binary :all:", "--only-binary=lxml", "--pre", "--require-hashes", "lx\\\nml",
              "Babel==1!2.0", "# -*- coding: utf-8 -*-", "# caf\u00e9 \u2014 \u4f8b \U0001f600",
              "lxml==4.9.2 \\\r\n  --hash=sha256:aa11\r"}) {
            CAPTURE(line);
            CHECK(in_a_file(line));
        }
    }

    TEST_CASE("whatever could lead elsewhere is refused") {
        for (const std::string line :
             {"evil @ https://evil.test/evil.whl", "https://evil.test/evil.tar.gz",
              "evil@https://evil.test/e.whl", "git+https://evil.test/e.git#egg=e",
              "git+ssh://git@evil.test/e.git", "git+git@evil.test:e.git", "file:///etc/x",
              "./folder", "/srv/x.whl", "..\\x", "e @ ${WHERE}", "e%20",
              "-e git+https://evil.test/e", "--editable=git+https://evil.test/e",
              "-i https://evil.test/simple", "--index-url=https://evil.test/simple",
              "--index https://evil.test", "--extra-index-url https://evil.test/simple",
              "-f https://evil.test/links", "--find-links=evil", "-r https://evil.test/r.txt",
              "-c c.txt", "-revil.txt", "--trusted-host evil.test", "--pre -i https://evil.test",
              "--pre \"\"-i evil", "--pre '-i' evil", "--pre \\-i evil", "lxml --global-option=x",
              "lxml --config-settings=x=y", "lxml --hash=$X", "--pre https://evil.test/x",
              // As pip joins and splits lines, whatever an editor shows.
              "https:\\\n//evil.test/e.whl", "-\\\ni https://evil.test", "\\\n-i https://evil.test",
              "# note\fe @ https://evil.test", "# note\x1c-i https://evil.test",
              "# note\u2028-i https://evil.test", "# note\u0085e @ https://evil.test",
              "# note \\\ne @ https://evil.test/e.whl", "lxml\\\n# note\n-i https://evil.test",
              "lxml#@ https://evil.test", "\u00a0# note\\\n-r evil", "l\u0445ml",
              "# vim: set fileencoding=utf-7 :", "# coding: latin-1"}) {
            CAPTURE(line);
            auto named = in_a_file(line);
            REQUIRE_FALSE(named);
            CHECK(named.error().kind() == Errc::forbidden);
            CHECK(named.error().code() == "requirement_address");
        }
        CHECK_FALSE(check_named_packages("-i https://evil.test")); // without an end of its line
        CHECK_FALSE(check_named_packages("https:\\"));
    }

    TEST_CASE("letters that Python ends lines at or takes for blanks are refused wherever they are"
    ) {
        std::vector<std::string> letters{"\u00a0", "\u1680", "\u2000", "\u200a", "\u2028",
                                         "\u2029", "\u202f", "\u205f", "\u3000"};
        for (char c = 0; c < ' '; ++c)
            if (c != '\t' && c != '\r' && c != '\n') letters.emplace_back(1, c);
        for (int c = 0x80; c < 0xa0; ++c) letters.push_back({'\xc2', static_cast<char>(c)});
        letters.insert(letters.end(), {"\x7f", "\x85", "\xe9", "\xe2\x80", "\xff\xfe"});
        for (const auto& letter : letters) {
            CAPTURE(letter);
            for (const auto& line :
                 {letter + "# a #\\\n--index-url https://evil.test/simple",
                  "# note" + letter + "-i x", "lxml" + letter, "lxml " + letter + "--pre",
                  "\t" + letter + "# note"}) {
                auto named = in_a_file(line);
                REQUIRE_FALSE(named);
                CHECK(named.error().code() == "requirement_address");
                CHECK(utf8::valid(named.error().message()));
            }
        }
        auto cut = in_a_file(std::string(59, 'x') + "\u00e9=@").error().message();
        CHECK(cut.starts_with("The line \"" + std::string(59, 'x') + "\u2026\""));
    }

    TEST_CASE("what is told shows no token") {
        auto text = in_a_file("shop @ https://user:glpat-secret@git.test/x").error().message();
        CHECK(text.starts_with("The line \"shop …\" of the requirements names an address"));
        CHECK(text.find("glpat") == std::string::npos);
        CHECK(
            in_a_file("-i https://t0ken@pypi.test").error().message().find("t0ken") ==
            std::string::npos
        );
    }
}

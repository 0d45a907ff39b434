#include "agent/imports/dump_facts.hpp"
#include "agent/imports/load.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::imports;

namespace {

const std::string dump = R"(--
-- PostgreSQL database dump
--

\restrict abc123

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET standard_conforming_strings = on;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS 'text similarity';
CREATE TABLE public.ir_module_module (
    id integer NOT NULL
);
ALTER TABLE public.ir_module_module OWNER TO odoo;
CREATE TABLE public.ir_attachment (
    id integer
);
COPY public.ir_attachment (id, name, store_fname) FROM stdin;
1	secret.pdf	2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
2	other	\N
3	same	2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
4	way out	../../etc/passwd
\.


COPY public.ir_module_module (id, name, state, latest_version) FROM stdin;
1	base	installed	17.0.1.3
2	sale	uninstalled	\N
3	web_enterprise	installed	17.0.1.0
4	stock	to upgrade	17.0.1.1
5	ALTER TABLE x OWNER TO y;	installed	1
\.
GRANT ALL ON SCHEMA public TO odoo;

--
-- PostgreSQL database dump complete
--

\unrestrict abc123
)";

class Kept final : public Sink {
public:
    using Sink::write;
    Result<> write(std::span<const std::byte> bytes) override {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }
    Result<> finish() override { return {}; }
    std::string text;
};

/// As it comes from a pipe: in pieces of `piece` bytes.
Result<> stream(std::string_view text, std::size_t piece, Sink& out, LineJudge& judge) {
    SqlLines lines(out, judge);
    while (!text.empty()) {
        FAIRLEAD_CHECK(lines.write(text.substr(0, piece)));
        text.remove_prefix(std::min(piece, text.size()));
    }
    return lines.finish();
}

} // namespace

TEST_SUITE("agent/imports/dump") {

    TEST_CASE("a dump tells versions, modules and files, in whatever pieces it comes") {
        for (std::size_t piece : {1, 7, 100, 100'000}) {
            CAPTURE(piece);
            DumpFacts facts;
            DumpReader reader(facts);
            Kept out;
            REQUIRE(stream(dump, piece, out, reader));
            CHECK(out.text == dump);
            CHECK(facts.server_version == "15.18");
            CHECK(facts.dump_version == "15.18");
            CHECK(facts.odoo_version() == "17.0");
            CHECK(facts.enterprise());
            CHECK(facts.modules.size() == 3);
            CHECK(facts.modules["stock"] == "17.0.1.1");
            CHECK(facts.tables == 2);
            CHECK(facts.attachments.size() == 1);
            CHECK(facts.extensions == std::vector<std::string>{"pg_trgm"});
            CHECK(facts.whole);
        }
    }

    TEST_CASE("owners, grants and psql's words stay out; rows that look like them stay in") {
        for (std::size_t piece : {1, 13, 100'000}) {
            ForeignWords judge;
            Kept out;
            REQUIRE(stream(dump, piece, out, judge));
            for (auto gone : {"OWNER TO odoo", "GRANT", "\\restrict", "\\unrestrict", "COMMENT ON"})
                CHECK(out.text.find(gone) == std::string::npos);
            CHECK(
                out.text.find("5\tALTER TABLE x OWNER TO y;\tinstalled\t1\n\\.\n") !=
                std::string::npos
            );
            CHECK(out.text.find("CREATE TABLE public.ir_attachment") != std::string::npos);
        }
    }

    TEST_CASE("a line of any length passes in little memory, and a cut one is no dump") {
        std::string text = "COPY public.x (a) FROM stdin;\n" + std::string(3 << 20, 'a') +
                           "\n\\.\n" + "SELECT '" + std::string(1 << 20, 'b') + "';\n";
        ForeignWords judge;
        Kept out;
        REQUIRE(stream(text, 65536, out, judge));
        CHECK(out.text == text);
        auto cut = stream("COPY public.x (a) FROM stdin;\n1\n2", 1000, out, judge);
        REQUIRE_FALSE(cut);
        CHECK(cut.error().code() == "import_truncated");
    }

    TEST_CASE("a name in the filestore is what it is, and nothing that only looks like it") {
        CHECK(file_key("2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"));
        for (auto name :
             {"", "2f", "2f/2fd4", "2e/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
              "2F/2FD4E1C67A2D28FCED849EE1BB76E7391B93EB12",
              "../2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
              "2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb1/"}) {
            CAPTURE(name);
            CHECK_FALSE(file_key(name));
        }
    }

    TEST_CASE("files are compared up to a limit, and past it only counted") {
        FileSet small(4), other(4);
        for (FileKey key : {1, 2, 2, 2, 3, 3}) small.add(key);
        other.add(2);
        CHECK(small.size() == 3);
        CHECK(small.lacking(other) == 2u);
        for (FileKey key = 10; key < 20; ++key) small.add(key);
        CHECK(small.size() >= 10);
        CHECK_FALSE(small.lacking(other));
    }

    TEST_CASE("too many modules are no database of Odoo") {
        std::string text =
            "COPY public.ir_module_module (name, state, latest_version) FROM stdin;\n";
        for (std::size_t i = 0; i <= most_modules; ++i)
            text += "m" + std::to_string(i) + "\tinstalled\t17.0.1.0\n";
        DumpFacts facts;
        DumpReader reader(facts);
        Kept out;
        auto done = stream(text + "\\.\n", 65536, out, reader);
        REQUIRE_FALSE(done);
        CHECK(done.error().code() == "import_not_odoo");
    }

    TEST_CASE("a module's version tells Odoo's") {
        CHECK(series_of("19.0.1.3") == "19.0");
        CHECK(series_of("saas~17.4.1.0.2") == "saas-17.4");
        CHECK(series_of("8.0.1.1") == "8.0");
        CHECK(series_of("nothing").empty());
        CHECK(series_of("").empty());
    }

    TEST_CASE("only a psql that knows \\restrict reads what others wrote") {
        CHECK(can_restrict("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"));
        CHECK(can_restrict("psql (PostgreSQL) 15.14"));
        CHECK(can_restrict("psql (PostgreSQL) 18.0"));
        CHECK(can_restrict("psql (PostgreSQL) 17.6"));
        for (auto old :
             {"psql (PostgreSQL) 15.13", "psql (PostgreSQL) 17.5", "psql (PostgreSQL) 12.99",
              "psql (PostgreSQL) 16", "", "psql"}) {
            CAPTURE(old);
            CHECK_FALSE(can_restrict(old));
        }
        CHECK(version_in("psql (PostgreSQL) 15.18 (Debian)") == "15.18");
    }

    TEST_CASE("what PostgreSQL complains of is told without a word of the data") {
        auto told = explain_psql("psql:<stdin>:1234: ERROR:  22P02\n");
        CHECK(told.find("line 1234") != std::string::npos);
        CHECK(told.find("22P02") != std::string::npos);
        CHECK(explain_psql("psql:<stdin>:5: error: backslash commands are restricted; only ...")
                  .empty());
        CHECK(
            explain_psql("psql:<stdin>:3: ERROR:  invalid input: \"Marker\"").find("Marker") ==
            std::string::npos
        );
        CHECK(!explain_psql("").empty());
    }
}

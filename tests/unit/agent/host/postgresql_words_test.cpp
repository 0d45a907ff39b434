#include "agent/host/postgresql_words.hpp"

#include <doctest/doctest.h>

using fairlead::host::without_values;

TEST_SUITE("agent/host/postgresql_words") {
    TEST_CASE("what pg_restore quotes of a row stays on the server") {
        CHECK(
            without_values(
                "pg_restore: while PROCESSING TOC:\n"
                "pg_restore: from TOC entry 3456; 0 16385 TABLE DATA res_partner fl-shop\n"
                "pg_restore: error: COPY failed for table \"res_partner\": ERROR:  invalid input "
                "syntax for type integer: \"Jane Doe\"\n"
                "CONTEXT:  COPY res_partner, line 1, column id: \"Jane Doe\"\n"
            ) == "pg_restore: while PROCESSING TOC:\n"
                 "pg_restore: from TOC entry 3456; 0 16385 TABLE DATA res_partner fl-shop\n"
                 "pg_restore: error: COPY failed for table \"res_partner\": ERROR:  invalid input "
                 "syntax for type integer: …"
        );
    }

    TEST_CASE("a row of several lines is left out whole, and what follows it is not") {
        CHECK(
            without_values(
                "pg_restore: error: could not execute query: ERROR:  duplicate key value violates "
                "unique constraint \"res_partner_pkey\"\n"
                "DETAIL:  Failing row contains (7, Jane Doe, First street\n"
                "2nd line of it\n"
                "\n"
                "third).\n"
                "Command was: ALTER TABLE ONLY public.res_partner\n"
                "    ADD CONSTRAINT res_partner_pkey PRIMARY KEY (id);\n"
                "pg_restore: warning: errors ignored on restore: 1\n"
            ) == "pg_restore: error: could not execute query: ERROR:  duplicate key value violates "
                 "unique constraint \"res_partner_pkey\"\n"
                 "pg_restore: warning: errors ignored on restore: 1"
        );
    }

    TEST_CASE("what names no row stays as it is") {
        for (auto said :
             {"",
              "psql: error: connection to server on socket \"/var/run/postgresql/.s.PGSQL.5432\" "
              "failed: No such file or directory",
              "psql:<stdin>:1: ERROR:  database \"fl-shop\" does not exist",
              "ERROR:  could not open extension control file \"/usr/share/x.control\": No such "
              "file"})
            CHECK(without_values(said) == said);
    }
}

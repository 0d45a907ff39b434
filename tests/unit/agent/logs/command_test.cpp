#include "agent/logs/command.hpp"
#include "agent/logs/opening.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

using namespace fairlead;
using namespace fairlead::logs;

namespace {

proto::LogPurpose page(std::string source) {
    proto::LogPurpose purpose;
    purpose.source = std::move(source);
    purpose.order = "back";
    purpose.lines = 200;
    return purpose;
}

std::vector<std::string>
words_of(const proto::LogPurpose& purpose, const CommandOptions& options = CommandOptions()) {
    auto words = command_of(purpose, "shop", 5'000'000, options);
    REQUIRE(words);
    return *std::move(words);
}

bool has(const std::vector<std::string>& words, std::string_view word) {
    return std::ranges::count(words, word) == 1;
}

} // namespace

TEST_SUITE("agent/logs/command") {

    TEST_CASE("an environment's log is of its units, and of nothing else") {
        auto words = words_of(page("odoo"));
        CHECK(words.front() == "/usr/bin/journalctl");
        CHECK(has(words, "--system"));
        CHECK(has(words, "--reverse"));
        CHECK(has(words, "_SYSTEMD_UNIT=fairlead-odoo@shop.service"));
        CHECK(has(words, "_SYSTEMD_UNIT=fairlead-cloudflared@shop.service"));
        CHECK(has(words, "UNIT=fairlead-odoo@shop.service"));
        for (const auto& word : words) {
            CAPTURE(word);
            bool option = word.starts_with("--") || word == "+" || word == words.front();
            bool of_shop = word.find("@shop.") != std::string::npos || word == "_PID=1";
            CHECK((option || of_shop));
        }
    }

    TEST_CASE("PostgreSQL's is of every cluster that there is") {
        store::TemporaryFolder folder;
        for (const auto* name : {"15/main", "16/other", "16/bad name", "conf.d"})
            std::filesystem::create_directories(folder.path() / name);
        CommandOptions options;
        options.postgresql = folder.path();
        auto words = words_of(page("postgresql"), options);
        CHECK(has(words, "_SYSTEMD_UNIT=postgresql@15-main.service"));
        CHECK(has(words, "_SYSTEMD_UNIT=postgresql@16-other.service"));
        for (const auto& word : words) CHECK(word.find("bad") == std::string::npos);
        options.postgresql = folder.path() / "none";
        CHECK(has(words_of(page("postgresql"), options), "_SYSTEMD_UNIT=postgresql.service"));
    }

    TEST_CASE("the agent's is of its own processes") {
        auto words = words_of(page("agent"));
        CHECK(has(words, "_SYSTEMD_UNIT=fairlead-link.service"));
        CHECK(has(words, "_SYSTEMD_SLICE=system-fairlead\\x2dterminal.slice"));
        for (const auto& word : words) CHECK(word.find("odoo") == std::string::npos);
    }

    TEST_CASE("times, level, search and cursor become options of journalctl") {
        auto purpose = page("odoo");
        purpose.since_us = 1'500'000;
        purpose.until_us = 2'500'000;
        purpose.level = 4;
        purpose.search = "a.b";
        auto words = words_of(purpose);
        CHECK(has(words, "--since=@1"));
        CHECK(has(words, "--until=@3"));
        CHECK(has(words, "--priority=4"));
        CHECK(has(words, "--grep=a\\.b"));
        CHECK(has(words, "--case-sensitive=no"));
        purpose.cursor = "s=1;i=2";
        words = words_of(purpose);
        CHECK(has(words, "--cursor=s=1;i=2"));
        // journalctl takes only one of them.
        for (const auto& word : words) CHECK_FALSE(word.starts_with("--since"));
    }

    TEST_CASE("what is followed begins now, or behind what was read") {
        auto purpose = page("odoo");
        purpose.order = "follow";
        auto words = words_of(purpose);
        CHECK(has(words, "--follow"));
        CHECK(has(words, "--no-tail"));
        CHECK(has(words, "--since=@5"));
        CHECK_FALSE(has(words, "--reverse"));
        purpose.cursor = "s=1";
        words = words_of(purpose);
        CHECK(has(words, "--cursor=s=1"));
        CHECK_FALSE(has(words, "--since=@5"));
    }

    TEST_CASE("what is followed is of this machine, whatever boot it is of") {
        store::TemporaryFolder folder;
        CommandOptions options;
        options.machine_id = folder.path() / "machine-id";
        REQUIRE(write_file(options.machine_id, "0123456789abcdef0123456789abcdef\n", 0644));
        auto purpose = page("odoo");
        CHECK_FALSE(has(words_of(purpose, options), "--merge"));
        purpose.order = "follow";
        auto words = words_of(purpose, options);
        CHECK(has(words, "--merge")
        ); // journals of other machines, too: so each alternative says whose
        CHECK(
            std::ranges::count(words, "_MACHINE_ID=0123456789abcdef0123456789abcdef") ==
            std::ranges::count(words, "+") + 1
        );
        REQUIRE(write_file(options.machine_id, "uninitialized\n", 0644));
        CHECK_FALSE(has(words_of(purpose, options), "--merge"));
    }

    TEST_CASE("an environment's name is one before it becomes part of a unit's") {
        auto opening = [](std::string slug) {
            return R"({"what":{"kind":"log","source":"odoo","order":"back","lines":10},"slug":")" +
                   slug + "\"}";
        };
        CHECK(read_opening(opening("shop")));
        for (const auto* bad : {"", "shop.service _SYSTEMD_UNIT=ssh", "../x", "*", "Shop"}) {
            CAPTURE(bad);
            CHECK_FALSE(read_opening(opening(bad)));
        }
        CHECK_FALSE(read_opening("{}"));
        CHECK_FALSE(read_opening("no"));
    }
}

#include "support.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace fairlead;
using namespace fairlead::journal;
using proto::ReportKind;

TEST_SUITE("agent/journal/journal") {

    TEST_CASE("an accepted operation is reported, and its name outlives the process") {
        JournalFile journal;
        auto name = journal->name();
        CHECK(journal->deliver(operation(1, 5), "shop") == Delivered::fresh);
        journal.open();
        CHECK(journal->name() == name);
        auto reports = all_reports(*journal);
        REQUIRE(reports.size() == 1);
        CHECK(reports[0].seq == 1);
        CHECK(reports[0].kind == ReportKind::accepted);
        auto status = journal->status();
        CHECK(status.highest_fence == 5);
        CHECK(status.last_seq == 1);
        CHECK(status.active == std::vector{op_id(1)});
    }

    TEST_CASE("each operation begins with the ballast, also where one before it used it up") {
        JournalFile journal;
        auto ballast = journal.folder() / "journal.db.ballast";
        for (unsigned number : {1u, 2u}) {
            std::filesystem::remove(ballast);
            if (number == 1)
                journal->deliver(operation(number, 5), "");
            else
                journal->begin(operation(number, 6), "", {});
            CAPTURE(number);
            CHECK(std::filesystem::exists(ballast));
        }
    }

    TEST_CASE("a journal that a newer agent has added to is good for the one before") {
        JournalFile journal;
        journal->deliver(operation(1, 5), "shop");
        journal.run("ALTER TABLE operation ADD COLUMN novel TEXT NOT NULL DEFAULT '';"
                    "INSERT INTO schema_migration VALUES (99, 'novel', 0)");
        CHECK(journal->status().active == std::vector{op_id(1)});
        CHECK(journal->deliver(operation(2, 6), "shop") == Delivered::fresh);
    }

    TEST_CASE("a second delivery runs nothing and reports the outcome again [X-OPS-02]") {
        JournalFile journal;
        journal->deliver(operation(1, 5), "");
        CHECK(journal->deliver(operation(1, 5), "") == Delivered::known);
        proto::Finished finished;
        finished.outcome = proto::Outcome::succeeded;
        finished.note = "made once";
        journal->finish(op_id(1), finished);
        journal->acknowledge(journal->status().last_seq);
        CHECK(all_reports(*journal).empty());
        CHECK(journal->deliver(operation(1, 5), "") == Delivered::known);
        auto reports = all_reports(*journal);
        REQUIRE(reports.size() == 1);
        CHECK(reports[0].seq == 3);
        REQUIRE(reports[0].finished);
        CHECK(reports[0].finished->note == "made once");
        // Unacknowledged copies do not pile up.
        journal->deliver(operation(1, 5), "");
        journal->query(op_id(1));
        CHECK(all_reports(*journal).size() == 1);
    }

    TEST_CASE("an operation that the server began itself says so, also when its end is told again"
    ) {
        JournalFile journal;
        proto::Born born{
            "backup.create", "env_1", "shop", "schedule", boost::json::object{{"a", 1}}};
        auto wanted = operation(1, 0);
        CHECK(journal->begin(wanted, "shop", born) == Delivered::fresh);
        CHECK(journal->begin(wanted, "shop", born) == Delivered::known);
        auto reports = all_reports(*journal);
        REQUIRE(reports.size() == 1);
        REQUIRE(reports[0].born);
        CHECK(reports[0].born->kind == "backup.create");
        CHECK(reports[0].born->requested_by == "schedule");
        CHECK(journal->status().highest_fence == 0);
        journal->finish(op_id(1), {});
        journal->acknowledge(journal->status().last_seq);
        journal.open();
        // A controller that was set back to an older copy asks, and must learn what this is.
        journal->query(op_id(1));
        reports = all_reports(*journal);
        REQUIRE(reports.size() == 1);
        REQUIRE(reports[0].finished);
        REQUIRE(reports[0].born);
        CHECK(reports[0].born->slug == "shop");
        // What a controller delivered was not born here.
        journal->deliver(operation(2, 1), "");
        CHECK(!all_reports(*journal).back().born);
    }

    TEST_CASE("what the policy refuses the server itself is told too, and never runs") {
        JournalFile journal;
        proto::Born born{"backup.create", "env_1", "shop", "schedule", {}};
        auto begun = journal->refuse(operation(1, 0), {"policy_refused", "no", ""}, born);
        CHECK(begun == Delivered::fresh);
        auto reports = all_reports(*journal);
        REQUIRE(reports.size() == 2);
        CHECK(reports[0].born);
        REQUIRE(reports[1].finished);
        CHECK(reports[1].finished->error->code == "policy_refused");
        CHECK(journal->unfinished().empty());
    }

    TEST_CASE("bytes of strangers that are no UTF-8 are journalled as text") {
        JournalFile journal;
        journal->deliver(operation(1, 1), "");
        proto::StepReport step;
        step.name = "check\xe9";
        journal->step(op_id(1), step);
        proto::Finished finished;
        finished.error = proto::OperationError{"failed", "The line \"caf\xe9", {}};
        journal->finish(op_id(1), finished);
        CHECK(last_outcome(*journal, op_id(1))->error->message == "The line \"caf\ufffd");
    }

    TEST_CASE("what an older agent noted in bytes that are no UTF-8 is told all the same") {
        JournalFile journal;
        journal->deliver(operation(1, 1), "");
        proto::Finished finished;
        finished.note = "was @";
        journal->finish(op_id(1), finished);
        journal.run("UPDATE report SET body = CAST(replace(CAST(body AS BLOB), '@', x'e9') AS TEXT)"
        );
        journal.run("UPDATE operation SET finished = replace(finished, '@', x'e9')");
        CHECK(last_outcome(*journal, op_id(1))->note == "was \ufffd");
        journal->acknowledge(2);
        journal->query(op_id(1));
        CHECK(last_outcome(*journal, op_id(1))->note == "was \ufffd");
    }

    TEST_CASE("in the place of a report that cannot be read stands one that says so") {
        JournalFile journal;
        proto::Born born{"backup.create", "env_1", "shop", "schedule", {}};
        journal->begin(operation(1, 0), "shop", born);
        journal->step(op_id(1), {});
        journal->log(op_id(1), {{1, proto::LogLevel::info, "", "a line"}});
        journal->finish(op_id(1), {});
        journal->deliver(operation(2, 1), "");
        journal.run("UPDATE report SET body = '{' WHERE seq < 5");
        auto reports = all_reports(*journal);
        REQUIRE(reports.size() == 5);
        for (std::size_t i = 0; i < reports.size(); ++i) CHECK(reports[i].seq == i + 1);
        CHECK(reports[0].kind == ReportKind::accepted);
        REQUIRE(reports[0].born);
        CHECK(reports[0].born->slug == "shop");
        for (auto i : {1, 2}) {
            CHECK(reports[i].kind == ReportKind::log);
            CHECK(reports[i].operation == op_id(1));
            CHECK(reports[i].lines.size() == 1);
        }
        REQUIRE(reports[3].finished);
        CHECK(reports[3].finished->outcome == proto::Outcome::failed);
        CHECK(reports[3].finished->error->code == "report_unreadable");
        CHECK(reports[4].operation == op_id(2));
        // Nor can the end be read when it is asked for again.
        journal->acknowledge(5);
        journal.run("UPDATE operation SET finished = '{'");
        journal->query(op_id(1));
        CHECK(last_outcome(*journal, op_id(1))->error->code == "report_unreadable");
    }

    TEST_CASE("what is done together is there whole or not at all, and told once") {
        JournalFile journal;
        int told = 0;
        journal->on_report([&] { ++told; });
        auto act = [&](bool broken) {
            CHECK(journal->deliver(operation(1, 5), "") == Delivered::fresh);
            journal->step(op_id(1), {});
            if (broken) throw std::runtime_error("broken");
            journal->finish(op_id(1), {});
        };
        CHECK_THROWS_AS(journal->together([&] { act(true); }), std::runtime_error);
        CHECK(told == 0);
        CHECK(all_reports(*journal).empty());
        CHECK(journal->status().highest_fence == 0);
        CHECK(journal->unfinished().empty());

        journal->together([&] { act(false); });
        CHECK(told == 1);
        journal.open();
        CHECK(all_reports(*journal).size() == 3);
        CHECK(journal->status().highest_fence == 5);
        CHECK(journal->unfinished().empty());
    }

    TEST_CASE("a fence that another operation used is refused [X-OPS-02]") {
        JournalFile journal;
        journal->deliver(operation(1, 5), "");
        CHECK(journal->deliver(operation(2, 5), "") == Delivered::fence_reused);
        auto outcome = last_outcome(*journal, op_id(2));
        REQUIRE(outcome);
        CHECK(outcome->outcome == proto::Outcome::failed);
        CHECK(outcome->error->code == "fence_reused");
        // The order of delivery is free as long as fences differ.
        CHECK(journal->deliver(operation(3, 4), "") == Delivered::fresh);
    }

    TEST_CASE(
        "a fence of 0, or one that would use up the numbers, is refused and counts for nothing"
    ) {
        JournalFile journal;
        journal->deliver(operation(1, 5), "");
        for (std::uint64_t fence :
             {std::uint64_t(0), 6 + (std::uint64_t(1) << 32), ~std::uint64_t(0)}) {
            CAPTURE(fence);
            auto wrong = operation(2, fence);
            wrong.id = op_id(static_cast<unsigned>(10 + fence % 7));
            CHECK(journal->deliver(wrong, "") == Delivered::fence_invalid);
            CHECK(last_outcome(*journal, wrong.id)->error->code == "fence_invalid");
            CHECK(journal->status().highest_fence == 5);
        }
        CHECK(journal->deliver(operation(3, 5 + (std::uint64_t(1) << 32)), "") == Delivered::fresh);
    }

    TEST_CASE("what is refused leaves its outcome in the journal, and not its arguments") {
        JournalFile journal;
        auto large = operation(1, 1);
        large.args = boost::json::object{{"junk", std::string(900'000, 'x')}};
        large.kind = std::string(100'000, 'k');
        CHECK(journal->refuse(large, {"policy_refused", "no", {}}) == Delivered::fresh);
        CHECK(last_outcome(*journal, op_id(1))->error->code == "policy_refused");
        std::uintmax_t bytes = 0;
        for (const auto& file : std::filesystem::directory_iterator(journal.folder()))
            if (file.path().extension() != ".ballast") bytes += file.file_size();
        CHECK(bytes < 400'000);
    }

    TEST_CASE("a query for what the journal never saw says so") {
        JournalFile journal;
        journal->query(op_id(9));
        auto outcome = last_outcome(*journal, op_id(9));
        REQUIRE(outcome);
        CHECK(outcome->error->code == "journal_unknown");
    }

    TEST_CASE("forgetting old operations never lets one run again") {
        JournalFile journal(Limits{.operations = 3});
        for (unsigned i = 1; i <= 5; ++i) {
            journal->deliver(operation(i, i), "");
            journal->finish(op_id(i), {});
        }
        CHECK(journal->deliver(operation(1, 1), "") == Delivered::fence_stale);
        CHECK(last_outcome(*journal, op_id(1))->error->code == "fence_stale");
    }

    TEST_CASE("sequence numbers have no gaps, and an acknowledgement of the future swallows nothing"
    ) {
        JournalFile journal;
        for (unsigned i = 1; i <= 20; ++i) {
            journal->deliver(operation(i, i), "");
            if (i == 10) journal->acknowledge(1'000'000);
            if (i == 15) journal.open();
        }
        auto reports = all_reports(*journal);
        REQUIRE(reports.size() == 10);
        for (std::size_t i = 0; i < reports.size(); ++i) CHECK(reports[i].seq == 11 + i);
    }

    TEST_CASE("the log of an operation ends at its limit with a line that says so") {
        JournalFile journal(Limits{.log_lines = 10});
        journal->deliver(operation(1, 1), "");
        for (int i = 0; i < 30; ++i)
            journal->log(op_id(1), {{0, proto::LogLevel::info, "s", "line"}});
        std::vector<proto::LogLine> lines;
        for (auto& report : all_reports(*journal))
            lines.insert(lines.end(), report.lines.begin(), report.lines.end());
        REQUIRE(lines.size() == 10);
        CHECK(lines.back().text.find("limit") != std::string::npos);
        CHECK(lines.back().level == proto::LogLevel::warning);
    }

    TEST_CASE("a controller that never acknowledges cannot fill the disk") {
        JournalFile journal(Limits{.unacknowledged = 20});
        auto delivered = Delivered::fresh;
        for (unsigned i = 1; i <= 30 && delivered == Delivered::fresh; ++i)
            delivered = journal->deliver(operation(i, i), "");
        CHECK(delivered == Delivered::full);
        for (unsigned i = 100; i < 200; ++i) journal->query(op_id(i));
        CHECK(all_reports(*journal).size() == 20);
        journal->acknowledge(20);
        CHECK(journal->deliver(operation(90, 90), "") == Delivered::fresh);
    }

    TEST_CASE("secrets of an operation are not in the journal's file") {
        store::TemporaryFolder folder;
        FakeClock clock;
        auto file = folder.path() / "journal.db";
        {
            Journal journal(file, clock);
            auto op = operation(1, 1);
            op.secrets["credential:gcr_1"] = "hunter2-hunter2";
            journal.deliver(op, "");
            Work work(journal, clock, op, Redactor(op.secrets));
            work.info("cloning with hunter2-hunter2");
            work.remember("note", "fine");
        }
        struct stat info {};
        REQUIRE(::stat(file.c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0600);
        for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
            auto content = read_file(entry.path(), 64 << 20);
            REQUIRE(content);
            CHECK(content->find("hunter2") == std::string::npos);
        }
    }
}

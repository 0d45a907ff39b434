#include "agent/backup/import_checks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

using namespace fairlead;
using namespace fairlead::backup;
using proto::CheckResult;

namespace {

proto::ImportAnalysis found() {
    proto::ImportAnalysis analysis;
    analysis.odoo_version = "17.0";
    analysis.postgresql_version = "15.3";
    analysis.database_bytes = 1000;
    analysis.modules = {{"base", "17.0.1.3"}, {"sale", "17.0.1.2"}};
    analysis.extensions = {"pg_trgm"};
    analysis.attachments = analysis.files = 3;
    return analysis;
}

Target target() {
    Disks disks;
    disks.files.free_bytes = disks.postgresql.free_bytes = 1ULL << 30;
    return {"shop", "17.0", {"base", "sale", "web"}, "15.18", {"pg_trgm", "unaccent"}, disks};
}

CheckResult of(const proto::ImportAnalysis& analysis, std::string_view id) {
    auto check = std::ranges::find(analysis.checks, id, &proto::Check::id);
    REQUIRE(check != analysis.checks.end());
    // A cure for each that did not pass, and for no other.
    CHECK((check->result == CheckResult::passed) == check->remedy.empty());
    return check->result;
}

} // namespace

TEST_SUITE("agent/backup/import_checks") {

    TEST_CASE("what fits, fits") {
        auto analysis = found();
        judge(analysis, target());
        CHECK(analysis.fits);
        for (auto id : {"version", "modules", "postgresql", "extensions", "filestore", "disk"})
            CHECK(of(analysis, id) == CheckResult::passed);
    }

    TEST_CASE("each thing that does not fit fails its check alone") {
        struct Row {
            std::string_view id;
            std::function<void(proto::ImportAnalysis&, Target&)> change;
        };
        const Row rows[] = {
            {"version", [](auto& a, auto&) { a.odoo_version = "16.0"; }},
            {"modules",
             [](auto& a, auto&) {
                 a.modules.push_back({"studio", "17.0.1.0"});
             }},
            {"postgresql", [](auto& a, auto&) { a.postgresql_version = "17.2"; }},
            {"extensions", [](auto& a, auto&) { a.extensions.emplace_back("vector"); }},
            {"disk", [](auto&, auto& t) {
                 t.disks.postgresql.device = 1;
                 t.disks.postgresql.free_bytes = 1000;
             }}};
        for (const auto& row : rows) {
            CAPTURE(row.id);
            auto analysis = found();
            auto to = target();
            row.change(analysis, to);
            judge(analysis, to);
            CHECK_FALSE(analysis.fits);
            for (auto id : {"version", "modules", "postgresql", "extensions", "disk"})
                CHECK((of(analysis, id) == CheckResult::failed) == (id == row.id));
        }
    }

    TEST_CASE("a missing module is marked, and many are named in part") {
        auto analysis = found();
        for (int i = 0; i < 30; ++i) analysis.modules.push_back({"x" + std::to_string(i), ""});
        judge(analysis, target());
        CHECK_FALSE(analysis.modules[0].missing);
        CHECK(analysis.modules[2].missing);
        auto check = std::ranges::find(analysis.checks, "modules", &proto::Check::id);
        CHECK(check->value.find("and 10 more") != std::string::npos);
    }

    TEST_CASE("missing files are a warning: the data may be all that there is") {
        auto analysis = found();
        analysis.missing_files = 1;
        judge(analysis, target());
        CHECK(analysis.fits);
        CHECK(of(analysis, "filestore") == CheckResult::warning);
        analysis.files = analysis.missing_files = 0;
        judge(analysis, target());
        CHECK(of(analysis, "filestore") == CheckResult::warning);
    }
}

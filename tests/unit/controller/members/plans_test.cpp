#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"
#include "controller/orgs/plans.hpp"

#include <doctest/doctest.h>

#include <string_view>

using namespace fairlead;
using namespace fairlead::orgs;

namespace {

struct File {
    Result<Plans> load(std::string_view text) {
        auto file = folder.path() / "plans.yaml";
        REQUIRE(write_file(file, text, 0644));
        return Plans::load(file);
    }
    std::string wrong(std::string_view text) {
        auto loaded = load(text);
        REQUIRE(!loaded);
        return loaded.error().message();
    }
    static bool says(const std::string& message, std::string_view word) {
        return message.find("plans.yaml") != message.npos && message.find(word) != message.npos;
    }
    store::TemporaryFolder folder;
};

} // namespace

TEST_SUITE("controller/orgs/plans") {

    TEST_CASE_FIXTURE(File, "a file of one's own says what each plan holds") {
        auto plans = load("free:\n"
                          "  projects: 1\n"
                          "  features: [audit_log]\n"
                          "  audit_days: 7\n"
                          "starter: {}\n");
        REQUIRE(plans);
        CHECK(plans->terms(Plan::free).projects == 1);
        // What is left out of a plan that is named is no limit, and no feature.
        CHECK(!plans->terms(Plan::free).servers);
        CHECK(plans->terms(Plan::free).audit_days == 7);
        CHECK(plans->has(Plan::free, feature::audit_log));
        CHECK(!plans->has(Plan::starter, feature::api));
        CHECK(plans->require_room(Plan::free, "projects", 0));
        CHECK(!plans->require_room(Plan::free, "projects", 1));
        // A plan that is not named is as it ever was.
        CHECK(plans->terms(Plan::pro).audit_days == 30);
        CHECK(plans->terms(Plan::agency).features == Plans().terms(Plan::agency).features);
    }

    TEST_CASE_FIXTURE(File, "a plan, a number or a feature that does not exist is named") {
        CHECK(says(wrong("gold: {}\n"), "gold"));
        CHECK(says(wrong("pro:\n  project: 3\n"), "project"));
        CHECK(says(wrong("pro:\n  projects: many\n"), "projects"));
        CHECK(says(wrong("pro:\n  features: [coffee]\n"), "coffee"));
        CHECK(says(wrong("pro:\n  features: [coffee]\n"), "audit_export"));
    }
}

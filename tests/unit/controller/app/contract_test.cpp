#include "common/store/memory_db.hpp"
#include "controller/app/application.hpp"
#include "controller/app/contract.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::app;

namespace {

Result<api::Response> nothing(const api::Call&) {
    return api::no_content();
}

constexpr auto contract = R"({
    "paths": {
        "/a": {"parameters": [{"name": "x", "in": "query"}, {"name": "p", "in": "path"}],
               "get": {"x-permission": "none", "parameters": [{"$ref": "#/components/parameters/Limit"}]}},
        "/b": {"post": {"x-permission": "self"}}},
    "components": {"parameters": {"Limit": {"name": "limit", "in": "query"}}}})";

std::string difference(api::RouteTable& table) {
    try {
        hold_to_contract(table, contract);
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_SUITE("controller/app/contract") {

    TEST_CASE("the program's routes are those of proto/openapi.yaml, with the same permissions") {
        store::TemporaryFolder folder;
        InitRequest request;
        request.settings.name = "fairlead.example";
        request.settings.data = folder.path() / "data";
        request.config = folder.path() / "controller.yaml";
        request.admin_email = "ada@example.org";
        request.org_name = "Acme";
        REQUIRE(initialize(request, SystemClock()));
        Layout layout(request.settings.data);
        // The constructor throws where the two differ.
        Application application(
            request.settings, FolderLock::take(layout).value(),
            crypto::Keystore::load(layout.master_key()).value()
        );
    }

    TEST_CASE("each difference is named, and the query's names are taken from the contract") {
        api::RouteTable table;
        table.add(api::Method::get, "/a", "none", nothing);
        CHECK(
            difference(table).find("POST /b is in the contract and has no route") !=
            std::string::npos
        );
        table.add(api::Method::post, "/b", "none", nothing);
        CHECK(difference(table).find("POST /b has the permission none") != std::string::npos);

        api::RouteTable good;
        good.add(api::Method::get, "/a", "none", nothing);
        good.add(api::Method::post, "/b", "self", nothing);
        CHECK(difference(good).empty());
        CHECK(good.routes()[0].query == std::set<std::string, std::less<>>{"limit", "x"});
        CHECK(good.routes()[1].query->empty());
        good.add(api::Method::get, "/c", "none", nothing);
        CHECK(difference(good).find("GET /c is not in the contract") != std::string::npos);
    }
}

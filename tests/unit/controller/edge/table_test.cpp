#include "controller/edge/names.hpp"
#include "controller/edge/pages.hpp"
#include "controller/edge/quota.hpp"
#include "controller/edge/table.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::edge;

TEST_SUITE("controller/edge/table") {

    TEST_CASE("a name is found in whatever case and with a trailing dot, and no other is") {
        Table table;
        table.add("shop.example", std::make_shared<Route>());
        CHECK(table.find(plain_name("Shop.EXAMPLE.")));
        CHECK(!table.find(plain_name("shop.example..")));
        CHECK(!table.find(plain_name("a.shop.example")));
        CHECK(!table.find(plain_name("")));
    }

    TEST_CASE("the first route of a name counts") {
        Table table;
        auto first = std::make_shared<Route>();
        table.add("shop.example", first);
        table.add("shop.example", std::make_shared<Route>());
        CHECK(table.find("shop.example") == first);
        CHECK(table.size() == 1);
    }

    TEST_CASE("the controller's own names win over what an environment is called") {
        Table table;
        for (auto name : {"console.example", "shop.example", "localhost", "covered.example"})
            table.add(name, std::make_shared<Route>());
        Names names({"Console.example"}, [](std::string_view name) {
            return name == "covered.example" || name == "www.covered.example";
        });
        struct Row {
            std::string_view name;
            Side side;
        };
        for (const auto& row :
             {Row{"", Side::own}, Row{"console.example", Side::own},
              Row{"CONSOLE.example.", Side::own}, Row{"localhost", Side::own},
              Row{"192.0.2.1", Side::own}, Row{"2001:db8::1", Side::own}, Row{"[::1]", Side::own},
              Row{"shop.example", Side::routed}, Row{"Shop.Example.", Side::routed},
              Row{"covered.example", Side::routed}, Row{"www.covered.example", Side::own},
              Row{"other.example", Side::nobody}, Row{"a.console.example", Side::nobody}}) {
            CAPTURE(row.name);
            CHECK(names.side_of(row.name, table) == row.side);
        }
    }

    TEST_CASE("an owner gets as many places as the limit says, and one again that was given back") {
        Quota quota(2);
        auto first = quota.take("a");
        auto second = quota.take("a");
        REQUIRE(first);
        CHECK(second);
        CHECK(!quota.take("a"));
        CHECK(quota.take("b"));
        CHECK(quota.owners() == 1);
        first.reset();
        CHECK(quota.take("a"));
        second.reset();
        CHECK(quota.owners() == 0);
    }

    TEST_CASE("pages are HTML for browsers, text for programs, and empty for HEAD") {
        auto html = page(503, "", "text/html,*/*", "GET");
        CHECK(html.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
        CHECK(html.find("content-type: text/html; charset=utf-8\r\n") != std::string::npos);
        CHECK(html.find("\r\nretry-after: 30\r\n") != std::string::npos);
        CHECK(html.find("</html>") != std::string::npos);
        auto text = page(404, "", "*/*", "GET");
        CHECK(text.find("content-type: text/plain") != std::string::npos);
        CHECK(text.ends_with(
            "\r\n\r\nThere is no site here: No site answers to this name at the moment.\n"
        ));
        CHECK(page(502, "", "", "HEAD").ends_with("\r\n\r\n"));
        CHECK(page(400, "<&", "text/html", "GET").find("<p>&lt;&amp;</p>") != std::string::npos);
    }
}

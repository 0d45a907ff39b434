#include "controller/edge/heads.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::edge;

namespace {

net::HttpRequest
request(std::initializer_list<std::pair<std::string_view, std::string_view>> more = {}) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = "/web?debug=1";
    request.host = "shop.example";
    request.headers.add("host", "Shop.Example.:8443");
    for (const auto& [name, value] : more) request.headers.add(name, value);
    return request;
}

bool has_line(const std::string& head, const std::string& line) {
    return head.find("\r\n" + line + "\r\n") != std::string::npos;
}

} // namespace

TEST_SUITE("controller/edge/heads") {

    TEST_CASE("the head for Odoo names the host in one spelling and tells who asks [S-TUN-04]") {
        auto head =
            request_head(request({{"accept", "text/html"}, {"cookie", "a=b"}}), "203.0.113.7");
        CHECK(
            head == "GET /web?debug=1 HTTP/1.1\r\nhost: shop.example:8443\r\naccept: text/html\r\n"
                    "cookie: a=b\r\nx-forwarded-for: 203.0.113.7\r\nx-forwarded-proto: https\r\n"
                    "x-forwarded-host: shop.example:8443\r\nx-forwarded-port: 8443\r\n"
                    "x-real-ip: 203.0.113.7\r\n"
                    "forwarded: for=203.0.113.7;host=\"shop.example:8443\";proto=https\r\n\r\n"
        );
        CHECK(has_line(
            request_head(request(), "2001:db8::1"),
            "forwarded: for=\"[2001:db8::1]\";host=\"shop.example:8443\";proto=https"
        ));
    }

    TEST_CASE("what a client says of proxies is dropped, in every spelling") {
        for (auto name :
             {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
              "x-forwarded-server", "x-forwarded-prefix", "forwarded", "x-real-ip", "x-client-ip",
              "true-client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "x_forwarded_for",
              "x-forwarded_for", "x_real_ip", "proxy"}) {
            CAPTURE(name);
            auto head = request_head(request({{name, "spoofed"}}), "203.0.113.7");
            CHECK(head.find("spoofed") == std::string::npos);
        }
    }

    TEST_CASE(
        "a proxy that is believed says who the visitor is, in one field that holds one address"
    ) {
        struct Row {
            std::initializer_list<std::pair<std::string_view, std::string_view>> fields;
            const char* visitor;
        };
        for (const auto& row : {
                 Row{{{"cf-connecting-ip", "198.51.100.4"}}, "198.51.100.4"},
                 Row{{{"cf-connecting-ip", "2001:DB8::4"}}, "2001:db8::4"},
                 Row{{}, "203.0.113.7"},
                 Row{{{"x-forwarded-for", "198.51.100.4"}}, "203.0.113.7"},
                 Row{{{"cf-connecting-ip", "198.51.100.4, 1.1.1.1"}}, "203.0.113.7"},
                 Row{{{"cf-connecting-ip", "shop.example"}}, "203.0.113.7"},
                 Row{{{"cf-connecting-ip", ""}}, "203.0.113.7"},
                 Row{{{"cf-connecting-ip", "198.51.100.4"}, {"cf-connecting-ip", "198.51.100.5"}},
                     "203.0.113.7"},
             })
            CHECK(
                visitor_of(request(row.fields), "cf-connecting-ip", "203.0.113.7") == row.visitor
            );
    }

    TEST_CASE("fields of one hop go, and so do those that Connection names") {
        auto asked = request(
            {{"connection", "keep-alive, X-One"},
             {"keep-alive", "timeout=5"},
             {"x-one", "1"},
             {"x-two", "2"},
             {"te", "trailers"},
             {"trailer", "x"},
             {"upgrade", "h2c"},
             {"http2-settings", "AAA"},
             {"proxy-authorization", "b"},
             {"proxy-connection", "c"},
             {"expect", "100-continue"}}
        );
        auto head = request_head(asked, "203.0.113.7");
        CHECK(has_line(head, "x-two: 2"));
        for (auto gone :
             {"connection", "keep-alive:", "x-one", "te:", "trailer", "upgrade", "http2", "proxy-",
              "expect"}) {
            CAPTURE(gone);
            CHECK(head.find(gone) == std::string::npos);
        }
    }

    TEST_CASE("Connection cannot take away what the edge sets") {
        auto asked = request(
            {{"connection", "x-forwarded-for, host, content-length"}, {"content-length", "5"}}
        );
        auto head = request_head(asked, "203.0.113.7");
        CHECK(has_line(head, "x-forwarded-for: 203.0.113.7"));
        CHECK(has_line(head, "host: shop.example:8443"));
        CHECK(has_line(head, "content-length: 5"));
    }

    TEST_CASE("an upgrade is passed on where it is to a WebSocket") {
        auto asked = request({{"connection", "Upgrade"}, {"upgrade", "websocket"}});
        CHECK(!has_line(request_head(asked, "203.0.113.7"), "upgrade: websocket"));
        asked.wants_websocket = true;
        CHECK(has_line(request_head(asked, "203.0.113.7"), "connection: upgrade"));
        CHECK(request_head(asked, "203.0.113.7").ends_with("\r\nupgrade: websocket\r\n\r\n"));
    }

    TEST_CASE("the live bus goes to its own port where there is one") {
        Route route;
        route.port = 8069;
        struct Row {
            std::string target;
            bool bus;
        };
        for (const auto& row :
             {Row{"/websocket", true}, Row{"/websocket?version=1", true},
              Row{"/websocket/peek_notifications", true}, Row{"/longpolling/poll", true},
              Row{"/websockets", false}, Row{"/", false}, Row{"/web?x=/websocket", false}}) {
            CAPTURE(row.target);
            auto asked = request();
            asked.target = row.target;
            route.gevent_port = 8072;
            CHECK(port_for(route, asked) == (row.bus ? 8072 : 8069));
            route.gevent_port = 0;
            CHECK(port_for(route, asked) == 8069);
        }
    }

    TEST_CASE("an answer's head says how its body is delimited, in one way") {
        net::Headers headers{
            {"content-type", "text/plain"},
            {"connection", "close, x-gone"},
            {"x-gone", "1"},
            {"transfer-encoding", "chunked"},
            {"keep-alive", "timeout=5"},
            {"set-cookie", "a=1"},
            {"set-cookie", "b=2"}};
        CHECK(
            answer_head(200, headers, Framing::chunked, {}, true, false) ==
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
            "transfer-encoding: chunked\r\n\r\n"
        );
        CHECK(
            answer_head(200, {}, Framing::counted, 5, false, false) ==
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"
        );
        CHECK(
            answer_head(200, {}, Framing::counted, 5, true, true) ==
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n"
        );
        CHECK(
            answer_head(304, {}, Framing::none, 7, true, false) ==
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n"
        );
        CHECK(
            answer_head(204, {}, Framing::none, 7, true, false) == "HTTP/1.1 204 No Content\r\n\r\n"
        );
    }
}

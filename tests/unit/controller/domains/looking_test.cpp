#include "../world/world.hpp"
#include "controller/domains/looking.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::domains;

namespace {

template <class T>
Result<T> broken(std::string code) {
    return fail(Error(Errc::unavailable, "It is broken.").with_code(std::move(code)));
}

/// Name servers and web servers that answer what they are told to.
struct Outside final : outbound::Challenges {
    Result<std::vector<std::string>> records(const std::string& host, outbound::Deadline) override {
        asked.push_back("TXT " + host);
        return texts;
    }
    Result<outbound::Answer>
    plain_file(const std::string& host, const std::string& token, outbound::Deadline) override {
        asked.push_back("http " + host + " " + token);
        return plain;
    }
    Looked look(const Domain& domain) {
        https.answers([this](const outbound::Request& request) {
            asked.push_back(request.url);
            return secure;
        });
        return OutsideLooker(https, *this).look(domain);
    }

    test::PlayedOutbound https;
    Result<std::vector<std::string>> texts = std::vector<std::string>();
    Result<outbound::Answer> plain = outbound::Answer{404, {}, ""};
    Result<outbound::Answer> secure = outbound::Answer{404, {}, ""};
    std::vector<std::string> asked;
};

Domain domain_of(std::string name) {
    Domain domain;
    domain.name = std::move(name);
    domain.token = std::string(43, 'a');
    return domain;
}

} // namespace

TEST_SUITE("controller/domains/looking") {

    TEST_CASE("a record with the claim's own value proves it, among others too") {
        Outside outside;
        auto domain = domain_of("shop.example.org");
        outside.texts = std::vector<std::string>{
            "fairlead-domain=" + std::string(43, 'b'), "fairlead-domain=" + domain.token};
        auto looked = outside.look(domain);
        CHECK(looked.finding == Finding::found);
        CHECK(looked.method == Method::dns);
        CHECK(outside.asked == std::vector<std::string>{"TXT shop.example.org"});

        outside.texts = std::vector<std::string>{"fairlead-domain=" + domain.token + "a"};
        looked = outside.look(domain);
        CHECK(looked.finding == Finding::missing);
        CHECK(looked.code == "record_differs");
    }

    TEST_CASE("a wildcard's record stands below its base, and no file proves it") {
        Outside outside;
        auto domain = domain_of("*.example.org");
        outside.secure = outside.plain = outbound::Answer{200, {}, file_text(domain)};
        CHECK(outside.look(domain).finding == Finding::missing);
        CHECK(outside.asked == std::vector<std::string>{"TXT example.org"});
    }

    TEST_CASE("a file proves by its text, not by its name") {
        Outside outside;
        auto domain = domain_of("shop.example.org");
        outside.secure = outbound::Answer{200, {}, file_text(domain) + "\r\n"};
        auto looked = outside.look(domain);
        CHECK(looked.finding == Finding::found);
        CHECK(looked.method == Method::file);
        CHECK(outside.asked.back() == "https://shop.example.org" + file_path(domain));

        // A server that repeats what it is asked for.
        for (const auto& body :
             {file_path(domain), domain.token, record_value(domain), "<p>" + file_text(domain),
              std::string()}) {
            CAPTURE(body);
            outside.secure = outbound::Answer{200, {}, body};
            CHECK(outside.look(domain).code == "record_missing");
            CHECK(outside.look(domain).finding == Finding::missing);
        }
        auto other = domain_of("other.example.org");
        CHECK(file_text(other) != file_text(domain));
    }

    TEST_CASE("plain HTTP is asked only where https does not answer") {
        auto domain = domain_of("shop.example.org");
        for (const char* code : {"outbound_tls", "outbound_unreachable", "outbound_cut"}) {
            CAPTURE(code);
            Outside outside;
            outside.secure = broken<outbound::Answer>(code);
            outside.plain = outbound::Answer{200, {}, file_text(domain) + "\n"};
            CHECK(outside.look(domain).finding == Finding::found);
            CHECK(outside.asked.back() == "http shop.example.org " + domain.token);
            // A redirect is followed nowhere.
            outside.plain = outbound::Answer{301, {}, file_text(domain)};
            CHECK(outside.look(domain).finding == Finding::missing);
        }
        Outside outside;
        outside.plain = outbound::Answer{200, {}, file_text(domain)};
        CHECK(outside.look(domain).finding == Finding::missing); // https says 404
        outside.secure = broken<outbound::Answer>("address_refused");
        CHECK(outside.look(domain).finding == Finding::missing);
        for (const auto& asked : outside.asked) CHECK_FALSE(asked.starts_with("http "));
        CHECK(outside.https.take().front().redirects == 0);
    }

    TEST_CASE("what nobody can say is no answer") {
        Outside outside;
        auto domain = domain_of("shop.example.org");
        for (const char* code :
             {"resolver_failed", "outbound_unreachable", "egress_missing", "outbound_busy"}) {
            CAPTURE(code);
            outside.texts = broken<std::vector<std::string>>(code);
            CHECK(outside.look(domain).finding == Finding::unknown);
            CHECK(outside.look(domain).code == code);
        }
        // The other proof is enough all the same.
        outside.secure = outbound::Answer{200, {}, file_text(domain)};
        CHECK(outside.look(domain).finding == Finding::found);

        outside.texts = std::vector<std::string>();
        outside.secure = broken<outbound::Answer>("egress_missing");
        CHECK(outside.look(domain).finding == Finding::unknown);
        // A proof by record that is gone is gone, whatever the file's way is like.
        domain.method = Method::dns;
        CHECK(outside.look(domain).finding == Finding::missing);
    }

    TEST_CASE("a proof by file that its server does not give out is gone without name servers") {
        Outside outside;
        auto domain = domain_of("shop.example.org");
        outside.texts = broken<std::vector<std::string>>("resolver_failed");
        for (auto answer : {outbound::Answer{404, {}, ""}, outbound::Answer{200, {}, "else"}}) {
            CAPTURE(answer.status);
            outside.secure = answer;
            domain.method = Method::file;
            auto looked = outside.look(domain);
            CHECK(looked.finding == Finding::missing);
            CHECK(looked.code == (answer.status == 404 ? "file_missing" : "file_differs"));
            // Nobody can say of a record, which another claim or none yet goes by.
            for (auto method : {Method::dns, Method::none}) {
                domain.method = method;
                CHECK(outside.look(domain).code == "resolver_failed");
            }
        }
        // By http, too.
        domain.method = Method::file;
        outside.secure = broken<outbound::Answer>("outbound_unreachable");
        CHECK(outside.look(domain).code == "file_missing");
        // A server that does not answer says nothing.
        outside.plain = broken<outbound::Answer>("outbound_unreachable");
        CHECK(outside.look(domain).finding == Finding::unknown);
        CHECK(outside.look(domain).code == "resolver_failed");
    }
}

#include "controller/domains/judgement.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::domains;
using namespace std::chrono_literals;

namespace {

const Timestamp start = from_ms(1'772'323'200'000);
const Looked found{Finding::found, Method::dns, "", ""};
const Looked missing{Finding::missing, Method::none, "record_missing", "It has no record."};
const Looked unknown{Finding::unknown, Method::none, "resolver_failed", "Nobody answers."};

Domain claimed() {
    Domain domain;
    domain.name = "shop.example.org";
    domain.created_ms = start;
    domain.expires_ms = start + claim_time;
    return domain;
}

Domain proved() {
    auto domain = claimed();
    REQUIRE(judge(domain, found, false, start, 0.5) == News::verified);
    return domain;
}

} // namespace

TEST_SUITE("controller/domains/judgement") {

    TEST_CASE("a claim is looked at less and less often, and ends after seven days") {
        auto domain = claimed();
        auto now = start;
        std::vector<std::chrono::minutes> pauses;
        auto news = News::none;
        for (int looks = 0; news == News::none; ++looks) {
            REQUIRE(looks < 1000);
            news = judge(domain, missing, false, now, 0.5);
            if (!domain.next_check_ms) break;
            pauses.push_back(
                std::chrono::duration_cast<std::chrono::minutes>(*domain.next_check_ms - now)
            );
            now = *domain.next_check_ms;
        }
        CHECK(news == News::expired);
        CHECK(now == start + claim_time);
        CHECK(domain.state == State::failed);
        CHECK(domain.failed_ms == now);
        pauses.resize(8);
        CHECK(
            pauses ==
            std::vector<std::chrono::minutes>{1min, 2min, 4min, 8min, 16min, 32min, 60min, 60min}
        );
    }

    TEST_CASE("a proof makes it verified, and it is looked at again within a day and a fifth") {
        for (double chance : {0.0, 0.5, 1.0}) {
            auto domain = claimed();
            CHECK(judge(domain, found, false, start, chance) == News::verified);
            CHECK(domain.state == State::verified);
            CHECK(domain.method == Method::dns);
            CHECK_FALSE(domain.expires_ms);
            auto pause = *domain.next_check_ms - start;
            CHECK(pause >= 24h - 288min);
            CHECK(pause <= 24h + 288min);
            CHECK(judge(domain, found, false, *domain.next_check_ms, chance) == News::none);
        }
    }

    TEST_CASE("a proof counts for nothing while another organization has the name") {
        auto domain = claimed();
        CHECK(judge(domain, found, true, start, 0.5) == News::none);
        CHECK(domain.state == State::pending);
        CHECK(domain.method == Method::none);
        CHECK(domain.error_code == "domain_taken");
        CHECK(judge(domain, found, false, start + 1min, 0.5) == News::verified);
        CHECK(domain.error_code.empty());
    }

    TEST_CASE("a proof that is gone is looked for every six hours, and fails after three days") {
        auto domain = proved();
        auto began = *domain.next_check_ms;
        auto now = began;
        CHECK(judge(domain, missing, false, now, 0.5) == News::failing);
        CHECK(domain.state == State::verified);
        CHECK(domain.failing_ms == began);
        CHECK(*domain.next_check_ms - now == 6h);
        auto news = News::none;
        while (news == News::none) {
            now = *domain.next_check_ms;
            CHECK(domain.state == State::verified);
            news = judge(domain, missing, false, now, 1.0);
        }
        CHECK(news == News::failed);
        CHECK(now == began + grace);
        CHECK(domain.state == State::failed);
        CHECK_FALSE(domain.next_check_ms);
    }

    TEST_CASE("a proof that comes back in time restores it") {
        auto domain = proved();
        CHECK(judge(domain, missing, false, start + 24h, 0.5) == News::failing);
        CHECK(judge(domain, found, false, start + 90h, 0.5) == News::restored);
        CHECK_FALSE(domain.failing_ms);
        CHECK(judge(domain, missing, false, start + 120h, 0.5) == News::failing);
        CHECK(judge(domain, missing, false, start + 120h + grace - 1ms, 0.5) == News::none);
    }

    TEST_CASE("name servers that do not answer fail nothing, however long") {
        auto domain = proved();
        auto now = start + 24h;
        for (int looks = 0; looks < 1000; ++looks) {
            CHECK(judge(domain, unknown, false, now, 0.5) == News::none);
            CHECK_FALSE(domain.failing_ms);
            CHECK(domain.error_code == "resolver_failed");
            CHECK(domain.checked_ms == now);
            now = *domain.next_check_ms;
        }
        CHECK(domain.state == State::verified);
        // Nor do they end a grace that runs.
        CHECK(judge(domain, missing, false, now, 0.5) == News::failing);
        CHECK(judge(domain, unknown, false, now + 2 * grace, 0.5) == News::none);
        CHECK(domain.state == State::verified);
        CHECK(judge(domain, missing, false, now + 2 * grace + 1h, 0.5) == News::failed);
    }

    TEST_CASE("what is over stays over") {
        auto domain = proved();
        judge(domain, missing, false, start + 24h, 0.5);
        judge(domain, missing, false, start + 24h + grace, 0.5);
        REQUIRE(domain.state == State::failed);
        auto before = domain.checked_ms;
        CHECK(judge(domain, found, false, start + 200h, 0.5) == News::none);
        CHECK(domain.state == State::failed);
        CHECK(domain.checked_ms == before);
    }
}

#include "agent/link/stream_keys.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::link;
using namespace std::chrono_literals;

namespace {

const std::string server = "srv_01J0000000000000000000000A";
const std::string key_id = "tkey_01J0000000000000000000000A";
const Timestamp start = from_ms(1'790'000'000'000);

struct Stand {
    Stand() { REQUIRE(keys.take(told())); }

    proto::TunnelKeys told(std::int64_t ends_ms = 0) const {
        return {{{key_id, key.verify_key().str(), ends_ms}}};
    }
    std::string sign(Timestamp at) const {
        return proto::sign_capability({{"kind", "tunnel"}}, server, key_id, key, at).value();
    }

    /// As an agent that started at `start`.
    auto open(const std::string& text, Timestamp now) { return keys.open(text, now, now - start); }

    crypto::SigningKey key = crypto::SigningKey::generate();
    StreamKeys keys{server};
};

proto::Capability::Nonce nonce(int number) {
    proto::Capability::Nonce made{};
    for (std::size_t i = 0; i < 4; ++i) made[i] = static_cast<char>(number >> (8 * i));
    return made;
}

} // namespace

TEST_SUITE("agent/link/stream_keys") {

    TEST_CASE("a capability counts once, for a minute and what the clocks may differ by") {
        Stand stand;
        auto text = stand.sign(start + 1s);
        auto members = stand.open(text, start + 2s);
        REQUIRE(members);
        CHECK(members->at("kind").as_string() == "tunnel");
        CHECK(stand.open(text, start + 3s).error().kind() == Errc::forbidden);

        const auto reach = 60s + 5min;
        CHECK(stand.open(stand.sign(start + 1h), start + 1h + reach));
        CHECK(!stand.open(stand.sign(start + 2h), start + 2h + reach + 1ms));
        CHECK(stand.open(stand.sign(start + 3h), start + 3h - 5min));
        CHECK(!stand.open(stand.sign(start + 4h), start + 4h - 5min - 1ms));
    }

    TEST_CASE("what was signed before the agent started does not count: it may have been used") {
        Stand stand;
        CHECK(!stand.open(stand.sign(start - 1s), start + 1s));
        CHECK(!stand.open(stand.sign(start - 1ms), start + 1s));
        CHECK(stand.open(stand.sign(start), start + 1s));
    }

    TEST_CASE("a clock that was wrong when the agent started is no matter once it is set") {
        Stand stand;
        // Up for 5 s, by a clock that was hours ahead, or behind, until now.
        CHECK(stand.keys.open(stand.sign(start + 1h), start + 1h + 1s, 5s));
        CHECK(!stand.keys.open(stand.sign(start + 1h - 6s), start + 1h, 5s));
        CHECK(stand.keys.open(stand.sign(start - 1h), start - 1h + 1s, 5s));
    }

    TEST_CASE("a clock that is set back makes nothing count again") {
        Stand stand;
        auto text = stand.sign(start + 1s);
        CHECK(stand.open(text, start + 1s));
        auto over = start + 1s + 60s + 5min;
        CHECK(stand.open(stand.sign(over), over + 1ms)); // forgets the first
        CHECK(!stand.open(text, over - 1s));
    }

    TEST_CASE("a key counts until its end by the controller's clock, however the server's goes") {
        Stand stand;
        REQUIRE(stand.keys.take(stand.told(to_ms(start + 1h))));
        CHECK(stand.keys.counts(key_id, start + 1h + 5min));
        CHECK(!stand.keys.counts(key_id, start + 1h + 5min + 1ms));
        CHECK(!stand.open(stand.sign(start + 2h), start + 2h));
    }

    TEST_CASE("a key counts where the policy pins it or pins nothing") {
        Stand stand;
        auto other = crypto::SigningKey::generate().verify_key().str();
        stand.keys.pin(std::vector{other});
        CHECK(!stand.open(stand.sign(start + 1s), start + 1s));
        stand.keys.pin(std::vector<std::string>());
        CHECK(!stand.open(stand.sign(start + 1s), start + 1s));
        stand.keys.pin(std::vector{other, stand.key.verify_key().str()});
        CHECK(stand.open(stand.sign(start + 1s), start + 1s));
        stand.keys.pin({});
        CHECK(stand.open(stand.sign(start + 1s), start + 1s));
    }

    TEST_CASE("a refused capability costs nothing: the same one counts when its key is there") {
        Stand stand;
        auto text = stand.sign(start + 1s);
        REQUIRE(stand.keys.take({}));
        CHECK(!stand.open(text, start + 1s));
        REQUIRE(stand.keys.take(stand.told()));
        CHECK(stand.open(text, start + 1s));
    }

    TEST_CASE("beyond its room the memory forgets what runs out first, and refuses it for good") {
        ReplayMemory memory(100);
        for (int i = 0; i < 100; ++i) CHECK(memory.first_use(start + 1s * (i + 1), nonce(i)));
        CHECK(memory.size() == 100);
        CHECK(memory.first_use(start + 200s, nonce(200)));
        CHECK(memory.size() == 100);
        CHECK(!memory.first_use(start + 1s, nonce(0)));  // forgotten, and refused all the same
        CHECK(!memory.first_use(start + 1s, nonce(77))); // never seen, and as old
        for (int i = 1; i < 100; ++i) CHECK(!memory.first_use(start + 1s * (i + 1), nonce(i)));
        CHECK(memory.first_use(start + 2s, nonce(300))); // takes the oldest place, and is forgotten
        CHECK(!memory.first_use(start + 2s, nonce(300)));
        CHECK(memory.first_use(start + 201s, nonce(200)));
    }

    TEST_CASE("what has run out takes no room") {
        ReplayMemory memory(100);
        for (int i = 0; i < 50; ++i) CHECK(memory.first_use(start + 1s * (i + 1), nonce(i)));
        memory.forget_before(start + 41s);
        CHECK(memory.size() == 10);
    }
}

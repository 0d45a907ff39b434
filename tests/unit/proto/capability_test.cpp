#include "common/crypto/random.hpp"
#include "proto/capability.hpp"

#include <boost/json.hpp>
#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::proto;
using namespace std::chrono_literals;
using boost::json::object;

namespace {

const std::string server = "srv_01J0000000000000000000000A";
const std::string key_id = "tkey_01J0000000000000000000000A";
const Timestamp now = from_ms(1'790'000'000'000);

object purpose() {
    return {{"kind", "tunnel"}, {"environment", "env_1"}, {"port", 8069}};
}

std::string sign(const crypto::SigningKey& key, object of = purpose()) {
    return sign_capability(std::move(of), server, key_id, key, now).value();
}

Capability read(std::string_view text) {
    auto read = Capability::read(text);
    REQUIRE_MESSAGE(read, text);
    return *std::move(read);
}

} // namespace

TEST_SUITE("proto/capability") {

    TEST_CASE("a capability says who signed it, for which server, and until when") {
        crypto::start();
        auto key = crypto::SigningKey::generate();
        auto text = sign(key);
        auto one = read(text);
        CHECK(one.key() == key_id);
        CHECK(one.expires() == now + 60s);
        CHECK(one.members().at("port").as_int64() == 8069);
        CHECK(one.was_signed(key.verify_key(), server));
        CHECK(!one.was_signed(key.verify_key(), "srv_01J0000000000000000000000B"));
        CHECK(!one.was_signed(crypto::SigningKey::generate().verify_key(), server));
        CHECK(read(sign(key)).nonce() != one.nonce());
    }

    TEST_CASE("whatever is changed, added, left out or renamed, the signature does not fit any more"
    ) {
        crypto::start();
        auto key = crypto::SigningKey::generate();
        auto good = boost::json::parse(sign(key)).as_object();
        auto counts = [&](const object& altered) {
            auto one = Capability::read(boost::json::serialize(altered));
            return one && one->was_signed(key.verify_key(), server);
        };
        REQUIRE(counts(good));
        for (const auto& member : good) {
            std::string name(member.key());
            CAPTURE(name);
            auto altered = good;
            if (member.value().is_string()) {
                // Another character that is one of base64url, at a place where all its bits count.
                auto& text = altered[name].as_string();
                text[0] = text[0] == 'A' ? 'B' : 'A';
            } else {
                altered[name] = member.value().as_int64() + 1;
            }
            CHECK(!counts(altered));
            auto without = good;
            without.erase(name);
            CHECK(!counts(without));
            auto as_text = good;
            if (!member.value().is_string()) {
                as_text[name] = std::to_string(member.value().as_int64());
                CHECK(!counts(as_text));
            }
        }
        auto more = good;
        more["host"] = "10.0.0.1";
        CHECK(!counts(more));
        // The same characters under other borders.
        auto shifted = good;
        shifted.erase("port");
        shifted["por"] = "t8069";
        CHECK(!counts(shifted));
    }

    TEST_CASE("a number is the same whatever type it had before it travelled") {
        crypto::start();
        auto key = crypto::SigningKey::generate();
        auto of = purpose();
        of["port"] = std::uint16_t(8069);
        CHECK(read(sign(key, of)).was_signed(key.verify_key(), server));
        of["port"] = std::uint64_t(18446744073709551615u);
        CHECK(read(sign(key, of)).was_signed(key.verify_key(), server));
    }

    TEST_CASE("the order and the spacing of the JSON mean nothing") {
        crypto::start();
        auto key = crypto::SigningKey::generate();
        auto good = boost::json::parse(sign(key)).as_object();
        std::string text = "{";
        for (auto member = good.end(); member-- != good.begin();)
            text += (text.size() > 1 ? " ,\n " : " ") +
                    boost::json::serialize(boost::json::value(member->key())) + " : " +
                    boost::json::serialize(member->value());
        CHECK(read(text + "}").was_signed(key.verify_key(), server));
    }

    TEST_CASE("a member that is neither text nor whole number, and what is too long, is not signed"
    ) {
        crypto::start();
        auto key = crypto::SigningKey::generate();
        for (boost::json::value wrong :
             {boost::json::value(1.5), boost::json::value(-1), boost::json::value(nullptr),
              boost::json::value(true), boost::json::value(object{{"a", 1}}),
              boost::json::value(boost::json::array{1})}) {
            auto of = purpose();
            of["extra"] = wrong;
            CAPTURE(boost::json::serialize(wrong));
            CHECK(!sign_capability(of, server, key_id, key, now));
        }
        auto long_one = purpose();
        long_one["command"] = std::string(longest_capability, 'x');
        CHECK(!sign_capability(long_one, server, key_id, key, now));
        object many;
        for (int i = 0; i < 32; ++i) many[std::to_string(i)] = i;
        CHECK(!sign_capability(many, server, key_id, key, now));
    }

    TEST_CASE("what is no capability is refused with a reason") {
        crypto::start();
        auto good = boost::json::parse(sign(crypto::SigningKey::generate())).as_object();
        for (std::string_view text : {"", "[]", "{}", "7", "GET / HTTP/1.1"}) {
            CAPTURE(text);
            CHECK(Capability::read(text).error().kind() == Errc::invalid);
        }
        for (const char* name : {"key", "expires_ms", "nonce", "signature"}) {
            CAPTURE(name);
            for (boost::json::value wrong :
                 {boost::json::value(nullptr), boost::json::value(-7), boost::json::value("?"),
                  boost::json::value(1e300), boost::json::value(object())}) {
                if (std::string_view(name) == "key" && wrong.is_string()) continue;
                auto altered = good;
                altered[name] = wrong;
                CHECK(!Capability::read(boost::json::serialize(altered)));
            }
        }
        auto beyond = good;
        beyond["expires_ms"] = std::numeric_limits<std::int64_t>::max();
        CHECK(!Capability::read(boost::json::serialize(beyond)));
    }
}

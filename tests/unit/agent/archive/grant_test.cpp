#include "agent/archive/grant.hpp"
#include "agent/archive/manifest.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/sink.hpp"
#include "support.hpp"

#include <random>

using namespace fairlead;
using namespace fairlead::archive;

namespace {

const std::string environment = "env_01J00000000000000000000000";
const std::string backup = "bak_01J00000000000000000000001";

std::vector<crypto::Identity> just(const crypto::Identity& identity) {
    std::vector<crypto::Identity> identities;
    identities.push_back(identity.clone());
    return identities;
}

FileKeys some_keys(std::size_t count) {
    FileKeys keys;
    for (std::size_t i = 0; i < count; ++i)
        keys.emplace(
            environment + "/packs/" + std::to_string(i),
            crypto::random_secret(crypto::age_file_key_size)
        );
    return keys;
}

std::string grant_of(const crypto::Recipient& to, const FileKeys& keys) {
    auto text = write_grant(environment, backup, to, keys, Timestamp());
    REQUIRE(text);
    return *text;
}

/// An age file with any content, as whoever can write into the bucket can make one.
std::string forged(const crypto::Recipient& to, std::string_view content) {
    StringSink out(plenty);
    crypto::AgeWriter writer(out, {to});
    REQUIRE(writer.write(content));
    REQUIRE(writer.finish());
    return std::move(out.text);
}

} // namespace

TEST_SUITE("agent/archive/grant") {

    TEST_CASE("a grant gives its recipient every key, and nobody else any") {
        auto target = crypto::Identity::generate();
        auto keys = some_keys(300);
        auto sealed = grant_of(target.recipient(), keys);
        auto read = read_grant(sealed, just(target), environment, backup);
        REQUIRE(read);
        REQUIRE(read->size() == keys.size());
        for (const auto& [name, key] : keys) CHECK(read->at(name).equals(key.reveal()));
        for (const auto& [name, key] : keys)
            CHECK(sealed.find(std::string(key.reveal())) == std::string::npos);
        auto stranger = read_grant(sealed, just(crypto::Identity::generate()), environment, backup);
        REQUIRE(!stranger);
        CHECK(stranger.error().code() == "backup_key_wrong");
    }

    TEST_CASE("one of another backup or environment is told, whatever its name in the bucket") {
        auto target = crypto::Identity::generate();
        auto sealed = grant_of(target.recipient(), some_keys(3));
        auto code = [&](const std::string& env, const std::string& id) {
            auto read = read_grant(sealed, just(target), env, id);
            return read ? "" : read.error().code();
        };
        CHECK(code(environment, backup) == "");
        CHECK(code(environment, "bak_01J00000000000000000000009") == "grant_wrong");
        CHECK(code("env_01J00000000000000000000009", backup) == "grant_wrong");
    }

    TEST_CASE("an altered, cut or invented one is refused, without repeating what is in it") {
        auto target = crypto::Identity::generate();
        auto sealed = grant_of(target.recipient(), some_keys(20));
        std::mt19937 random(7);
        for (int i = 0; i < 2000; ++i) {
            auto altered = sealed;
            auto at = random() % altered.size();
            if (i % 3 == 0)
                altered.resize(at);
            else
                altered[at] = static_cast<char>(altered[at] ^ (1 << random() % 8));
            CHECK(!read_grant(altered, just(target), environment, backup));
        }
        auto refused = [&](const std::string& content) {
            auto read =
                read_grant(forged(target.recipient(), content), just(target), environment, backup);
            REQUIRE(!read);
            CHECK(read.error().code() == "grant_wrong");
            CHECK(read.error().message().find("c2VjcmV0") == std::string::npos);
        };
        refused("");
        refused("c2VjcmV0");
        refused("[]");
        refused(R"({"keys": {"a": "c2VjcmV0"}})");
        refused(R"({"keys": "c2VjcmV0"})");
        auto right = R"("environment_id":")" + environment + R"(","backup_id":")" + backup +
                     R"(","recipient":")" + target.recipient().str() + R"(","keys":{})";
        CHECK(read_grant(
            forged(target.recipient(), R"({"format":1,)" + right + "}"), just(target), environment,
            backup
        ));
        refused(R"({"format":2,)" + right + "}");
        // Handed on from another recipient.
        auto other = right;
        other.replace(other.find("age1"), 62, crypto::Identity::generate().recipient().str());
        refused(R"({"format":1,)" + other + "}");
    }

    TEST_CASE("it holds as many keys as a backup can have objects, and no more") {
        auto target = crypto::Identity::generate();
        auto keys = some_keys(manifest_max_packs + 2);
        auto sealed = grant_of(target.recipient(), keys);
        CHECK(sealed.size() < grant_limit);
        CHECK(read_grant(sealed, just(target), environment, backup));
        keys.emplace("one more", crypto::random_secret(crypto::age_file_key_size));
        auto read =
            read_grant(grant_of(target.recipient(), keys), just(target), environment, backup);
        REQUIRE(!read);
        CHECK(read.error().code() == "grant_wrong");
    }
}

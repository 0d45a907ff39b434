#include "agent/link/witness.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/note.hpp"
#include "common/runtime/file.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <memory>
#include <vector>

using namespace fairlead;
using namespace fairlead::link;
namespace merkle = crypto::merkle;

namespace {

/// A log as a controller keeps it, of which any past can be rewritten.
struct Log {
    std::vector<crypto::Digest> leaves;
    std::shared_ptr<crypto::SigningKey> key = new_key();
    std::string name = "c.example/audit", origin = "c.example/audit/org_1";

    static std::shared_ptr<crypto::SigningKey> new_key() {
        return std::make_shared<crypto::SigningKey>(crypto::SigningKey::generate());
    }
    void add(int count) {
        while (count-- > 0)
            leaves.push_back(merkle::leaf_hash("entry " + std::to_string(leaves.size())));
    }
    merkle::Subtree reader() const {
        return [this](unsigned level, std::uint64_t index) -> Result<crypto::Digest> {
            merkle::Roots roots;
            for (auto at = index << level; at < (index + 1) << level; ++at) roots.add(leaves[at]);
            return roots.root();
        };
    }
    proto::AuditCheckpoint from(std::uint64_t held) const {
        crypto::Checkpoint checkpoint{
            origin, leaves.size(), merkle::root(leaves.size(), reader()).value()};
        proto::AuditCheckpoint message;
        message.key = crypto::NoteVerifier{name, key->verify_key()}.str();
        message.note = crypto::sign_note(checkpoint.str(), name, *key);
        message.from = held;
        if (held <= leaves.size())
            message.proof =
                merkle::proof_to_text(merkle::consistency(held, leaves.size(), reader()).value());
        return message;
    }
};

struct Fixture {
    std::filesystem::path file = std::filesystem::temp_directory_path() /
                                 ("fairlead-witness-" + std::to_string(::getpid())) /
                                 "witness.json";
    Log log;
    Timestamp now = from_ms(1790000000000);

    Fixture() { std::filesystem::create_directories(file.parent_path()); }
    ~Fixture() { std::filesystem::remove_all(file.parent_path()); }

    /// Shown by a link of its own, so that only the file remembers.
    bool show(const proto::AuditCheckpoint& checkpoint) {
        return Witness(file).judge(checkpoint, now);
    }
    proto::Witness held() { return Witness(file).held(); }
    bool forked(std::string_view reason) {
        return held().fork.find(reason) != std::string::npos && held().fork_ms == to_ms(now);
    }
};

} // namespace

TEST_SUITE("agent/link/witness") {

    TEST_CASE_FIXTURE(Fixture, "what goes on from what was seen is held in its place") {
        CHECK(held().size == 0);
        for (int more : {1, 2, 5, 0, 9, 300}) {
            log.add(more);
            CAPTURE(log.leaves.size());
            CHECK_FALSE(show(log.from(held().size)));
            CHECK(held().size == log.leaves.size());
            CHECK(held().fork.empty());
        }
        struct stat status {};
        REQUIRE(::stat(file.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
    }

    TEST_CASE_FIXTURE(Fixture, "whatever else comes is a fork, told once and never forgotten") {
        log.add(20);
        REQUIRE_FALSE(show(log.from(0)));
        auto seen = held();
        auto other = log;

        SUBCASE("the past was rewritten, and the log is longer than before") {
            other.leaves[7] = merkle::leaf_hash("another");
            other.add(10);
            CHECK(show(other.from(20)));
            CHECK(forked("does not go on from the 20 that were seen before"));
        }
        SUBCASE("the past was rewritten, and the log is as long as before") {
            other.leaves[19] = merkle::leaf_hash("another");
            CHECK(show(other.from(20)));
            CHECK(forked("does not go on"));
        }
        SUBCASE("the end was cut off") {
            other.leaves.resize(19);
            CHECK(show(other.from(20)));
            CHECK(forked("the log has 19 entries, and had 20 before"));
        }
        SUBCASE("the proof begins somewhere else") {
            other.leaves[7] = merkle::leaf_hash("another");
            other.add(10);
            CHECK(show(other.from(8)));
            CHECK(forked("does not go on"));
        }
        SUBCASE("another key signs it") {
            other.key = Log::new_key();
            CHECK(show(other.from(20)));
            CHECK(forked("another key"));
        }
        SUBCASE("another key signs it, by the name of the first") {
            auto message = other.from(20);
            other.key = Log::new_key();
            message.note = other.from(20).note;
            CHECK(show(message));
            CHECK_FALSE(held().fork.empty());
        }
        SUBCASE("it is another organization's log") {
            other.origin = "c.example/audit/org_2";
            CHECK(show(other.from(20)));
            CHECK(forked("another log"));
        }
        SUBCASE("it cannot be read") {
            auto message = other.from(20);
            message.proof = {"not base64"};
            CHECK(show(message));
            message.note = std::string(100'000, 'x');
            CHECK_FALSE(show(message));
            CHECK(std::filesystem::file_size(file) < 10'000);
        }
        CHECK(held().size == 20);
        CHECK(held().root == seen.root);
        // The right one is taken again, and the alarm stays.
        log.add(3);
        CHECK_FALSE(show(log.from(20)));
        CHECK(held().size == 23);
        CHECK_FALSE(held().fork.empty());
        REQUIRE(Witness::forget(file.parent_path()));
        CHECK(held().fork.empty());
        CHECK_FALSE(show(other.from(0)));
    }

    TEST_CASE_FIXTURE(Fixture, "a file that cannot be read is an alarm, not a new beginning") {
        REQUIRE(write_file(file, "{", 0600));
        Witness witness(file);
        CHECK(witness.held().fork.find("cannot be read") != std::string::npos);
        CHECK(Witness::forget(file.parent_path()));
        CHECK(Witness::forget(file.parent_path())->find("nothing") != std::string::npos);
    }
}

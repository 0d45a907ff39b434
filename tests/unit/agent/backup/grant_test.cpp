// A backup of one server, granted to another: through a bucket, with both workers as they are.
#include "../bucket/fake_s3.hpp"
#include "agent/archive/layout.hpp"
#include "agent/archive/zstd.hpp"
#include "agent/backup/worker_parts.hpp"
#include "common/crypto/hash.hpp"

#include <doctest/doctest.h>

using namespace fairlead;
using namespace fairlead::backup;

namespace {

const std::string environment = "env_01J00000000000000000000000";
const std::string id = "bak_01J00000000000000000000001";
const std::string pack = "pck_01J00000000000000000000002";

/// A bucket with one backup in it, as its source made it.
struct Site {
    Site() {
        archive::Manifest manifest;
        manifest.product = "Fairlead";
        manifest.id = id;
        manifest.started_at = "2026-01-31T02:30:00.000Z";
        manifest.finished_at = "2026-01-31T02:31:00.000Z";
        manifest.environment.id = environment;
        manifest.environment.slug = manifest.environment.name = "shop";
        manifest.environment.odoo_version = "19.0";
        manifest.environment.release = 1;
        manifest.postgresql_version = "15.8";
        manifest.database.object = store(archive::database_key(environment, id), "the dump");
        manifest.database.dump_format = "custom";
        manifest.database.logical_bytes = manifest.database.dump_bytes = 8;
        manifest.database.tables = 1;
        manifest.filestore.list = store(archive::files_key(environment, id), "the list");
        manifest.filestore.packs = {{store(archive::pack_key(environment, pack), "a pack"), 1, 6}};
        manifest.filestore.files = 1;
        manifest.filestore.bytes = 6;
        manifest.recipients = {source.recipient().str()};
        server.set_object(
            archive::manifest_key(environment, id), archive::write_manifest(manifest)
        );
        auto storage = server.storage();
        bucket::Options options;
        options.pause = &pause;
        auto opened = bucket::Bucket::open(
            storage, {storage.access_key, Secret("S3cr3tS3cr3t"), Secret("T0k3nT0k3n")}, options
        );
        REQUIRE(opened);
        bucket = *std::move(opened);
    }

    archive::StoredObject store(const std::string& key, std::string_view content) {
        StringSink out(1 << 20);
        // More recipients than fit into the first read of a header.
        std::vector<crypto::Recipient> to(recovery, crypto::Identity::generate().recipient());
        to.push_back(source.recipient());
        crypto::AgeWriter sealed(out, to);
        archive::ZstdWriter packed(sealed);
        REQUIRE(packed.write(content));
        REQUIRE(packed.finish());
        server.set_object(key, out.text);
        return {key, out.text.size(), crypto::sha256(out.text).hex()};
    }

    Worker worker(const Job& job, const crypto::Identity& identity) {
        std::vector<crypto::Identity> identities;
        identities.push_back(identity.clone());
        std::vector<crypto::Recipient> to;
        for (const auto& one : job.recipients) to.push_back(crypto::Recipient::parse(one).value());
        return Worker{job, *bucket, say, clock, std::move(to), std::move(identities)};
    }

    Job granting(const crypto::Recipient& to) const {
        Job job;
        job.task = Task::grant;
        job.environment_id = environment;
        job.backup_id = id;
        job.recipients = {to.str()};
        return job;
    }
    Job reading(const std::string& backup_id = id) const {
        Job job;
        job.task = Task::inspect;
        job.environment_id = environment;
        job.backup_id = backup_id;
        job.granted = true;
        return job;
    }

    std::size_t recovery = 12;
    crypto::Identity source = crypto::Identity::generate(), target = crypto::Identity::generate();
    bucket::FakeS3 server;
    bucket::FakePause pause;
    FakeClock clock;
    Reporter say;
    std::unique_ptr<bucket::Bucket> bucket;
};

std::string code_of(const Result<>& result) {
    return result ? "" : result.error().code();
}

} // namespace

TEST_SUITE("agent/backup/grant") {

    TEST_CASE("what one server granted, the other opens, and the identity stays where it is") {
        Site site;
        auto asked = site.reading();
        auto early = site.worker(asked, site.target);
        CHECK(code_of(use_grant(early)) == "backup_key_elsewhere");

        auto job = site.granting(site.target.recipient());
        auto granting = site.worker(job, site.source);
        auto granted = grant(granting);
        REQUIRE_MESSAGE(granted, (granted ? "" : granted.error().message()));
        CHECK(granted->files == 3);

        auto reading = site.worker(asked, site.target);
        REQUIRE(code_of(use_grant(reading)) == "");
        CHECK(inspect(reading));
        StringSink dump(1000);
        archive::ZstdReader plain(dump, 1000);
        auto key = archive::database_key(environment, id);
        auto opened = opener(reading, key, plain);
        REQUIRE(fetch(
            reading,
            {key, site.server.objects().at(key).size(),
             crypto::sha256(site.server.objects().at(key)).hex()},
            opened
        ));
        CHECK(dump.text == "the dump");
        for (const auto& [name, bytes] : site.server.objects())
            CHECK(bytes.find(site.source.print().reveal()) == std::string::npos);
        // Only the beginnings of the objects were read.
        for (const auto& seen : site.server.seen())
            if (seen.path.ends_with(".zst.age") && seen.method == "GET" &&
                seen.header("range").empty())
                CHECK(seen.path.ends_with(key));
    }

    TEST_CASE("a grant is for one recipient: for none or for two, nothing is left in the bucket") {
        Site site;
        auto before = site.server.objects().size();
        for (std::size_t count : {0U, 2U}) {
            auto job = site.granting(site.target.recipient());
            auto granting = site.worker(job, site.source);
            granting.recipients.assign(count, site.target.recipient());
            CHECK_FALSE(grant(granting));
            CHECK(site.server.objects().size() == before);
        }
    }

    TEST_CASE("one that was left for another backup, or for a stranger, opens nothing") {
        Site site;
        auto job = site.granting(site.target.recipient());
        auto granting = site.worker(job, site.source);
        REQUIRE(grant(granting));
        auto stranger = crypto::Identity::generate();
        auto made = site.server.objects().at(
            archive::grant_key(environment, id, site.target.recipient().str())
        );
        site.server.set_object(
            archive::grant_key(environment, id, stranger.recipient().str()), made
        );
        auto asked = site.reading();
        auto theirs = site.worker(asked, stranger);
        CHECK(code_of(use_grant(theirs)) == "backup_key_wrong");
        auto another = site.reading("bak_01J00000000000000000000005");
        site.server.set_object(
            archive::grant_key(environment, another.backup_id, site.target.recipient().str()), made
        );
        auto wrong = site.worker(another, site.target);
        CHECK(code_of(use_grant(wrong)) == "grant_wrong");
    }

    TEST_CASE("a server grants nothing that its identity does not open, and leaves nothing behind"
    ) {
        Site site;
        auto job = site.granting(site.target.recipient());
        auto other = crypto::Identity::generate();
        auto granting = site.worker(job, other);
        auto refused = grant(granting);
        REQUIRE(!refused);
        CHECK(refused.error().code() == "backup_key_wrong");
        // One object of the backup is another file now.
        auto key = archive::pack_key(environment, pack);
        site.server.set_object(key, std::string(site.server.objects().at(key).size(), 'x'));
        auto again = site.worker(job, site.source);
        auto damaged = grant(again);
        REQUIRE(!damaged);
        CHECK(damaged.error().code() == "backup_damaged");
        CHECK(damaged.error().message().find(key) != std::string::npos);
        for (const auto& [name, bytes] : site.server.objects())
            CHECK(name.find("/grants/") == std::string::npos);
    }

    TEST_CASE("an object that was encrypted anew since is refused, not opened with another key") {
        Site site;
        auto job = site.granting(site.target.recipient());
        auto granting = site.worker(job, site.source);
        REQUIRE(grant(granting));
        auto key = archive::database_key(environment, id);
        auto now = site.store(key, "the dump of somebody else");
        auto asked = site.reading();
        auto reading = site.worker(asked, site.target);
        REQUIRE(code_of(use_grant(reading)) == "");
        StringSink dump(1000);
        archive::ZstdReader plain(dump, 1000);
        auto opened = opener(reading, key, plain);
        CHECK(code_of(fetch(reading, now, opened)) == "backup_key_wrong");
        CHECK(dump.text.empty());
    }

    TEST_CASE("with its backup go its grants") {
        Site site;
        auto job = site.granting(site.target.recipient());
        auto granting = site.worker(job, site.source);
        REQUIRE(grant(granting));
        Job removing;
        removing.task = Task::remove;
        removing.environment_id = environment;
        removing.backup_id = id;
        auto remover = site.worker(removing, site.source);
        REQUIRE(remove_backup(remover));
        for (const auto& [name, bytes] : site.server.objects())
            CHECK(name.find(id) == std::string::npos);
    }
}

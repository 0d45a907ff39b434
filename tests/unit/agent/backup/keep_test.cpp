// What leaves a bucket, and what stays: retention as the worker applies it.
#include "agent/archive/layout.hpp"
#include "agent/archive/zstd.hpp"
#include "agent/backup/known.hpp"
#include "common/crypto/hash.hpp"
#include "common/runtime/file.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace fairlead;
using namespace fairlead::backup;

namespace {

using std::chrono::hours;

const std::string environment = "env_01J00000000000000000000000";
const std::string older = "bak_01J00000000000000000000001",
                  newer = "bak_01J00000000000000000000002";
const std::string begun = "bak_01J00000000000000000000003", left = "bak_01J00000000000000000000004";
// Of the older backup alone, of both, of the newer alone; of both, but hardly used by the newer.
const std::string old_pack = "pck_01J00000000000000000000001",
                  shared = "pck_01J00000000000000000000002",
                  new_pack = "pck_01J00000000000000000000003",
                  thin = "pck_01J00000000000000000000004";
// Named by no backup.
const std::string orphan = "pck_01J00000000000000000000005",
                  young = "pck_01J00000000000000000000006";

struct File {
    std::string pack;
    std::uint64_t size;
};

/// A bucket with two backups and what others left, three days after.
struct Site : BucketSite {
    Site() {
        std::filesystem::create_directory(folder.path() / "state");
        job.task = Task::prune;
        job.environment_id = environment;
        job.folder = folder.path() / "state";
        job.retention.last = 1;
        job.time_zone = "UTC";
        for (const auto& name : {old_pack, shared, new_pack, thin, orphan})
            put(archive::pack_key(environment, name), hours(72));
        put(archive::pack_key(environment, young), hours(23));
        store(older, hours(72), {{old_pack, 300}, {shared, 300}, {thin, 300}});
        store(newer, hours(71), {{shared, 300}, {new_pack, 300}, {thin, 99}});
        put(archive::database_key(environment, left), hours(25));
        put(archive::database_key(environment, begun), hours(23));
    }

    std::string put(const std::string& key, hours age, std::string bytes = "sealed") {
        server.set_object(key, bytes, clock.now() - age);
        return key;
    }

    archive::StoredObject object(const std::string& key, hours age, const std::string& bytes) {
        put(key, age, bytes);
        return {key, bytes.size(), crypto::sha256(bytes).hex()};
    }

    void store(const std::string& id, hours age, const std::vector<File>& files) {
        archive::Manifest manifest;
        manifest.product = "Fairlead";
        manifest.id = id;
        manifest.started_at = manifest.finished_at = to_rfc3339(clock.now() - age);
        manifest.environment.id = environment;
        manifest.environment.slug = manifest.environment.name = "shop";
        manifest.environment.odoo_version = "19.0";
        manifest.environment.release = 1;
        manifest.postgresql_version = "15.8";
        manifest.database.object = object(archive::database_key(environment, id), age, "the dump");
        manifest.database.dump_format = "custom";
        manifest.database.logical_bytes = manifest.database.dump_bytes = 8;
        manifest.database.tables = 1;
        manifest.recipients = {identity.recipient().str()};
        StringSink out(1 << 20);
        crypto::AgeWriter sealed(out, {identity.recipient()});
        archive::ZstdWriter packed(sealed);
        archive::FileListWriter list(packed);
        for (const auto& file : files) {
            REQUIRE(list.add({file.pack + "/file", file.size, crypto::sha256("x"), file.pack}));
            auto key = archive::pack_key(environment, file.pack);
            // What a pack holds in all is what was sent in it first.
            manifest.filestore.packs.push_back({{key, 6, crypto::sha256("sealed").hex()}, 1, 300});
            manifest.filestore.bytes += file.size;
        }
        REQUIRE(list.finish());
        manifest.filestore.list = object(archive::files_key(environment, id), age, out.text);
        manifest.filestore.files = files.size();
        put(archive::manifest_key(environment, id), age, archive::write_manifest(manifest));
    }

    Answer run(Result<Answer> (&task)(Worker&)) {
        auto one = worker();
        auto done = task(one);
        REQUIRE_MESSAGE(done, (done ? "" : done.error().message()));
        return *std::move(done);
    }

    bool has_pack(const std::string& name) const {
        return server.objects().contains(archive::pack_key(environment, name));
    }
    bool has_backup(const std::string& id) const {
        return std::ranges::any_of(server.objects(), [&](const auto& one) {
            return one.first.starts_with(archive::backup_prefix(environment, id));
        });
    }
};

} // namespace

TEST_SUITE("agent/backup/keep") {

    TEST_CASE("what retention does not keep goes, with the packs that nothing else uses") {
        Site site;
        auto answer = site.run(prune);
        CHECK(answer.removed == std::vector{older});
        CHECK(!site.has_backup(older));
        CHECK(site.has_backup(newer));
        CHECK(!site.has_pack(old_pack));
        for (const auto& kept : {shared, new_pack, thin}) CHECK_MESSAGE(site.has_pack(kept), kept);
        // Its manifest first: what is removed half-way is no backup.
        auto seen = site.server.seen();
        auto first = std::ranges::find_if(seen, [](const auto& one) {
            return one.method == "DELETE" || one.asks("delete");
        });
        REQUIRE(first != seen.end());
        CHECK(first->path == "/tests/" + archive::manifest_key(environment, older));

        CHECK(site.run(prune).removed.empty());
        CHECK(site.has_pack(thin));
    }

    TEST_CASE("what it began to remove goes at the next time, however young it is") {
        Site site;
        const std::string young_backup = "bak_01J00000000000000000000005",
                          youngest = "bak_01J00000000000000000000006";
        site.store(young_backup, hours(3), {{shared, 300}});
        site.store(youngest, hours(2), {{shared, 300}});
        int deletes = 0;
        site.server.misbehave = [&](const bucket::Seen& seen) -> std::optional<bucket::Fault> {
            if (!seen.asks("delete") || ++deletes < 4) return std::nullopt;
            return bucket::Fault{403, bucket::error_document("AccessDenied"), {}};
        };
        auto worker = site.worker();
        CHECK(!prune(worker));
        REQUIRE(site.has_backup(young_backup));
        site.server.misbehave = nullptr;
        // Of a note that was being written when it was killed.
        auto stray = std::filesystem::path(site.job.folder) / ".going.MUN2gL";
        REQUIRE(write_file(stray, "bak_", 0600));
        CHECK(site.run(prune).stored == std::vector{youngest});
        CHECK(!site.has_backup(young_backup));
        CHECK(!std::filesystem::exists(stray));
        CHECK(site.has_backup(begun));
    }

    TEST_CASE("what is left after it is told, with what an earlier one left out") {
        Site site;
        CHECK(site.run(prune).stored == std::vector{newer});
        // Killed between removing and telling, or gone by other hands.
        REQUIRE(site.bucket->remove(archive::manifest_key(environment, newer)));
        CHECK(site.run(prune).stored.empty());
        // There, although nobody can tell what it is.
        site.put(archive::manifest_key(environment, newer), hours(71), "{");
        CHECK(site.run(prune).stored == std::vector{newer});
    }

    TEST_CASE("retention keeps the newest good one, and a damaged one is none") {
        Site site;
        site.job.bad = {newer};
        CHECK(site.run(prune).removed.empty());
        CHECK(site.has_backup(older));
        site.job.bad = {older, newer};
        CHECK(site.run(prune).removed.empty());
        site.job.bad = {};
        CHECK(site.run(prune).removed == std::vector{older});
    }

    TEST_CASE("what belongs to no backup goes after a day, and not before") {
        Site site;
        site.run(prune);
        CHECK(!site.has_pack(orphan));
        CHECK(site.has_pack(young));
        CHECK(!site.has_backup(left));
        CHECK(site.has_backup(begun));
        site.clock.advance(hours(2));
        site.run(prune);
        CHECK(!site.has_pack(young));
        CHECK(!site.has_backup(begun));
    }

    TEST_CASE("a pack that is hardly used is not relied on, and goes with the last that names it") {
        Site site;
        site.run(prune);
        auto worker = site.worker();
        auto known = Known::load(worker);
        REQUIRE(known);
        CHECK(known->packs().contains(shared));
        CHECK(!known->packs().contains(thin));

        site.job.backup_id = newer;
        CHECK(site.run(remove_backup).removed == std::vector{newer});
        for (const auto& name : {shared, new_pack, thin}) CHECK_MESSAGE(!site.has_pack(name), name);
    }

    TEST_CASE("the newest stays, whatever retention says, and all of them where it says nothing") {
        Site site;
        site.job.retention = {};
        CHECK(site.run(prune).removed.empty());
        CHECK(site.has_pack(old_pack));
        site.job.retention.yearly = 1;
        CHECK(site.run(prune).removed == std::vector{older});
        CHECK(site.has_backup(newer));
    }

    TEST_CASE("a manifest that cannot be read keeps every pack where it is") {
        Site site;
        site.put(archive::manifest_key(environment, older), hours(72), "{");
        CHECK(site.run(prune).removed.empty());
        for (const auto& name : {old_pack, shared, new_pack, thin, orphan})
            CHECK_MESSAGE(site.has_pack(name), name);
        CHECK(site.has_backup(older));
    }

    TEST_CASE("a bucket that fails in the middle of it is cleared away by the next") {
        Site site;
        site.server.misbehave = [](const bucket::Seen& seen) -> std::optional<bucket::Fault> {
            if (!seen.asks("delete")) return std::nullopt;
            return bucket::Fault{403, bucket::error_document("AccessDenied"), {}};
        };
        auto worker = site.worker();
        CHECK(!prune(worker));
        CHECK(site.has_backup(older));
        CHECK(site.has_pack(old_pack));
        site.server.misbehave = nullptr;
        site.run(prune);
        CHECK(!site.has_backup(older));
        CHECK(!site.has_pack(old_pack));
    }
}

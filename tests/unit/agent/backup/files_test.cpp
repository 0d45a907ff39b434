// A filestore's way into the bucket: what is sent, what need not be, and what is told when the
// bucket changes meanwhile.
#include "agent/archive/layout.hpp"
#include "agent/backup/known.hpp"
#include "common/crypto/sha1.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <random>
#include <set>

using namespace fairlead;
using namespace fairlead::backup;
namespace fs = std::filesystem;

namespace {

const std::string environment = "env_01J00000000000000000000000";
constexpr std::size_t large = 9 << 20; // a pack of its own

/// An environment with an empty bucket.
struct Site : BucketSite {
    Site() {
        for (const auto* name : {"state", "work", "frozen"})
            fs::create_directory(folder.path() / name);
        job.environment_id = environment;
        job.backup_id = "bak_01J00000000000000000000001";
        job.source = (folder.path() / "frozen").string();
        std::ofstream(folder.path() / "work/attachments");
    }

    /// As Odoo names it.
    std::string add(const std::string& content) {
        crypto::Sha1 sha1;
        sha1.add(content);
        auto name = archive::print_hash(sha1.finish()).substr(5);
        auto path = name.substr(0, 2) + "/" + name;
        fs::create_directories((folder.path() / "frozen" / path).parent_path());
        std::ofstream(folder.path() / "frozen" / path) << content;
        return path;
    }

    Result<Answer> run(Task task) {
        job.task = task;
        job.folder = folder.path() / (task == Task::files ? "work" : "state");
        auto one = worker();
        return task == Task::files ? send_files(one) : open_storage(one);
    }

    /// What a second freeze does of what the bucket has: into a list, and no link.
    void hold() {
        auto index = archive::Index::load(folder.path() / "state/index");
        REQUIRE(index);
        auto list = folder.path() / "held";
        REQUIRE(index->save(list));
        job.held = {list.string()};
        fs::remove_all(folder.path() / "frozen");
        fs::create_directory(folder.path() / "frozen");
        job.backup_id = "bak_01J00000000000000000000002";
    }

    archive::FilestorePart part() {
        auto text = read_file(folder.path() / "work/files.json", 1 << 20);
        REQUIRE(text);
        return json::decode<archive::FilestorePart>(*text, json::Strictness::exact).value();
    }
    std::size_t packs() {
        std::size_t count = 0;
        for (const auto& [key, bytes] : server.objects())
            if (archive::pack_of_key(environment, key)) ++count;
        return count;
    }
    void lose_packs() {
        server.misbehave = [](const bucket::Seen& seen) -> std::optional<bucket::Fault> {
            if (seen.method != "GET" || !seen.asks("list-type")) return std::nullopt;
            return bucket::Fault{
                200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", {}};
        };
    }
};

} // namespace

TEST_SUITE("agent/backup/files") {

    TEST_CASE("what the bucket has is in the next backup without a link or a look") {
        Site site;
        REQUIRE(site.run(Task::open));
        for (const char* content : {"one", "two", "three"}) site.add(content);
        auto first = site.run(Task::files);
        REQUIRE(first);
        CHECK(first->files == 3);
        CHECK(site.packs() == 1);

        site.hold();
        site.add("four");
        REQUIRE(site.run(Task::open));
        auto second = site.run(Task::files);
        REQUIRE(second);
        CHECK(second->files == 4);
        CHECK(second->bytes == 15);
        CHECK(site.packs() == 2);
        CHECK(site.part().packs.size() == 2);
    }

    TEST_CASE("what was held in a pack that is gone since is told by name, unless it is there") {
        Site site;
        REQUIRE(site.run(Task::open));
        site.add("one");
        REQUIRE(site.run(Task::files));
        site.hold();
        site.lose_packs();
        auto lost = site.run(Task::files);
        REQUIRE(!lost);
        CHECK(lost.error().code() == "storage_changed");
        CHECK(lost.error().message().find("Back up again") != std::string::npos);

        // Linked at the second freeze, which did not know of the pack any more.
        site.add("one");
        auto sent = site.run(Task::files);
        REQUIRE(sent);
        CHECK(sent->files == 1);
        CHECK(site.part().packs.size() == 1);
    }

    TEST_CASE("the index names nothing that the bucket lost, so that the freeze links it") {
        Site site;
        REQUIRE(site.run(Task::open));
        site.add("one");
        REQUIRE(site.run(Task::files));
        site.job.backup_id = "bak_01J00000000000000000000002";
        REQUIRE(site.run(Task::open));
        CHECK(archive::Index::load(site.folder.path() / "state/index")->files.size() == 1);
        site.lose_packs();
        site.job.backup_id = "bak_01J00000000000000000000003";
        REQUIRE(site.run(Task::open));
        CHECK(archive::Index::load(site.folder.path() / "state/index")->files.size() == 0);
        // Root takes in no more of it than it said.
        CHECK(!archive::Index::load(site.folder.path() / "state/index", 10));
    }

    TEST_CASE("what a kill left half written goes when the next one begins") {
        Site site;
        auto state = site.folder.path() / "state";
        for (const char* name : {".packs.json.C8TTAA", "index.new"}) std::ofstream(state / name);
        REQUIRE(site.run(Task::open));
        std::set<std::string> names;
        for (const auto& one : fs::directory_iterator(state)) names.insert(one.path().filename());
        CHECK(names == std::set<std::string>{"begun", "index", "packs.json"});
    }

    TEST_CASE("a pack ends while the next one is filled and sent") {
        Site site;
        REQUIRE(site.run(Task::open));
        std::mt19937_64 draw(1);
        for (int i = 0; i < 3; ++i) {
            std::string noise(large, '\0');
            for (auto& c : noise) c = static_cast<char>(draw());
            site.add(noise);
        }
        // The last part of the first one is answered when the second one is begun.
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<std::string> begun;
        bool together = false;
        site.server.misbehave = [&](const bucket::Seen& seen) -> std::optional<bucket::Fault> {
            std::unique_lock lock(mutex);
            if (seen.method == "POST" && seen.asks("uploads")) begun.push_back(seen.path);
            changed.notify_all();
            if (seen.asks("partNumber") && seen.query.at("partNumber") == "2" &&
                seen.path == begun.front())
                together = changed.wait_for(lock, std::chrono::seconds(60), [&] {
                    return begun.size() > 1;
                });
            return std::nullopt;
        };
        auto sent = site.run(Task::files);
        REQUIRE(sent);
        CHECK(together);
        CHECK(sent->files == 3);
        CHECK(site.packs() == 3);
    }

    TEST_CASE("a pack that does not end fails the backup, and those that did need not go again") {
        Site site;
        REQUIRE(site.run(Task::open));
        for (char fill : {'a', 'b'}) site.add(std::string(large, fill));
        std::size_t packs = 0;
        site.server.misbehave = [&](const bucket::Seen& seen) -> std::optional<bucket::Fault> {
            if (seen.method != "PUT" || seen.path.find("/packs/") == std::string::npos ||
                ++packs < 2)
                return std::nullopt;
            return bucket::Fault{403, bucket::error_document("AccessDenied"), {}};
        };
        auto failed = site.run(Task::files);
        REQUIRE(!failed);
        CHECK(failed.error().code() == "storage_forbidden");
        CHECK(site.packs() == 1);
        CHECK(archive::Index::load(site.folder.path() / "state/index")->files.size() == 1);
        site.server.misbehave = nullptr;
        auto sent = site.run(Task::files);
        REQUIRE(sent);
        CHECK(sent->files == 2);
        CHECK(site.packs() == 2);
    }
}

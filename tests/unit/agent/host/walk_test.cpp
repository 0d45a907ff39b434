#include "agent/host/walk.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace fairlead;
using namespace fairlead::host;
namespace fs = std::filesystem;

namespace {

/// More than a tick of any kernel's clock.
constexpr std::chrono::milliseconds settles_after(50);

struct Tree {
    void write(const std::string& name) const {
        fs::create_directories((folder.path() / name).parent_path());
        std::ofstream(folder.path() / name) << "x";
    }
    /// Paths in the order of the walk. `at` is told of each folder before its files are noted.
    std::vector<std::string> walk(
        const std::function<void(const std::string&)>& at = {}, SeenFolders* seen = nullptr
    ) const {
        Descriptor root(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        std::vector<std::string> paths;
        auto visit = [&](const WalkedFolder& one) -> Result<> {
            if (at) at(one.path);
            paths.push_back(one.path + "/");
            for (const auto& file : one.files) paths.push_back(one.path_of(file));
            return {};
        };
        REQUIRE(each_folder(root.get(), "here", visit, seen));
        return paths;
    }
    /// Until what happens there gets another time.
    static void settle() { std::this_thread::sleep_for(settles_after * 2); }
    store::TemporaryFolder folder;
};

} // namespace

TEST_SUITE("agent/host/walk") {

    TEST_CASE("each folder comes before those in it, all by name") {
        Tree tree;
        for (const char* name : {"b/two", "b/one", "a/c/d/three", "a/four", "five"})
            tree.write(name);
        CHECK(
            tree.walk() ==
            std::vector<std::string>{
                "/", "five", "a/", "a/four", "a/c/", "a/c/d/", "a/c/d/three", "b/", "b/one",
                "b/two"}
        );
    }

    TEST_CASE("neither links nor pipes are followed or told") {
        Tree tree, elsewhere;
        elsewhere.write("secret");
        tree.write("a/one");
        fs::create_directory_symlink(elsewhere.folder.path(), tree.folder.path() / "b");
        fs::create_symlink(elsewhere.folder.path() / "secret", tree.folder.path() / "a/two");
        REQUIRE(::mkfifo((tree.folder.path() / "a/pipe").c_str(), 0600) == 0);
        CHECK(tree.walk() == std::vector<std::string>{"/", "a/", "a/one"});
    }

    TEST_CASE("a folder that becomes a link, or vanishes, meanwhile is passed over") {
        Tree tree, elsewhere;
        elsewhere.write("c/secret");
        for (const char* name : {"a/one", "b/c/two", "d/three", "e/four"}) tree.write(name);
        auto paths = tree.walk([&](const std::string& at) {
            if (at != "a") return;
            fs::rename(tree.folder.path() / "b", tree.folder.path() / "old");
            fs::create_directory_symlink(elsewhere.folder.path(), tree.folder.path() / "b");
            fs::remove_all(tree.folder.path() / "d");
        });
        CHECK(paths == std::vector<std::string>{"/", "a/", "a/one", "e/", "e/four"});
    }

    TEST_CASE("a second walk looks at what was put in or taken out since, and at nothing else") {
        Tree tree;
        for (const char* name : {"a/one", "b/c/two", "d/three"}) tree.write(name);
        tree.settle();
        SeenFolders seen{{}, settles_after};
        CHECK(tree.walk({}, &seen).size() == 8);
        CHECK(tree.walk({}, &seen).empty());

        // What changed within this time may change again with the same time.
        seen.settles_after = std::chrono::hours(1);
        tree.write("b/c/four");
        CHECK(tree.walk({}, &seen) == std::vector<std::string>{"b/c/", "b/c/four", "b/c/two"});
        CHECK(tree.walk({}, &seen) == std::vector<std::string>{"b/c/", "b/c/four", "b/c/two"});
        fs::remove(tree.folder.path() / "d/three");
        tree.write("e/five");
        CHECK(
            tree.walk({}, &seen) ==
            std::vector<std::string>{"/", "b/c/", "b/c/four", "b/c/two", "d/", "e/", "e/five"}
        );
    }

    TEST_CASE("a time that somebody set back hides nothing") {
        Tree tree;
        tree.write("a/one");
        tree.settle();
        SeenFolders seen{{}, settles_after};
        tree.walk({}, &seen);
        auto folder = tree.folder.path() / "a";
        auto then = fs::last_write_time(folder);
        tree.write("a/two");
        fs::last_write_time(folder, then);
        CHECK(tree.walk({}, &seen) == std::vector<std::string>{"a/", "a/one", "a/two"});
    }

    TEST_CASE("a folder of many files is visited in pieces, and each file once") {
        Tree tree;
        for (std::size_t i = 0; i <= files_at_once; ++i) tree.write("f" + std::to_string(i));
        auto paths = tree.walk();
        CHECK(std::ranges::count(paths, "/") == 2);
        CHECK(paths.size() == files_at_once + 3);
        std::ranges::sort(paths);
        CHECK(std::ranges::unique(paths).begin() - paths.begin() == files_at_once + 2);
    }

    TEST_CASE("the first error ends it") {
        Tree tree;
        for (const char* name : {"a/one", "b/two"}) tree.write(name);
        Descriptor root(::open(tree.folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        int seen = 0;
        auto ended = each_folder(root.get(), "here", [&](const WalkedFolder&) -> Result<> {
            if (++seen == 2) return fail(Errc::internal, "enough");
            return {};
        });
        REQUIRE(!ended);
        CHECK(ended.error().message() == "enough");
        CHECK(seen == 2);
    }
}

#include "agent/host/files.hpp"
#include "agent/host/git.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

using namespace fairlead;
using namespace fairlead::host;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() : path(fs::temp_directory_path() / ("files-test-" + std::to_string(::getpid()))) {
        fs::create_directories(path);
    }
    ~Folder() { fs::remove_all(path); }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
    }
    fs::path path;
};

} // namespace

TEST_SUITE("agent/host/files") {

    TEST_CASE("files that nothing names go, and none behind a link") {
        Folder folder;
        for (const char* name : {"ab/ab01", "ab/ab02", "af/af01", "cd/cd01", "checklist/ab/ab02"})
            folder.write(std::string("files/") + name, "x");
        folder.write("elsewhere/ad01", "x");
        fs::create_symlink(folder.path / "elsewhere", folder.path / "files/ad");
        auto files = folder.path / "files";
        CHECK(!remove_files_but(files, 'a', {"ab/ab01"}));
        fs::remove(files / "ad");
        CHECK(remove_files_but(files, 'a', {"ab/ab01"}).value() == 1);
        for (const char* name : {"ab/ab01", "cd/cd01", "checklist/ab/ab02"})
            CHECK(fs::exists(files / name));
        for (const char* name : {"ab/ab02", "af/af01"}) CHECK(!fs::exists(files / name));
        CHECK(fs::exists(folder.path / "elsewhere/ad01"));
        CHECK(remove_files_but(files, '0', {}).value() == 0);
    }

    TEST_CASE("links are added beside those that are there, in folders of the caller's own") {
        Folder folder;
        folder.write("live/ab/one", "1");
        folder.write("live/cd/two", "2");
        auto live = folder.path / "live", frozen = folder.path / "frozen";
        REQUIRE(link_new(live, frozen, ::getegid()));
        fs::remove(live / "ab/one");
        folder.write("live/ab/three", "3");
        fs::create_symlink("/etc/passwd", live / "ab/link");
        REQUIRE(link_new(live, frozen, ::getegid()));
        // What was there at either moment is there, and no link.
        CHECK(fs::exists(frozen / "ab/one"));
        CHECK(fs::exists(frozen / "cd/two"));
        CHECK(fs::exists(frozen / "ab/three"));
        CHECK(!fs::exists(fs::symlink_status(frozen / "ab/link")));
        CHECK(fs::hard_link_count(live / "cd/two") == 2);
    }

    TEST_CASE("of very many folders each file is asked for once, and linked") {
        Folder folder;
        std::map<std::string, int> asked;
        std::uint64_t bytes = 0;
        for (int i = 0; i < 300; ++i)
            for (const char* file : {"one", "two"})
                folder.write("live/" + std::to_string(i) + "/" + file, std::to_string(i));
        auto wanted = [&](const std::string& path, std::uint64_t size) {
            ++asked[path];
            bytes += size;
            return path.ends_with("two");
        };
        auto frozen = folder.path / "frozen";
        SeenFolders seen;
        REQUIRE(link_new(folder.path / "live", frozen, ::getegid(), wanted, &seen));
        CHECK(asked.size() == 600);
        for (const auto& [path, times] : asked) CHECK(times == 1);
        CHECK(bytes == 2 * (10 + 90 * 2 + 200 * 3));
        for (int i = 0; i < 300; ++i) {
            auto in = frozen / std::to_string(i);
            CHECK(fs::exists(in / "two"));
            CHECK(!fs::exists(in / "one"));
        }
        CHECK(seen.all.size() == 301);
        // The last folder fails as the first would.
        fs::remove_all(frozen / "299");
        fs::create_directory_symlink(folder.path / "live", frozen / "299");
        folder.write("live/299/three", "3");
        auto refused = link_new(folder.path / "live", frozen, ::getegid(), {}, &seen);
        REQUIRE(!refused);
        CHECK(refused.error().kind() == Errc::forbidden);
        CHECK(seen.all.empty());
    }

    TEST_CASE("a tree goes with all that is in it, and nothing behind its links") {
        Folder folder;
        for (int i = 0; i < 150; ++i) {
            auto at = "tree/" + std::to_string(i % 10) + "/" + std::to_string(i);
            folder.write(at + "/file", "x");
            fs::create_directories(folder.path / at / "empty");
        }
        folder.write("elsewhere/sub/keep", "x");
        auto tree = folder.path / "tree";
        fs::create_directory_symlink(folder.path / "elsewhere", tree / "3/link");
        fs::create_symlink("nowhere", tree / "4/dangling");
        CHECK(remove_tree(tree));
        CHECK(!fs::exists(fs::symlink_status(tree)));
        CHECK(fs::exists(folder.path / "elsewhere/sub/keep"));
        CHECK(remove_tree(tree));
        // A link in its place goes, and a file.
        fs::create_directory_symlink(folder.path / "elsewhere", tree);
        CHECK(remove_tree(tree));
        CHECK(!fs::exists(fs::symlink_status(tree)));
        CHECK(fs::exists(folder.path / "elsewhere/sub/keep"));
        folder.write("tree", "x");
        CHECK(remove_tree(tree));
        CHECK(!fs::exists(tree));
    }

    TEST_CASE("only what is wanted is linked, and a folder is made for that alone") {
        Folder folder;
        folder.write("live/ab/one", "1");
        folder.write("live/ab/c/d/two", "22");
        folder.write("live/ef/three", "333");
        folder.write("live/four", "4444");
        std::map<std::string, std::uint64_t> asked;
        auto wanted = [&](const std::string& path, std::uint64_t bytes) {
            asked[path] = bytes;
            return path.ends_with("two") || path == "four";
        };
        auto frozen = folder.path / "frozen";
        REQUIRE(link_new(folder.path / "live", frozen, ::getegid(), wanted));
        CHECK(
            asked ==
            std::map<std::string, std::uint64_t>{
                {"ab/one", 1}, {"ab/c/d/two", 2}, {"ef/three", 3}, {"four", 4}}
        );
        CHECK(fs::hard_link_count(folder.path / "live/ab/c/d/two") == 2);
        CHECK(fs::exists(frozen / "four"));
        CHECK(!fs::exists(frozen / "ab/one"));
        CHECK(!fs::exists(frozen / "ef"));
    }

    TEST_CASE("a link where a folder of ours should be leads nowhere") {
        Folder folder;
        folder.write("live/ab/evil.d/conf", "x");
        folder.write("elsewhere/keep", "x");
        auto frozen = folder.path / "frozen";
        fs::create_directories(frozen);
        fs::create_directory_symlink(folder.path / "elsewhere", frozen / "ab");
        auto refused = link_new(folder.path / "live", frozen, ::getegid());
        REQUIRE(!refused);
        CHECK(refused.error().kind() == Errc::forbidden);
        CHECK(!fs::exists(folder.path / "elsewhere/evil.d"));
    }

    TEST_CASE("a manifest shows every change of a tree by its path [S-PRE-06]") {
        Folder folder;
        folder.write("t/a.py", "1");
        folder.write("t/sub/b.py", "2");
        fs::create_symlink("a.py", folder.path / "t/link");
        auto tree = folder.path / "t";
        auto before = *manifest_of(tree);
        CHECK(first_difference(before, *manifest_of(tree)).empty());

        folder.write("t/sub/b.py", "3");
        CHECK(first_difference(before, *manifest_of(tree)) == "sub/b.py (changed)");
        folder.write("t/sub/b.py", "2");
        folder.write("t/sub/a_new.py", "");
        CHECK(first_difference(before, *manifest_of(tree)) == "sub/a_new.py (added)");
        fs::remove(tree / "sub/a_new.py");
        fs::remove(tree / "a.py");
        CHECK(first_difference(before, *manifest_of(tree)) == "a.py (missing)");
        folder.write("t/a.py", "1");
        fs::remove(tree / "link");
        fs::create_symlink("/etc/passwd", tree / "link");
        CHECK(first_difference(before, *manifest_of(tree)) == "link (changed)");
    }

    TEST_CASE("a copy of hard links outlives the removal of the original") {
        Folder folder;
        folder.write("from/aa/1", "x");
        folder.write("from/bb/2", "y");
        REQUIRE(link_tree(folder.path / "from", folder.path / "to"));
        CHECK(fs::hard_link_count(folder.path / "to/aa/1") == 2);
        REQUIRE(remove_tree(folder.path / "from"));
        REQUIRE(remove_tree(folder.path / "from"));
        CHECK(fs::exists(folder.path / "to/bb/2"));
    }

    TEST_CASE("folders are not made through links, and links are replaced in one step") {
        Folder folder;
        fs::create_directory(folder.path / "real");
        fs::create_directory_symlink("real", folder.path / "link");
        CHECK_FALSE(make_folder(folder.path / "link", 0755, ::getuid(), ::getgid()));
        REQUIRE(replace_link(folder.path / "current", "releases/1"));
        REQUIRE(replace_link(folder.path / "current", "releases/2"));
        CHECK(fs::read_symlink(folder.path / "current") == "releases/2");
    }

    TEST_CASE("what is given to root loses set-user-id and write rights, and no link is followed") {
        if (::getuid() != 0) return;
        Folder folder;
        folder.write("outside", "x");
        ::chmod((folder.path / "outside").c_str(), 0666);
        folder.write("t/run", "x");
        ::chmod((folder.path / "t/run").c_str(), 04777);
        fs::create_symlink(folder.path / "outside", folder.path / "t/link");
        REQUIRE(give_to_root(folder.path / "t"));
        struct stat info {};
        ::stat((folder.path / "t/run").c_str(), &info);
        CHECK((info.st_mode & 07777) == 0755);
        ::stat((folder.path / "outside").c_str(), &info);
        CHECK((info.st_mode & 07777) == 0666);
    }

    TEST_CASE("mirrors of two repositories have different names, whatever their addresses end with"
    ) {
        CHECK(Git::key("https://a/odoo.git") != Git::key("https://b/odoo.git"));
        CHECK(Git::key("https://a/odoo.git").starts_with("odoo-"));
        CHECK(Git::key("https://a/x$y").find('$') == std::string::npos);
    }
}

#include "agent/host/copy.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

using namespace fairlead;
using namespace fairlead::host;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() : path(fs::temp_directory_path() / ("copy-test-" + std::to_string(::getpid()))) {
        fs::remove_all(path);
        fs::create_directories(path / "from");
        fs::create_directories(path / "to");
        fs::permissions(path, fs::perms(0755));
    }
    ~Folder() { fs::remove_all(path); }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path / name).rdbuf();
        return text.str();
    }
    OwnedFolder from() const { return {path / "from", ::geteuid(), ::getegid()}; }
    OwnedFolder to() const { return {path / "to", ::geteuid(), ::getegid()}; }
    /// All of `name` to `uid`, as an environment's data are.
    void give(const std::string& name, uid_t uid) const {
        for (const auto& entry : fs::recursive_directory_iterator(path / name))
            REQUIRE(::lchown(entry.path().c_str(), uid, uid) == 0);
        REQUIRE(::chown((path / name).c_str(), uid, uid) == 0);
        REQUIRE(::chmod((path / name).c_str(), 0700) == 0);
    }
    fs::path path;
};

} // namespace

TEST_SUITE("agent/host/copy") {

    TEST_CASE("a tree is copied with its permissions and times, by as many threads as asked") {
        Folder folder;
        for (int i = 0; i < 300; ++i)
            folder.write(
                "from/" + std::to_string(i % 7) + "/" + std::to_string(i), std::string(i * 100, 'x')
            );
        folder.write("from/deep/er/file", "deep");
        fs::permissions(folder.path / "from/3/3", fs::perms(0640));
        timespec times[2] = {{1'000'000'000, 5}, {1'000'000'001, 7}};
        REQUIRE(::utimensat(AT_FDCWD, (folder.path / "from/3/3").c_str(), times, 0) == 0);
        for (unsigned threads : {1u, 3u}) {
            CopyOptions options;
            options.threads = threads;
            CHECK(copy_new(folder.from(), folder.to(), options).value() == 4'485'000 + 4);
            for (int i = 0; i < 300; ++i) {
                auto name = std::to_string(i % 7) + "/" + std::to_string(i);
                CHECK(folder.read("to/" + name) == folder.read("from/" + name));
            }
            CHECK(folder.read("to/deep/er/file") == "deep");
            struct stat info {};
            REQUIRE(::stat((folder.path / "to/3/3").c_str(), &info) == 0);
            CHECK((info.st_mode & 07777) == 0640);
            CHECK(info.st_mtim.tv_sec == 1'000'000'001);
            CHECK(info.st_mtim.tv_nsec == 7);
            CHECK(fs::hard_link_count(folder.path / "to/3/3") == 1);
            fs::remove_all(folder.path / "to");
            fs::create_directory(folder.path / "to");
        }
    }

    TEST_CASE("a second copy brings what is new or was still being written, and nothing else") {
        Folder folder;
        folder.write("from/ab/whole", "whole");
        folder.write("from/ab/half", "ha");
        REQUIRE(copy_new(folder.from(), folder.to()).value() == 7);
        folder.write("from/ab/half", "half of it");
        folder.write("from/cd/new", "new");
        fs::remove(folder.path / "from/ab/whole");
        CHECK(copy_new(folder.from(), folder.to()).value() == 13);
        CHECK(folder.read("to/ab/half") == "half of it");
        CHECK(folder.read("to/cd/new") == "new");
        CHECK(folder.read("to/ab/whole") == "whole"); // thrown away meanwhile
        CHECK(copy_new(folder.from(), folder.to()).value() == 0);
    }

    TEST_CASE("links, pipes and what is to stay out are not copied") {
        Folder folder;
        folder.write("elsewhere/secret", "secret");
        folder.write("from/ab/file", "x");
        folder.write("from/checklist/ab/file", "");
        folder.write("from/checklist.d/file", "y");
        fs::create_symlink(folder.path / "elsewhere/secret", folder.path / "from/ab/link");
        fs::create_directory_symlink(folder.path / "elsewhere", folder.path / "from/folder");
        REQUIRE(::mkfifo((folder.path / "from/ab/pipe").c_str(), 0600) == 0);
        CopyOptions options;
        options.skip = "checklist";
        CHECK(copy_new(folder.from(), folder.to(), options).value() == 2);
        for (const char* name : {"to/ab/link", "to/folder", "to/ab/pipe", "to/checklist"})
            CHECK(!fs::exists(fs::symlink_status(folder.path / name)));
        CHECK(folder.read("to/checklist.d/file") == "y");
    }

    TEST_CASE("nothing is written through a link in the target") {
        Folder folder;
        folder.write("elsewhere/file", "kept");
        folder.write("from/ab/file", "x");
        fs::create_directory_symlink(folder.path / "elsewhere", folder.path / "to/ab");
        CHECK(!copy_new(folder.from(), folder.to()));
        fs::remove(folder.path / "to/ab");
        fs::create_directory(folder.path / "to/ab");
        fs::create_symlink(folder.path / "elsewhere/file", folder.path / "to/ab/file");
        auto refused = copy_new(folder.from(), folder.to());
        REQUIRE(!refused);
        CHECK(refused.error().message().find("to/ab/file") != std::string::npos);
        CHECK(folder.read("elsewhere/file") == "kept");
    }

    TEST_CASE("root copies with the rights of the two users and keeps its own") {
        if (::geteuid() != 0) return;
        constexpr uid_t reader = 64001, writer = 64002;
        Folder folder;
        folder.write("from/ab/own", "own");
        folder.give("from", reader);
        folder.give("to", writer);
        OwnedFolder from{folder.path / "from", reader, reader};
        OwnedFolder to{folder.path / "to", writer, writer};
        REQUIRE(copy_new(from, to).value() == 3);
        struct stat info {};
        REQUIRE(::stat((folder.path / "to/ab/own").c_str(), &info) == 0);
        CHECK(info.st_uid == writer);
        CHECK(info.st_gid == writer);
        REQUIRE(::stat((folder.path / "to/ab").c_str(), &info) == 0);
        CHECK(info.st_uid == writer);

        // As if the environment had got another name for a file that is none of its own.
        folder.write("shadow", "of somebody else");
        fs::permissions(folder.path / "shadow", fs::perms(0600));
        fs::create_hard_link(folder.path / "shadow", folder.path / "from/ab/shadow");
        auto refused = copy_new(from, to);
        REQUIRE(!refused);
        CHECK(refused.error().message().find("from/ab/shadow") != std::string::npos);
        CHECK(!fs::exists(folder.path / "to/ab/shadow"));
        fs::remove(folder.path / "from/ab/shadow");

        // Nor does it write where the target's user may not.
        folder.write("from/cd/other", "x");
        REQUIRE(::chown((folder.path / "from/cd").c_str(), reader, reader) == 0);
        REQUIRE(::chmod((folder.path / "to").c_str(), 0500) == 0);
        CHECK(!copy_new(from, to));
        CHECK(::geteuid() == 0);
        CHECK(folder.read("shadow") == "of somebody else");
    }

    TEST_CASE("a copy that is asked to stop ends, and says so") {
        Folder folder;
        folder.write("from/ab/file", "x");
        std::stop_source source;
        source.request_stop();
        CopyOptions options;
        options.stop = source.get_token();
        auto stopped = copy_new(folder.from(), folder.to(), options);
        REQUIRE(!stopped);
        CHECK(stopped.error().code() == "cancelled");
    }
}

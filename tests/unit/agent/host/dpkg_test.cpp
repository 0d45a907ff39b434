#include "agent/host/dpkg.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/process.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

using namespace fairlead;
using namespace fairlead::host;

TEST_SUITE("agent/host/dpkg") {

    TEST_CASE("versions go by their numbers") {
        CHECK(version_below("0.1.0", "0.2.0").value());
        CHECK(version_below("0.9.0", "0.10.0").value());
        CHECK_FALSE(version_below("0.10.0", "0.9.0").value());
        CHECK_FALSE(version_below("0.1.0", "0.1.0").value());
    }

    TEST_CASE("what is no package, or not installed, is told apart") {
        store::TemporaryFolder folder;
        auto file = folder.path() / "no.deb";
        REQUIRE(write_file(file, "no package", 0600));
        CHECK(package_facts(file).error().kind() == Errc::invalid);
        CHECK(installed_version("fairlead-no-such-package").error().kind() == Errc::not_found);
    }

    TEST_CASE("a package is made of what is installed, with its scripts") {
        if (::geteuid() != 0) return; // its folder is root's
        // Every Debian has it, with scripts.
        const std::string name = "base-passwd";
        auto version = installed_version(name);
        REQUIRE(version);
        store::TemporaryFolder folder;
        auto file = folder.path() / "kept.deb";
        REQUIRE(pack_installed(name, folder.path() / "work", file));
        CHECK_FALSE(std::filesystem::exists(folder.path() / "work"));
        auto facts = package_facts(file);
        REQUIRE(facts);
        CHECK(facts->name == name);
        CHECK(facts->version == *version);
        Command list;
        list.argv = {"dpkg-deb", "--contents", file.string()};
        CHECK(run_ok(list)->find("./usr/share/base-passwd/") != std::string::npos);
        Command control;
        control.argv = {"dpkg-deb", "--info", file.string()};
        auto told = run_ok(control).value();
        CHECK(told.find("postinst") != std::string::npos);
        CHECK(told.find("Status:") == std::string::npos);
        CHECK(told.find("Conffiles:") == std::string::npos);
        REQUIRE(std::filesystem::create_directories(folder.path() / "root" / "usr"));
        REQUIRE(unpack_over(file, folder.path() / "root"));
        CHECK(std::filesystem::exists(folder.path() / "root/usr/share/base-passwd"));
    }
}

#include "common/store/memory_db.hpp"
#include "controller/app/volume.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace fairlead;
using namespace fairlead::app;
namespace fs = std::filesystem;

namespace {

/// A few block devices as /sys shows them.
struct Fixture {
    store::TemporaryFolder folder;
    fs::path devices = folder.path() / "sys/dev/block";

    void write(const fs::path& file, std::string_view text) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    void device(const std::string& number, const std::string& dm = "") {
        fs::create_directories(devices / number / "slaves");
        if (!dm.empty()) write(devices / number / "dm/uuid", dm + "\n");
    }
    void stands_on(const std::string& number, const std::string& below) {
        fs::create_directory_symlink(devices / below, devices / number / "slaves" / below);
    }
    Volume look(unsigned major, unsigned minor) {
        return volume_of_device(folder.path(), major, minor);
    }
};

} // namespace

TEST_SUITE("controller/app/volume") {

    TEST_CASE_FIXTURE(Fixture, "a disk and its partitions are plain") {
        device("8:0");
        write(devices / "8:0/sda1/partition", "1\n");
        fs::create_directory_symlink(devices / "8:0/sda1", devices / "8:1");
        CHECK(look(8, 0) == Volume::plain);
        CHECK(look(8, 1) == Volume::plain);
        CHECK(look(9, 9) == Volume::unknown);
    }

    TEST_CASE_FIXTURE(
        Fixture, "LUKS counts, also below LVM; a mirror of which one half is plain does not"
    ) {
        device("8:0");
        device("8:16");
        device("253:0", "CRYPT-LUKS2-0123-secret");
        stands_on("253:0", "8:0");
        device("253:1", "LVM-abc");
        stands_on("253:1", "253:0");
        CHECK(look(253, 0) == Volume::encrypted);
        CHECK(look(253, 1) == Volume::encrypted);
        device("9:0");
        stands_on("9:0", "253:0");
        stands_on("9:0", "8:16");
        CHECK(look(9, 0) == Volume::plain);
    }

    TEST_CASE_FIXTURE(
        Fixture, "a file system without a device of its own is looked up by its mount"
    ) {
        write(
            folder.path() / "proc/self/mountinfo",
            "22 1 0:21 / / rw - overlay overlay rw\n"
            "23 22 0:33 / /home rw,relatime shared:1 - ecryptfs /home/.secret rw\n"
            "24 22 0:44 / /net rw - nfs4 server:/net rw\n"
        );
        CHECK(look(0, 21) == Volume::unknown);
        CHECK(look(0, 33) == Volume::encrypted);
        CHECK(look(0, 44) == Volume::unknown);
        CHECK(look(0, 55) == Volume::unknown);
    }
}

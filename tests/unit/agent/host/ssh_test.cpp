#include "agent/host/processes.hpp"
#include "agent/host/ssh_sessions.hpp"
#include "agent/host/sshd.hpp"
#include "common/runtime/file.hpp"
#include "common/store/memory_db.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

using namespace fairlead;
using namespace fairlead::host;
namespace fs = std::filesystem;

namespace {

const std::string ours = "/var/lib/fairlead/ssh-keys/%u";

/// An sshd that reads the first line about key files, its drop-ins first as Debian has it.
struct FakeSshd {
    FakeSshd() {
        places.program = "/bin/true"; // something that can be run
        places.settings = folder.path() / "sshd_config";
        places.drop_ins = folder.path() / "sshd_config.d";
        fs::create_directories(places.drop_ins);
        REQUIRE(write_file(places.settings, "#AuthorizedKeysFile .ssh/authorized_keys\n", 0644));
    }

    Sshd sshd() {
        return Sshd(places, [this](const Command& command) { return answer(command); });
    }
    std::string drop_in() const {
        return read_file(places.drop_ins / "00-fairlead.conf", 4096).value_or(std::string());
    }

    Result<Exit> answer(const Command& command) {
        Exit exit;
        if (command.argv.front() == "systemctl") {
            ++reloads;
            exit.status = reload_fails ? 1 : 0;
            return exit;
        }
        std::string files = ".ssh/authorized_keys .ssh/authorized_keys2";
        auto text = includes ? drop_in() : std::string();
        text += "\n" + read_file(places.settings, 4096).value();
        constexpr std::string_view name = "\nAuthorizedKeysFile ";
        if (auto at = text.find(name); at != std::string::npos) {
            at += name.size();
            files = text.substr(at, text.find('\n', at) - at);
        }
        bool for_user = command.argv.back().starts_with("user=");
        if (for_user && !match.empty()) files = match;
        exit.output = "port 22\nport 2222\npubkeyauthentication yes\npermitrootlogin no\n"
                      "authorizedkeysfile " +
                      files + "\n";
        if (broken) {
            exit.status = 255;
            exit.output = "Missing privilege separation directory: /run/sshd\n";
        }
        return exit;
    }

    store::TemporaryFolder folder;
    SshdPlaces places;
    bool includes = true, reload_fails = false, broken = false;
    std::string match; ///< what a Match block says for users
    int reloads = 0;
};

} // namespace

TEST_SUITE("agent/host/ssh") {

    TEST_CASE("sshd says what it goes by") {
        FakeSshd fake;
        auto settings = fake.sshd().settings("deploy");
        REQUIRE(settings);
        CHECK(settings->key_files.size() == 2);
        CHECK(settings->ports == std::vector<std::uint16_t>{22, 2222});
        CHECK(settings->takes_keys);
        CHECK_FALSE(settings->takes_root_keys);
        fake.broken = true;
        auto failed = fake.sshd().settings("");
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code() == "sshd_settings");
        CHECK(failed.error().message().find("/run/sshd") != std::string::npos);
        fake.places.program = "/nonexistent/sshd";
        CHECK(fake.sshd().settings("").error().code() == "no_sshd");
    }

    TEST_CASE("one place is added to those that counted before, once") {
        FakeSshd fake;
        auto changed = fake.sshd().look_at(ours, "deploy");
        REQUIRE(changed);
        CHECK(*changed);
        CHECK(
            fake.drop_in().find(
                "\nAuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 " + ours + "\n"
            ) != std::string::npos
        );
        CHECK(fake.reloads == 1);
        changed = fake.sshd().look_at(ours, "deploy");
        REQUIRE(changed);
        CHECK_FALSE(*changed);
        CHECK(fake.reloads == 1);
        CHECK(fake.sshd().forget());
        CHECK(fake.drop_in().empty());
        CHECK(fake.reloads == 2);
        CHECK(fake.sshd().forget());
        CHECK(fake.reloads == 2);
    }

    TEST_CASE("a line of the owner's own is left to them, with the cure") {
        FakeSshd fake;
        REQUIRE(write_file(fake.places.settings, "\nAuthorizedKeysFile /etc/keys/%u\n", 0644));
        auto refused = fake.sshd().look_at(ours, "deploy");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == "sshd_own_setting");
        CHECK(refused.error().message().find(ours) != std::string::npos);
        CHECK(fake.drop_in().empty());
        CHECK(fake.reloads == 0);
        // They add the place, and nothing has to be written.
        REQUIRE(write_file(
            fake.places.settings, "\nAuthorizedKeysFile /etc/keys/%u " + ours + "\n", 0644
        ));
        auto fine = fake.sshd().look_at(ours, "deploy");
        REQUIRE(fine);
        CHECK_FALSE(*fine);
    }

    TEST_CASE("what has no effect is taken back") {
        FakeSshd fake;
        SUBCASE("no Include") {
            fake.includes = false;
        }
        SUBCASE("a Match block") {
            fake.match = "/srv/git/keys";
        }
        auto refused = fake.sshd().look_at(ours, "deploy");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == "sshd_own_setting");
        CHECK(fake.drop_in().empty());
    }

    TEST_CASE("where sshd cannot be told, nothing is left") {
        FakeSshd fake;
        fake.reload_fails = true;
        CHECK_FALSE(fake.sshd().look_at(ours, "deploy"));
        CHECK(fake.drop_in().empty());
    }

    TEST_CASE("lines of sshd say who got in, and how") {
        auto by_key = parse_accepted(
            "Accepted publickey for deploy from 127.0.0.1 port 40022 ssh2: ED25519 SHA256:abc+/x"
        );
        REQUIRE(by_key);
        CHECK(by_key->user == "deploy");
        CHECK(by_key->fingerprint == "SHA256:abc+/x");
        auto by_word = parse_accepted("Accepted password for deploy from ::1 port 1 ssh2");
        REQUIRE(by_word);
        CHECK(by_word->fingerprint.empty());
        for (auto line :
             {"", "Accepted", "Failed publickey for deploy from ::1 port 1 ssh2: RSA SHA256:x",
              "Accepted publickey for", "Connection closed by 127.0.0.1"})
            CHECK_FALSE(parse_accepted(line));
    }

    TEST_CASE("sessions are told by the titles of sshd's processes") {
        CHECK(session_user("sshd: deploy [priv]") == "deploy");
        CHECK(session_user("sshd-session: deploy [priv]") == "deploy");
        CHECK(session_user("sshd: root@pts/0") == "root");
        for (auto title :
             {"sshd: [accepted]", "sshd", "bash", "", "sshd: ", "vi sshd: deploy [priv]"})
            CHECK(session_user(title) == "");
        CHECK(session_user("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups") != "deploy");
    }

    TEST_CASE("a process is its effective user's, whoever its folder in /proc belongs to") {
        CHECK(owner_of(::getpid()) == ::geteuid());
        CHECK(owner_of(0) == static_cast<uid_t>(-1));
        CHECK(!title_of(::getpid()).empty());
        CHECK(descendants_of(::getppid()).contains(::getpid()));
    }

    TEST_CASE("a process began after its parent, and not later than now") {
        auto began = began_at(::getpid());
        CHECK(began >= began_at(::getppid()));
        CHECK(began <= std::time(nullptr) + 1);
        CHECK(began_at(0) == 0);
    }

    TEST_CASE("a key was used when root's sshd says so of this very user and key") {
        std::vector<std::string> lines;
        bool patterns = true;
        SshSessions sessions([&](const Command& command) -> Result<Exit> {
            Exit exit;
            bool asks = std::ranges::any_of(command.argv, [](const auto& word) {
                return word.starts_with("--grep");
            });
            CHECK(std::ranges::find(command.argv, "_UID=0") != command.argv.end());
            exit.status = asks && (!patterns || lines.empty()) ? 1 : 0;
            if (exit.status == 0)
                for (const auto& line : lines) command.on_line(line);
            return exit;
        });
        auto used = [&] { return sessions.was_used("deploy", "SHA256:new").value(); };
        CHECK_FALSE(used());
        lines = {
            "Accepted publickey for deploy from ::1 port 1 ssh2: ED25519 SHA256:old",
            "Accepted publickey for root from ::1 port 1 ssh2: ED25519 SHA256:new"};
        CHECK_FALSE(used());
        lines.push_back("Accepted publickey for deploy from ::1 port 1 ssh2: ED25519 SHA256:new");
        CHECK(used());
        patterns = false;
        CHECK(used());
    }
}

#include "../journal/support.hpp"
#include "agent/ssh/keys.hpp"
#include "common/runtime/file.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <filesystem>

using namespace fairlead;
using namespace fairlead::ssh;
using journal::JournalFile;
using journal::Redactor;
using journal::Work;
namespace fs = std::filesystem;

namespace {

const std::string first =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs";
const std::string second =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSSCujoEGjgzvZGoq4N3aDlMxUOtnpYT2R5w5yVcFgv";
const std::string second_print = "SHA256:Gw38HMKs5J236KO2sVPOz5xDnN0VzjKVR8mN91c7RbM";

proto::SshKey key(char last, std::string line) {
    return {"sshk_01JD8Q4M3N7V5X2K9B6T0W1YH" + std::string(1, last), std::move(line)};
}

/// A server with an sshd that looks at our place, and a journal of the system that the test writes.
struct Server {
    Server() {
        parts.files = KeyFiles(folder.path() / "keys");
        host::SshdPlaces places;
        places.program = "/bin/true";
        places.settings = folder.path() / "sshd_config";
        places.drop_ins = folder.path() / "drop-ins";
        auto run = [this](const Command& command) { return answer(command); };
        parts.sshd = host::Sshd(places, run);
        parts.sessions = host::SshSessions(run);
        parts.policy = [this] { return policy::Policy::parse(rules, "policy.yaml"); };
        parts.user_id = [](const std::string& name) -> std::optional<uid_t> {
            if (name == "nobody-here") return std::nullopt;
            return name == "toor" ? 0 : 4'000'000;
        };
    }

    Result<Exit> answer(const Command& command) {
        Exit exit;
        if (command.argv.front() == "journalctl") {
            asked_journal = true;
            for (const auto& line : lines) command.on_line(line);
        } else if (command.argv.front() != "systemctl") {
            exit.output = "port 22\npubkeyauthentication yes\nauthorizedkeysfile "
                          ".ssh/authorized_keys " +
                          parts.files.place() + "\n";
        }
        return exit;
    }

    proto::Finished
    set(unsigned fence, std::vector<proto::SshKey> keys, std::string user = "deploy",
        std::string proven = "") {
        proto::SshKeysArgs args;
        args.user = std::move(user);
        args.keys = std::move(keys);
        args.proven = std::move(proven);
        auto operation = journal::operation(fence, fence);
        operation.kind = proto::kind::ssh_keys;
        operation.args = proto::write(args);
        REQUIRE(journal->deliver(operation, "") == journal::Delivered::fresh);
        Keys all(parts);
        auto plan = all.plan(operation);
        REQUIRE(plan);
        Work work(*journal, journal.clock, operation, Redactor());
        journal::Engine engine(*journal, [](auto) {});
        return engine.run(*plan, work);
    }
    std::string file(const std::string& user = "deploy") const {
        return read_file(folder.path() / "keys" / user, 65536).value_or(std::string());
    }
    bool has(const std::string& line) const { return file().find(line) != std::string::npos; }

    store::TemporaryFolder folder;
    JournalFile journal;
    std::string rules = "version: 1\noperations: [{allow: ssh_keys.set}]\n"
                        "ssh_keys: [{deny: banned}, {allow: '*'}]\n";
    std::vector<std::string> lines;
    bool asked_journal = false;
    Keys::Parts parts;
};

bool succeeded(const proto::Finished& finished) {
    return finished.outcome == proto::Outcome::succeeded;
}

} // namespace

TEST_SUITE("agent/ssh/keys") {

    TEST_CASE("a list is put in place, readable by all and writable by nobody else") {
        Server server;
        CHECK(succeeded(server.set(1, {key('A', first), key('B', second)})));
        CHECK(server.has(first + " sshk_01JD8Q4M3N7V5X2K9B6T0W1YHA\n"));
        CHECK(server.has(second));
        struct stat info {};
        REQUIRE(::stat((server.folder.path() / "keys" / "deploy").c_str(), &info) == 0);
        CHECK((info.st_mode & 07777) == 0644);
        auto list = server.parts.files.read("deploy");
        REQUIRE(list);
        CHECK(list->fence == 1);
        CHECK(list->keys.size() == 2);
        CHECK(list->keys[0].public_key == first);
    }

    TEST_CASE("of two lists the later one counts, in whatever order they run") {
        Server server;
        CHECK(succeeded(server.set(5, {key('B', second)})));
        CHECK(succeeded(server.set(4, {key('A', first)})));
        CHECK_FALSE(server.has(first));
        CHECK(server.has(second));
        CHECK(succeeded(server.set(6, {})));
        CHECK_FALSE(server.has(second));
        CHECK(server.parts.files.read("deploy")->fence == 6);
    }

    TEST_CASE("whom the policy does not name gets no keys, and root has to be named") {
        Server server;
        for (auto user : {"banned", "toor"}) {
            auto refused = server.set(user[0] == 'b' ? 1 : 2, {key('A', first)}, user);
            REQUIRE(refused.error);
            CHECK(refused.error->code == "policy_refused");
            CHECK(server.file(user).empty());
        }
        auto nobody = server.set(3, {key('A', first)}, "nobody-here");
        REQUIRE(nobody.error);
        CHECK(nobody.error->code == "no_such_user");
        // That they go is always possible where the policy names them.
        CHECK(succeeded(server.set(4, {}, "nobody-here")));
    }

    TEST_CASE("an old key goes when somebody came by the new one, and not before") {
        Server server;
        CHECK(succeeded(server.set(1, {key('A', first)})));
        CHECK(succeeded(server.set(2, {key('A', first), key('B', second)})));
        auto early = server.set(3, {key('B', second)}, "deploy", second_print);
        REQUIRE(early.error);
        CHECK(early.error->code == "ssh_key_unproven");
        CHECK(server.has(first));
        CHECK(server.has(second));
        server.lines = {
            "Accepted publickey for deploy from ::1 port 1 ssh2: ED25519 " + second_print};
        CHECK(succeeded(server.set(4, {key('B', second)}, "deploy", second_print)));
        CHECK_FALSE(server.has(first));
        CHECK(server.has(second));
    }

    TEST_CASE("a crash after the list is in place still knows which keys went") {
        Server server;
        CHECK(succeeded(server.set(1, {key('A', first)})));
        proto::SshKeysArgs args;
        args.user = "deploy";
        auto operation = journal::operation(2, 2);
        operation.kind = proto::kind::ssh_keys;
        operation.args = proto::write(args);
        REQUIRE(server.journal->deliver(operation, "") == journal::Delivered::fresh);
        Keys all(server.parts);
        auto plan = all.plan(operation);
        REQUIRE(plan);
        auto step = std::ranges::find(plan->steps, "keys", &journal::Step::name);
        REQUIRE(step != plan->steps.end());
        Work work(*server.journal, server.journal.clock, operation, Redactor());
        REQUIRE(step->act(work));
        auto gone = work.recall("gone");
        REQUIRE(gone);
        CHECK(gone->starts_with("SHA256:"));
        REQUIRE(step->act(work)); // again, as after a crash
        CHECK(work.recall("gone") == gone);
    }

    TEST_CASE("the state names what is in place; what the policy stops allowing goes first") {
        Server server;
        CHECK(succeeded(server.set(1, {key('A', first)})));
        auto state = Keys(server.parts).state();
        REQUIRE(state.keys.size() == 1);
        CHECK(state.keys[0].user == "deploy");
        CHECK(state.keys[0].public_key == first);
        CHECK(state.problem.empty());
        server.rules = "version: 1\noperations: [{allow: ssh_keys.set}]\n"
                       "ssh_keys: [{allow: other}]\n";
        CHECK(Keys(server.parts).state().keys.empty());
        CHECK_FALSE(server.has(first));
        // A policy that nobody can read takes nothing away, and hides nothing.
        server.rules =
            "version: 1\noperations: [{allow: ssh_keys.set}]\nssh_keys: [{allow: '*'}]\n";
        CHECK(succeeded(server.set(2, {key('A', first)})));
        server.rules = "nonsense";
        auto unread = Keys(server.parts).state();
        CHECK(unread.keys.size() == 1);
        CHECK(unread.users.empty());
        CHECK(unread.port == 0);
        CHECK_FALSE(unread.problem.empty());
        // The operation itself forbidden: the same.
        server.rules =
            "version: 1\noperations: [{allow: ssh_keys.set}]\nssh_keys: [{allow: '*'}]\n";
        CHECK(succeeded(server.set(3, {key('A', first)})));
        server.rules = "version: 1\noperations: [{allow: agent.ping}]\nssh_keys: [{allow: '*'}]\n";
        CHECK(Keys(server.parts).state().keys.empty());
        CHECK_FALSE(server.has(first));
    }

    TEST_CASE("a server that was revoked keeps none") {
        Server server;
        CHECK(succeeded(server.set(1, {key('A', first)})));
        CHECK(Keys(server.parts).withdraw());
        CHECK_FALSE(fs::exists(server.folder.path() / "keys"));
        CHECK(Keys(server.parts).withdraw());
    }

    TEST_CASE("names that lead elsewhere, and lines that are none of ours, are left alone") {
        Server server;
        KeyFiles files(server.folder.path() / "keys");
        CHECK_FALSE(files.write("../deploy", {}));
        CHECK_FALSE(files.read(".."));
        REQUIRE(files.lock());
        REQUIRE(write_file(
            server.folder.path() / "keys" / "deploy",
            "# operation 7\ncommand=\"id\" " + first + " sshk_x\nnonsense\n" + second + " sshk_y\n",
            0644
        ));
        auto list = files.read("deploy");
        REQUIRE(list);
        CHECK(list->fence == 7);
        REQUIRE(list->keys.size() == 1);
        CHECK(list->keys[0].public_key == second);
        CHECK(files.users().value() == std::vector<std::string>{"deploy"});
    }
}

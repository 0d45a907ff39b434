#include "agent/executor/server.hpp"
#include "common/store/memory_db.hpp"
#include "proto/codec.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>

using namespace fairlead;
using namespace fairlead::executor;

namespace {

std::string op_id(unsigned number) {
    auto digits = std::to_string(number);
    return "op_0" + std::string(25 - digits.size(), '0') + digits;
}

/// A whole executor with plans of its own, on a real socket.
class Rig {
public:
    explicit Rig(
        std::chrono::milliseconds idle = std::chrono::seconds(60),
        std::vector<uid_t> peers = {0, ::getuid()}
    )
        : journal_(folder_.path() / "journal.db", clock_),
          wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          executor_(
              journal_, policy(), [this](const proto::Operation& op) { return plan(op); }, clock_,
              [this] { wake(); }
          ),
          server_(
              *bind_socket(path()), wake_.get(), executor_, journal_, policy(),
              options(idle, std::move(peers))
          ) {
        journal_.on_report([this] { wake(); });
        thread_ = std::thread([this] {
            server_.run(stop_.get());
            ended_ = true;
        });
    }
    ~Rig() {
        gate_ = true;
        gate_.notify_all();
        std::uint64_t one = 1;
        [[maybe_unused]] auto n = ::write(stop_.get(), &one, sizeof one);
        wake();
        thread_.join();
    }

    std::filesystem::path path() const { return folder_.path() / "executor.sock"; }
    bool idle() { return executor_.idle(); }
    /// To be changed before somebody connects.
    Result<policy::Policy> rules{
        policy::Policy::parse("version: 1\noperations: [{allow: '*'}]\n", "policy.yaml")};
    std::atomic<bool> gate_{true}, ended_{false};
    std::string breaks; ///< with these words
    std::atomic<bool> pings_touch_nothing{false};
    std::atomic<int> runs{0}, at_once{0}, most_at_once{0}, revocations{0}, looks_for_due{0};
    std::atomic<Watched> watched{Watched::nothing}; ///< news are so once
    update::Fetcher fetcher{[this] { wake(); }};

private:
    ServerOptions options(std::chrono::milliseconds idle, std::vector<uid_t> peers) {
        ServerOptions result;
        result.idle = idle;
        result.peers = std::move(peers);
        result.revoked = [this] { ++revocations; };
        result.look_for_due = [this] { ++looks_for_due; };
        result.watch = [this] {
            auto now = watched.load();
            if (now == Watched::news) watched = Watched::nothing;
            return now;
        };
        result.fetcher = &fetcher;
        result.inventory = [] {
            proto::EnvironmentState shop;
            shop.slug = "shop";
            shop.state = "running";
            proto::Inventory inventory;
            inventory.environments = {shop};
            return inventory;
        };
        return result;
    }
    PolicySource policy() {
        return [this]() -> Result<policy::Policy> { return rules; };
    }
    void wake() {
        std::uint64_t one = 1;
        [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
    }
    Result<journal::Plan> plan(const proto::Operation& operation) {
        journal::Plan plan;
        journal::Step step;
        step.name = step.title = "work";
        if (pings_touch_nothing && operation.kind == proto::kind::ping) {
            step.act = [](journal::Work& work) -> Result<> {
                work.info("pong");
                return {};
            };
            plan.touches_nothing = true;
            plan.steps.push_back(step);
            return plan;
        }
        step.act = [this](journal::Work& work) -> Result<> {
            ++runs;
            most_at_once = std::max(most_at_once.load(), ++at_once);
            gate_.wait(false);
            --at_once;
            work.info("worked");
            if (!breaks.empty()) return fail(Errc::invalid, breaks);
            return {};
        };
        plan.steps.push_back(step);
        return plan;
    }

    store::TemporaryFolder folder_;
    SystemClock clock_;
    journal::Journal journal_;
    Descriptor wake_;
    Descriptor stop_{::eventfd(0, EFD_CLOEXEC)};
    Executor executor_;
    Server server_;
    std::thread thread_;
};

class Client {
public:
    explicit Client(const std::filesystem::path& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy_n(path.c_str(), path.string().size() + 1, address.sun_path);
        REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    void send(const proto::ToExecutor& message) { raw(frame(proto::encode(message))); }
    void raw(const std::string& bytes) {
        CHECK(
            ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size())
        );
    }

    /// Nothing: the other side closed.
    std::optional<proto::FromExecutor> next() {
        for (;;) {
            auto body = reader_.next();
            REQUIRE(body);
            if (*body) {
                auto message = proto::decode_from_executor(**body);
                REQUIRE(message);
                return *message;
            }
            pollfd ready{fd_.get(), POLLIN, 0};
            REQUIRE(::poll(&ready, 1, 10'000) == 1);
            char block[4096];
            auto got = ::read(fd_.get(), block, sizeof block);
            if (got <= 0) return std::nullopt;
            reader_.add({block, static_cast<std::size_t>(got)});
        }
    }
    template <class T>
    T until() {
        for (;;) {
            auto message = next();
            REQUIRE(message);
            if (auto* wanted = std::get_if<T>(&*message)) return *wanted;
        }
    }
    proto::Finished outcome(const std::string& id) {
        for (;;) {
            for (auto& report : until<proto::Reports>().reports) {
                last = report.seq;
                if (report.operation == id && report.finished) return *report.finished;
            }
        }
    }
    std::uint64_t last = 0;

private:
    Descriptor fd_;
    FrameReader reader_;
};

proto::Deliver deliver(unsigned number, std::string slug = {}) {
    proto::Deliver message;
    message.operation.id = op_id(number);
    message.operation.fence = number;
    message.operation.kind = slug.empty() ? proto::kind::ping : proto::kind::start;
    message.operation.args =
        slug.empty() ? boost::json::value(boost::json::object{})
                     : proto::write(proto::EnvironmentArgs{"env_01JD0000000000000000000000", slug});
    return message;
}

proto::Deliver deliver_update(unsigned number) {
    proto::AgentUpdateArgs args;
    args.version = "0.2.0";
    args.package = "fairlead-agent_0.2.0_amd64.deb";
    args.sums = "sums";
    args.signature = "signature";
    auto message = deliver(number);
    message.operation.kind = proto::kind::agent_update;
    message.operation.args = proto::write(args);
    return message;
}

} // namespace

TEST_SUITE("agent/executor/server") {

    TEST_CASE("an update of the agent is refused beside what runs, and nothing runs beside it") {
        Rig rig;
        rig.gate_ = false;
        Client client(rig.path());
        client.send(deliver(1, "shop"));
        while (rig.runs < 1) std::this_thread::yield();
        client.send(deliver_update(2));
        CHECK(client.outcome(op_id(2)).error->code == "agent_busy");
        auto open = [&] {
            rig.gate_ = true;
            rig.gate_.notify_all();
        };
        open();
        CHECK(client.outcome(op_id(1)).outcome == proto::Outcome::succeeded);
        client.send(proto::Ack{client.last});
        while (!rig.idle()) std::this_thread::yield();

        rig.gate_ = false;
        client.send(deliver_update(4));
        while (rig.runs < 2) std::this_thread::yield();
        // Not taken: it would not outlive the update.
        client.send(deliver(5, "other"));
        client.send(proto::Query{op_id(5)});
        CHECK(client.outcome(op_id(5)).error->code == "journal_unknown");
        auto looked = rig.looks_for_due.load();
        open();
        CHECK(client.outcome(op_id(4)).outcome == proto::Outcome::succeeded);
        CHECK(rig.most_at_once == 1);
        // It is brought again, and what was due meanwhile is looked for.
        client.send(proto::Ack{client.last});
        client.send(deliver(5, "other"));
        CHECK(client.outcome(op_id(5)).outcome == proto::Outcome::succeeded);
        CHECK(rig.looks_for_due == looked + 1);
    }

    TEST_CASE("a package is asked of the link, and of the next one where that goes") {
        Rig rig;
        Result<std::string> fetched = fail(Errc::internal, "");
        std::jthread operation([&](std::stop_token stop) {
            fetched = rig.fetcher.fetch("file", stop, [](std::uint32_t) {});
        });
        {
            Client client(rig.path());
            CHECK(client.until<proto::PackageWanted>().offset == 0);
        }
        Client client(rig.path());
        CHECK(client.until<proto::PackageWanted>().file == "file");
        client.send(proto::PackagePart{"file", 0, 3, "YWI=", ""});
        CHECK(client.until<proto::PackageWanted>().offset == 2);
        client.send(proto::PackagePart{"file", 2, 3, "Yw==", ""});
        operation.join();
        REQUIRE(fetched);
        CHECK(*fetched == "abc");
    }

    TEST_CASE("status comes first, then the environments, then what happens") {
        Rig rig;
        Client client(rig.path());
        auto first = client.next();
        REQUIRE(first);
        auto* status = std::get_if<proto::ExecutorStatus>(&*first);
        REQUIRE(status);
        CHECK(status->journal.starts_with("jrn_"));
        CHECK(status->policy.sha256.size() == 64);
        CHECK(!status->tunnel_keys);
        CHECK(client.until<proto::Inventory>().environments.at(0).slug == "shop");
        client.send(deliver(1));
        CHECK(client.outcome(op_id(1)).outcome == proto::Outcome::succeeded);
    }

    TEST_CASE("that the server is revoked is heard, once for each time that it is said") {
        Rig rig;
        Client client(rig.path());
        client.send(proto::ServerRevoked());
        client.send(deliver(1)); // what was said before it is done when this is
        CHECK(client.outcome(op_id(1)).outcome == proto::Outcome::succeeded);
        CHECK(rig.revocations == 1);
    }

    TEST_CASE("status names the tunnel keys that the policy pins, and none where it cannot be read"
    ) {
        Rig rig;
        const std::string key = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        std::vector<std::string> expected;
        SUBCASE("pinned") {
            rig.rules = policy::Policy::parse(
                "version: 1\noperations: []\ntunnel_keys: [\"" + key + "\"]\n", "policy.yaml"
            );
            REQUIRE(rig.rules);
            expected = {key};
        }
        SUBCASE("unreadable") {
            rig.rules = fail(Errc::forbidden, "Others can write it.");
        }
        Client client(rig.path());
        auto first = client.next();
        REQUIRE(first);
        CHECK(std::get<proto::ExecutorStatus>(*first).tunnel_keys == expected);
    }

    TEST_CASE("reports that were not acknowledged come again on the next connection, acknowledged "
              "ones do not") {
        Rig rig;
        {
            Client client(rig.path());
            client.send(deliver(1));
            client.outcome(op_id(1));
        }
        Client again(rig.path());
        again.outcome(op_id(1));
        again.send(proto::Ack{again.last});
        again.send(deliver(1));
        again.outcome(op_id(1));
        CHECK(rig.runs == 1);
    }

    TEST_CASE("words that are no UTF-8 end an operation, not the executor") {
        Rig rig;
        rig.breaks = "The line \"caf\xe9";
        Client client(rig.path());
        client.send(deliver(1));
        auto outcome = client.outcome(op_id(1));
        REQUIRE(outcome.error);
        CHECK(outcome.error->message == "The line \"caf\ufffd");
        CHECK_FALSE(rig.ended_);
    }

    TEST_CASE("behind an end that is told again come the environments as they are now") {
        Rig rig;
        Client client(rig.path());
        client.send(deliver(1, "shop"));
        client.outcome(op_id(1));
        client.until<proto::Inventory>();
        client.send(proto::Ack{client.last});
        client.send(proto::Query{op_id(1)});
        client.outcome(op_id(1));
        CHECK(client.until<proto::Inventory>().environments.at(0).slug == "shop");
        client.send(proto::Ack{client.last});
        client.send(deliver(1, "shop"));
        client.outcome(op_id(1));
        CHECK(client.until<proto::Inventory>().environments.at(0).slug == "shop");
        CHECK(rig.runs == 1);
    }

    TEST_CASE("four run at once, and never two on one environment") {
        Rig rig;
        rig.gate_ = false;
        Client client(rig.path());
        for (unsigned i = 1; i <= 3; ++i) client.send(deliver(i, "shop"));
        for (unsigned i = 4; i <= 9; ++i) client.send(deliver(i, "other-" + std::to_string(i)));
        client.send(deliver(10));
        while (rig.runs < 4) std::this_thread::yield();
        CHECK(rig.at_once == 4);
        rig.gate_ = true;
        rig.gate_.notify_all();
        std::set<std::string> done;
        while (done.size() < 10)
            for (auto& report : client.until<proto::Reports>().reports)
                if (report.finished) done.insert(report.operation);
        CHECK(rig.runs == 10);
        CHECK(rig.most_at_once <= 4);
    }

    TEST_CASE("what touches nothing is told in one piece, once, also while all places are taken") {
        Rig rig;
        rig.pings_touch_nothing = true;
        rig.gate_ = false;
        Client client(rig.path());
        for (unsigned i = 1; i <= 5; ++i) client.send(deliver(i, "shop-" + std::to_string(i)));
        while (rig.runs < 4) std::this_thread::yield();
        client.send(deliver(6));
        std::vector<proto::Report> told;
        while (told.empty())
            for (auto& report : client.until<proto::Reports>().reports)
                if (report.operation == op_id(6)) told.push_back(report);
        REQUIRE(told.size() == 5); // in one message
        CHECK(told[0].kind == proto::ReportKind::accepted);
        CHECK(told[2].lines.at(0).text == "pong");
        REQUIRE(told[4].finished);
        CHECK(told[4].finished->outcome == proto::Outcome::succeeded);

        client.send(proto::Ack{told[4].seq});
        client.send(deliver(6));
        CHECK(client.outcome(op_id(6)).outcome == proto::Outcome::succeeded);
        CHECK(rig.runs == 4);
    }

    TEST_CASE("a new connection takes the place of the old one") {
        Rig rig;
        Client old(rig.path());
        old.until<proto::ExecutorStatus>();
        Client fresh(rig.path());
        fresh.until<proto::ExecutorStatus>();
        while (old.next()) {
        }
        fresh.send(deliver(1));
        fresh.outcome(op_id(1));
    }

    TEST_CASE("another user is turned away") {
        Rig rig(std::chrono::seconds(60), {::getuid() + 1});
        Client client(rig.path());
        CHECK_FALSE(client.next());
    }

    TEST_CASE("garbage ends the connection and nothing else") {
        Rig rig;
        for (const auto& bytes :
             {std::string("\xff\xff\xff\xff"), frame("not json"),
              frame("{\"type\":\"shell\",\"command\":\"id\"}"), frame("[]"),
              frame("{\"type\":\"deliver\",\"operation\":7}")}) {
            Client client(rig.path());
            client.raw(bytes);
            while (client.next()) {
            }
        }
        Client client(rig.path());
        auto bad = deliver(1);
        bad.operation.id = "../../etc/passwd";
        client.send(bad);
        bad = deliver(2);
        bad.operation.kind = "agent.shell";
        client.send(bad);
        CHECK(client.outcome(op_id(2)).error->code == "policy_refused");
        CHECK(rig.runs == 0);
    }

    TEST_CASE(
        "it stays while something is waited for, and tells the environments anew when it comes"
    ) {
        Rig rig(std::chrono::milliseconds(100));
        rig.watched = Watched::waiting;
        Client client(rig.path());
        client.until<proto::Inventory>();
        client.send(deliver(1));
        CHECK(client.outcome(op_id(1)).outcome == proto::Outcome::succeeded);
        rig.watched = Watched::news;
        auto next = client.next();
        REQUIRE(next);
        CHECK(std::holds_alternative<proto::Inventory>(*next));
        client.until<proto::Idle>();
    }

    TEST_CASE("it says that it is idle, and ends when the link closes") {
        Rig rig(std::chrono::milliseconds(100));
        {
            Client client(rig.path());
            client.until<proto::Idle>();
        }
        while (!rig.ended_) std::this_thread::yield();
    }
}

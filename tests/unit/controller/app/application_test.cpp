#include "common/store/connection.hpp"
#include "common/store/memory_db.hpp"
#include "controller/app/application.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

using namespace fairlead;
using namespace fairlead::app;
using namespace std::chrono_literals;

namespace {

constexpr const char* admin = "ada@example.org";

/// A controller that was set up, with a port of its own and a mail server that takes nothing.
struct Fixture {
    store::TemporaryFolder folder;
    Settings settings;
    Layout layout{folder.path() / "data"};

    Fixture() {
        InitRequest request;
        request.settings.name = "fairlead.example";
        request.settings.listen = "127.0.0.1:0";
        request.settings.data = layout.data;
        request.config = layout.data / "controller.yaml";
        request.admin_email = admin;
        request.org_name = "Acme";
        auto& mail = request.settings.mail.emplace();
        mail.host = "127.0.0.1";
        mail.port = 9;
        mail.from = "fairlead@example.org";
        settings = request.settings;
        REQUIRE(initialize(request, SystemClock()));
    }
    std::unique_ptr<Application> application() {
        return std::make_unique<Application>(
            settings, FolderLock::take(layout).value(),
            crypto::Keystore::load(layout.master_key()).value()
        );
    }
    store::Connection database() { return store::Connection(layout.database()); }
};

std::ptrdiff_t threads() {
    return std::distance(
        std::filesystem::directory_iterator("/proc/self/task"),
        std::filesystem::directory_iterator()
    );
}

/// Until `so`, at most for a minute.
template <class F>
bool soon(F so) {
    for (auto end = std::chrono::steady_clock::now() + 60s; !so();) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

/// The application in a process of its own.
class Serving {
public:
    explicit Serving(Fixture& fixture) : process_(::fork()) {
        REQUIRE(process_ >= 0);
        if (process_ > 0) return;
        auto served = fixture.application()->run();
        ::_exit(served ? 0 : 1);
    }
    Serving(const Serving&) = delete;
    ~Serving() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

private:
    pid_t process_;
};

} // namespace

TEST_SUITE("controller/app/application") {

    TEST_CASE_FIXTURE(Fixture, "a start that fails half-way leaves no threads behind") {
        settings.mail.reset(); // its thread is older than all that it uses
        auto unstarted = application();
        // The couriers and checkers start before certificates are read.
        database().script("DROP TABLE certificate");
        auto before = threads();
        CHECK_THROWS(static_cast<void>(unstarted->run()));
        CHECK(soon([&] { return threads() == before; }));
    }

    TEST_CASE_FIXTURE(
        Fixture, "owners are told of a domain when whoever claimed it is not there any more"
    ) {
        auto now = SystemClock().now();
        auto db = database();
        auto org = db.one<OrgId>("SELECT id FROM org").value().value();
        auto claimed = [&](const std::string& label, const UserId& by) {
            auto id = DomainId::make(now);
            // Its week is over, which is told whatever anybody can look at.
            REQUIRE(db.run(
                "INSERT INTO domains (id, org_id, name, tree, state, token, method, created_ms,"
                " created_by, created_by_email, expires_ms, next_check_ms) VALUES ($1, $2, $3, $4,"
                " 'pending', $3, 'none', 0, $5, '', 1, 1)",
                id, org, label + ".example.org", "org.example." + label + ".", by
            ));
            return "domain/" + id.str();
        };
        auto left = claimed("left", UserId::make(now));
        auto hers = claimed("hers", db.one<UserId>("SELECT id FROM app_user").value().value());
        Serving serving(*this);
        for (const auto& kind : {left, hers}) {
            CAPTURE(kind);
            CHECK(soon([&] {
                return db.one<std::string>(
                           "SELECT recipient FROM outgoing_mail WHERE kind = $1", kind
                       ) == std::optional<std::string>(admin);
            }));
        }
    }
}

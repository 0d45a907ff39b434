// While it serves: the port, the threads beside it, and what is done now and then.
#include "common/async/event.hpp"
#include "common/async/offload.hpp"
#include "common/async/task_group.hpp"
#include "common/runtime/log.hpp"
#include "controller/access/challenges.hpp"
#include "controller/access/connect.hpp"
#include "controller/access/waits.hpp"
#include "controller/app/application.hpp"
#include "controller/app/edge.hpp"
#include "controller/audit/lasting.hpp"
#include "controller/edge/load.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <exception>

namespace fairlead::app {
namespace {

using namespace std::chrono_literals;

constexpr auto drain_time = 10s;

} // namespace

Result<> Application::run() {
    FAIRLEAD_CHECK(audit::end_what_was_left(store_, audit_));
    FAIRLEAD_CHECK(operations_.start());
    FAIRLEAD_CHECK(agents_.start());
    mailing_.start();

    net::ListenerOptions options;
    options.address = endpoint_.address;
    options.port = endpoint_.port;
    options.max_connections = settings_.connections;
    options.max_per_address = settings_.connections_per_address;
    options.public_url = public_url(settings_, endpoint_.port);
    net::ListenerHandlers handlers;
    handlers.agent = [this](net::WebSocket socket) { return hub_.serve(std::move(socket)); };
    handlers.refusal = &web::HttpShell::refuse;
    join_edge(handlers);
    FAIRLEAD_TRY(routed, store_.read(&edge::load_table));
    edge_.use(std::make_shared<const edge::Table>(std::move(routed)));
    listener_ =
        std::make_unique<net::Listener>(io_.get_executor(), tls_, options, std::move(handlers));
    FAIRLEAD_CHECK(listener_->open());

    std::exception_ptr broken;
    {
        // These threads use what is declared after their owners. They end before any of it goes
        // away, whichever way this is left.
        struct Threads {
            Application& app;
            ~Threads() {
                app.checker_->end();
                app.keeper_.stop();
                app.hostname_keeper_.stop();
                app.courier_->stop();
                app.checker_->stop();
            }
        } threads{*this};
        courier_->start();
        checker_->start();
        keeper_.start();
        hostname_keeper_.start();
        auto ended = [&](std::exception_ptr failed) { broken = failed; };
        asio::co_spawn(io_, serve(), ended);
        log::info(
            "serving", {{"url", options.public_url},
                        {"listen", settings_.listen},
                        {"version", FAIRLEAD_VERSION}}
        );
        io_.run();
    }
    if (broken) std::rethrow_exception(broken);
    log::info("stopped");
    return {};
}

Task<> Application::serve() {
    TaskGroup background(io_.get_executor());
    auto certificates = [this] { return refresh_certificates(); };
    auto operations = [this] { return operations_.tick(); };
    auto agents = [this] { return agents_.tick(); };
    auto people = [this]() -> Result<> {
        FAIRLEAD_CHECK(sessions_.tidy(clock_.now()));
        FAIRLEAD_CHECK(idempotency_.tidy(clock_.now()));
        FAIRLEAD_CHECK(registration_.tidy(clock_.now()));
        FAIRLEAD_CHECK(mailing_.outbox().tidy(clock_.now()));
        FAIRLEAD_CHECK(sso_.tidy(clock_.now()));
        return store_.write([this](store::UnitOfWork& unit) -> Result<> {
            FAIRLEAD_CHECK(access::Challenges(unit.db(), keys_).tidy(clock_.now()));
            FAIRLEAD_CHECK(
                access::forget_connect_sessions(unit.db(), clock_.now() - access::Connect::kept)
            );
            return access::Waits(unit.db()).tidy(clock_.now());
        });
    };
    auto retention = [this] { return retention_.tidy(clock_.now()); };
    auto backups = [this]() -> Result<> {
        FAIRLEAD_CHECK(backups_.tidy(clock_.now()));
        return copies_.tidy(clock_.now());
    };
    auto pushes = [this] { return pushes_.tick(); };
    auto updates = [this] { return updates_.tick(); };
    auto tunnel_keys = [this] { return tunnel_keys_.tick(); };
    auto deliveries = [this] { return webhook_queue_.tidy(clock_.now()); };
    auto looks = [this] { return domains_.tidy(clock_.now()); };
    auto visitors = [this] { return connect_.tidy(clock_.now()); };
    auto rates = [this] { return rates_.save(store_, clock_.now()); };
    auto alerts = [this] { return alerts_.tick(); };
    auto measurements = [this] { return recorder_.tidy(clock_.now()); };
    auto checkpoints = [this] { return notary_.sign_news(clock_.now()); };
    background.spawn(hub_.watch());
    background.spawn(edge_.watch(workers_, table_of(store_)));
    background.spawn(every(30s, "refreshing certificates", certificates));
    background.spawn(every(5s, "looking after operations", operations));
    background.spawn(every(5s, "looking after servers", agents));
    background.spawn(every(60s, "looking after sessions", people));
    background.spawn(every(5s, "ending Connect-As sessions", visitors));
    background.spawn(every(5s, "ending tunnel keys", tunnel_keys));
    background.spawn(every(5s, "rolling agents out", updates));
    background.spawn(every(30s, "deploying pushes that waited", pushes));
    background.spawn(every(5s, "saving rates", rates));
    background.spawn(every(30s, "signing the audit log", checkpoints));
    background.spawn(every(60s, "forgetting looks at domains", looks));
    background.spawn(every(15s, "looking at alerts", alerts));
    background.spawn(every(600s, "dropping old measurements", measurements));
    background.spawn(every(600s, "dropping old audit entries", retention));
    background.spawn(every(600s, "dropping what is left of old backups", backups));
    background.spawn(every(600s, "dropping old deliveries of webhooks", deliveries));

    TaskGroup serving(io_.get_executor());
    serving.spawn(listener_->run());
    co_await await_signal();
    log::info("stopping", {{"seconds_at_most", drain_time.count()}});
    listener_->stop(drain_time);
    co_await serving.join();
    co_await terminals_.stop();
    co_await readings_.stop();
    background.cancel();
    co_await background.join();
    if (auto saved = rates_.save(store_, clock_.now()); !saved)
        log::warning("rates could not be saved", {{"reason", saved.error().message()}});
}

Task<> Application::await_signal() {
    asio::signal_set signals(io_, SIGTERM, SIGINT);
    co_await signals.async_wait(asio::use_awaitable);
}

Task<> Application::every(
    std::chrono::milliseconds period, std::string what, std::function<Result<>()> work
) {
    for (;;) {
        auto guarded = [&]() -> Result<> {
            try {
                return work();
            } catch (const std::exception& failed) {
                return fail(Errc::internal, failed.what());
            }
        };
        auto done = co_await offload(workers_, guarded);
        if (!done)
            log::error(
                what + " failed",
                {{"reason", done.error().message()}, {"detail", done.error().detail()}}
            );
        co_await sleep_for(period);
    }
}

Result<> Application::refresh_certificates() {
    FAIRLEAD_CHECK(certificates_.refresh());
    // Agents hear of a new authority when they come: those that are connected are asked to come
    // again.
    FAIRLEAD_TRY(strangers, certificates_.strangers());
    if (strangers.empty()) asked_back_.clear();
    for (const auto& server : strangers)
        if (asked_back_.insert(server).second)
            hub_.cut(
                server, "going_away",
                "The controller has a new certificate authority. Connect again to learn of it."
            );
    return {};
}

} // namespace fairlead::app

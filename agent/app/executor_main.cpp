#include "agent/app/executor_main.hpp"

#include "agent/backup/calendar.hpp"
#include "agent/backup/due.hpp"
#include "agent/backup/plans.hpp"
#include "agent/executor/server.hpp"
#include "agent/host/asked.hpp"
#include "agent/host/files.hpp"
#include "agent/host/users.hpp"
#include "agent/login/logins.hpp"
#include "agent/mail/captures.hpp"
#include "agent/ssh/keys.hpp"
#include "agent/terminal/recording.hpp"
#include "agent/terminal/users.hpp"
#include "agent/update/update.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fairlead::app {
namespace {

executor::Watched look_at(login::Logins& logins) {
    switch (logins.look()) {
    case login::Logins::News::used:
        return executor::Watched::news;
    case login::Logins::News::waiting:
        return executor::Watched::waiting;
    case login::Logins::News::none:
        break;
    }
    return executor::Watched::nothing;
}

Result<int> run(const ExecutorOptions& options) {
    ::umask(0022);
    auto signal_fd = host::stop_signals();
    crypto::start();
    SystemClock clock;
    deploy::Layout layout;
    layout.policy = options.policy;

    auto policy = [file = options.policy] { return policy::Policy::load(file); };
    FAIRLEAD_CHECK(policy());
    FAIRLEAD_CHECK(host::make_folder(options.state, 0700, 0, 0));
    FAIRLEAD_CHECK(host::make_folder(layout.runtime, 0755, 0, 0));
    FAIRLEAD_CHECK(deploy::prepare_site(layout));

    // Two executors would both recover the same operations.
    Descriptor lock(::open((options.state / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(Errc::conflict, "Another executor is running: this one ends.");

    auto listener = options.socket.empty() ? host::activated_socket("fairlead-executor.socket")
                                           : executor::bind_socket(options.socket);
    if (!listener) return fail(listener.error());

    // Also where nobody records any more: new ones make room for themselves.
    terminal::forget_recordings(options.recordings, clock.now());

    Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    auto notify = [fd = wake.get()] {
        std::uint64_t one = 1;
        [[maybe_unused]] auto n = ::write(fd, &one, sizeof one);
    };
    journal::Journal journal(options.state / "journal.db", clock);
    journal.on_report(notify);
    deploy::Site site(layout, clock);
    site.ask([policy](const proto::EnvironmentSpec& environment) -> Result<> {
        FAIRLEAD_TRY(rules, policy());
        return rules.permit_exposure(environment.slug, environment.exposure);
    });
    ssh::Keys::Parts key_parts;
    key_parts.policy = policy;
    ssh::Keys keys(std::move(key_parts));
    auto mails = mail::Places::below(layout.mail());
    login::Logins logins({.layout = layout, .policy = policy, .clock = clock});
    update::Fetcher fetcher(notify);
    update::Layout update_layout;
    update::Updates updates(
        {update_layout, options.version, policy, fetcher, update::real_system(update_layout)}
    );
    executor::Executor executor(
        journal, policy,
        [&](const proto::Operation& operation) {
            if (operation.kind == proto::kind::agent_update) return updates.plan(operation);
            if (operation.kind == proto::kind::ssh_keys) return keys.plan(operation);
            if (mail::is_mail_operation(operation.kind))
                return mail::plan_for(mails, clock, operation);
            if (proto::is_odoo_login(operation.kind)) return logins.plan(operation);
            return backup::plan_for(site, operation);
        },
        clock, notify
    );
    executor::ServerOptions server_options;
    server_options.idle = std::chrono::seconds(options.idle_seconds);
    if (auto user = host::find_user(options.link_user)) server_options.peers.push_back(user->uid);
    server_options.inventory = [&] {
        auto states = deploy::inventory(layout);
        auto rules = policy();
        for (auto& state : states) {
            state.backup = backup::state_of(deploy::Place(layout, state.slug), clock.now());
            if (!rules || !rules->permit_tunnel(state.slug) ||
                !rules->permit_exposure(state.slug, proto::Exposure::tunnel))
                state.tunnel.clear();
        }
        proto::Inventory inventory;
        inventory.environments = std::move(states);
        inventory.ssh = keys.state();
        inventory.used_odoo_links = logins.used();
        return inventory;
    };
    server_options.watch = [&] { return look_at(logins); };
    server_options.revoked = [&] { keys.withdraw(); };
    server_options.fetcher = &fetcher;
    server_options.terminal_users = terminal::allowed_users;
    auto look_for_due = [&] {
        backup::take_due(layout, clock, [&](proto::Operation operation, const proto::Born& born) {
            return executor.begin(std::move(operation), born);
        });
    };
    server_options.look_for_due = look_for_due;
    executor::Server server(
        std::move(*listener), wake.get(), executor, journal, policy, std::move(server_options)
    );

    executor.recover();
    look_for_due();
    server.run(signal_fd.get());
    return 0;
}

} // namespace

int run_executor(const ExecutorOptions& options) {
    auto ended = run(options);
    if (ended) return *ended;
    log::error(ended.error().message());
    return 1;
}

} // namespace fairlead::app

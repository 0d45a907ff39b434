#include "agent/app/logs_main.hpp"

#include "agent/host/asked.hpp"
#include "agent/logs/opening.hpp"
#include "agent/logs/reading.hpp"
#include "agent/policy/policy.hpp"
#include "agent/policy/policy_watch.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"

#include <malloc.h>

#include <utility>

namespace fairlead::app {
namespace {

using namespace std::chrono_literals;

constexpr auto opening_time = 10s;
constexpr auto quiet_time = 20s;  // a search that finds nothing
constexpr auto look_time = 60s;   // a page
constexpr auto file_time = 30min; // a file, for a reader who is slow
constexpr auto follow_time = 12h; // whoever follows comes back by the last cursor

logs::ReadingOptions options_of(const proto::LogPurpose& what) {
    logs::ReadingOptions how;
    how.text = what.text != 0;
    how.back = what.order == "back";
    how.follows = what.order == "follow";
    how.lines = what.lines;
    how.since_us = what.since_us;
    how.until_us = what.until_us;
    how.skip = what.cursor;
    if (how.follows) {
        how.longest = follow_time;
    } else {
        how.bytes = proto::most_log_bytes;
        how.quiet = quiet_time;
        how.longest = how.text ? std::chrono::milliseconds(file_time) : look_time;
    }
    return how;
}

Result<> run(const LogsOptions& options) {
    auto stop = host::stop_signals();
    FAIRLEAD_TRY(peer, host::take_connection(options.link_user, "fairlead-logs.socket"));
    FAIRLEAD_TRY(body, host::read_opening_frame(peer.get(), opening_time));
    auto wanted = logs::read_opening(body);
    if (!wanted) {
        host::answer(peer.get(), proto::StreamEnd::not_offered, wanted.error().message());
        return fail(std::move(wanted).error());
    }
    const auto& what = wanted->what;
    auto refuse = [&](proto::StreamEnd code, const std::string& reason) {
        log::warning(
            "a log was not read",
            {{"reading", what.log}, {"source", what.source}, {"reason", reason}}
        );
        host::answer(peer.get(), code, reason);
    };
    // Before it is read: no change of it is missed.
    policy::PolicyWatch watch(options.policy);
    auto allowed = [file = options.policy, wanted = *wanted]() -> Result<> {
        FAIRLEAD_TRY(policy, policy::Policy::load(file));
        return logs::judge(wanted, policy);
    };
    if (auto let = allowed(); !let) {
        refuse(proto::StreamEnd::forbidden, let.error().message());
        return {};
    }
    auto now_us = to_ms(SystemClock().now()) * 1000;
    FAIRLEAD_TRY(argv, logs::command_of(what, wanted->slug, now_us, options.command));
    auto journal = logs::Journalctl::start(argv);
    if (!journal) {
        refuse(proto::StreamEnd::failed, "The log could not be read; the server's log says why.");
        return fail(std::move(journal).error());
    }
    auto how = options_of(what);
    how.policy_fd = watch.fd();
    how.stop_fd = stop.get();
    how.allowed = [&] {
        if (!watch.changed()) return true;
        auto let = allowed();
        if (!let) log::warning("a log is read no longer", {{"why", let.error().message()}});
        return let.has_value();
    };
    log::info(
        "a log is read", {{"reading", what.log},
                          {"source", what.source},
                          {"environment", wanted->slug},
                          {"order", what.order}}
    );
    if (!host::answer_open(peer.get())) log::warning("nobody waits for the log");
    ::malloc_trim(0); // what the policy took
    logs::Reading reading(std::move(peer), *std::move(journal), std::move(how));
    auto word = reading.run();
    if (word == "failed") return fail(Errc::unavailable, reading.message());
    log::info(
        "a log was read",
        {{"reading", what.log}, {"end", word}, {"entries", reading.sent_entries()}}
    );
    return {};
}

} // namespace

int run_logs(const LogsOptions& options) {
    crypto::start(); // the policy has a hash
    auto ended = run(options);
    if (ended) return 0;
    log::error("the log could not be read", {{"reason", ended.error().message()}});
    return 1;
}

} // namespace fairlead::app

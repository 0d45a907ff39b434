#include "agent/app/recordings_main.hpp"

#include "agent/host/asked.hpp"
#include "agent/host/logins.hpp"
#include "agent/host/sending.hpp"
#include "agent/policy/policy.hpp"
#include "agent/policy/policy_watch.hpp"
#include "agent/terminal/replay.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"
#include "proto/codec.hpp"

#include <optional>
#include <utility>

namespace fairlead::app {
namespace {

using namespace std::chrono_literals;

constexpr auto opening_time = 10s;

Result<> permit(const policy::Policy& policy, const std::string& user) {
    auto login = host::find_login(user);
    return policy.permit_recording(user, user == "root" || (login && login->uid == 0));
}

std::string lines_of(const std::vector<proto::RecordingFacts>& all) {
    std::string text;
    for (const auto& one : all) text += proto::write_text(one) + "\n";
    return text;
}

Result<> run(const RecordingsOptions& options) {
    auto stop = host::stop_signals();
    FAIRLEAD_TRY(peer, host::take_connection(options.link_user, "fairlead-recordings.socket"));
    FAIRLEAD_TRY(body, host::read_opening_frame(peer.get(), opening_time));
    FAIRLEAD_TRY(wanted, proto::read_text<proto::RecordingPurpose>(body));
    FAIRLEAD_CHECK(proto::check(wanted));
    auto refuse = [&](proto::StreamEnd code, const std::string& reason) -> Result<> {
        log::warning(
            "recordings were not shown",
            {{"reading", wanted.log}, {"recording", wanted.recording}, {"reason", reason}}
        );
        host::answer(peer.get(), code, reason);
        return {};
    };
    // Before it is read: no change of it is missed.
    policy::PolicyWatch watch(options.policy);
    auto policy = policy::Policy::load(options.policy);
    if (!policy) return refuse(proto::StreamEnd::forbidden, policy.error().message());
    host::SendOptions how;
    how.policy_fd = watch.fd();
    how.stop_fd = stop.get();
    std::optional<terminal::Kept> kept;
    std::string list;
    if (wanted.recording.empty()) {
        // A server that shows none says so, and what to write.
        if (auto any = policy->permits_any_recording(); !any)
            return refuse(proto::StreamEnd::forbidden, any.error().message());
        list = lines_of(terminal::list_recordings(options.recordings, [&](const auto& one) {
            return permit(*policy, one.user).has_value();
        }));
    } else {
        auto found = terminal::open_recording(options.recordings, wanted.recording);
        if (!found) return refuse(proto::StreamEnd::not_offered, found.error().message());
        if (auto let = permit(*policy, found->facts.user); !let)
            return refuse(proto::StreamEnd::forbidden, let.error().message());
        how.allowed = [&watch, file = options.policy, user = found->facts.user] {
            if (!watch.changed()) return true;
            auto now = policy::Policy::load(file);
            return now && permit(*now, user).has_value();
        };
        kept.emplace(*std::move(found));
    }
    log::info(
        "recordings are shown", {{"reading", wanted.log},
                                 {"recording", wanted.recording},
                                 {"user", kept ? kept->facts.user : ""}}
    );
    if (!host::answer_open(peer.get())) log::warning("nobody waits for the recordings");
    auto end =
        kept ? host::send_whole(peer.get(), "", kept->file.get(), kept->facts.bytes, std::move(how))
             : host::send_whole(peer.get(), list, std::move(how));
    if (end == "failed") return fail(Errc::unavailable, "The recording could not be read whole.");
    log::info("recordings were shown", {{"reading", wanted.log}, {"end", end}});
    return {};
}

} // namespace

int run_recordings(const RecordingsOptions& options) {
    crypto::start(); // the policy has a hash
    auto ended = run(options);
    if (ended) return 0;
    log::error("recordings could not be shown", {{"reason", ended.error().message()}});
    return 1;
}

} // namespace fairlead::app

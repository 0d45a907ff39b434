#include "agent/app/mail_main.hpp"

#include "agent/host/asked.hpp"
#include "agent/host/sending.hpp"
#include "agent/mail/reading.hpp"
#include "agent/mail/sink.hpp"
#include "agent/policy/policy.hpp"
#include "common/crypto/random.hpp"
#include "common/runtime/log.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <optional>
#include <utility>

namespace fairlead::app {
namespace {

using namespace std::chrono_literals;

constexpr auto opening_time = 10s;
constexpr auto look_time = 20s;      // through a box
constexpr auto message_time = 30min; // for a reader who is slow

Result<> take_mail(const MailOptions& options) {
    ::umask(0077);
    auto stop = host::stop_signals();
    FAIRLEAD_TRY(listener, host::activated_socket(mail::sink_unit));
    SystemClock clock;
    mail::Boxes boxes(options.places, clock);
    mail::SinkOptions how;
    how.stop_fd = stop.get();
    return mail::Sink(std::move(listener), boxes, how).run();
}

Result<> read_mail(const MailOptions& options) {
    auto stop = host::stop_signals();
    FAIRLEAD_TRY(peer, host::take_connection(options.link_user, "fairlead-mailbox.socket"));
    FAIRLEAD_TRY(body, host::read_opening_frame(peer.get(), opening_time));
    auto wanted = mail::read_opening(body);
    if (!wanted) {
        host::answer(peer.get(), proto::StreamEnd::not_offered, wanted.error().message());
        return fail(std::move(wanted).error());
    }
    const auto& what = wanted->what;
    auto refuse = [&](proto::StreamEnd code, const std::string& reason) -> Result<> {
        log::warning(
            "captured mail was not read",
            {{"reading", what.reading}, {"environment", wanted->slug}, {"reason", reason}}
        );
        host::answer(peer.get(), code, reason);
        return {};
    };
    auto allowed = [&]() -> Result<> {
        FAIRLEAD_TRY(policy, policy::Policy::load(options.policy));
        return mail::judge(*wanted, policy, options.places);
    }();
    if (!allowed) {
        bool missing = allowed.error().code() == "mail_not_captured";
        return refuse(
            missing ? proto::StreamEnd::not_offered : proto::StreamEnd::forbidden,
            allowed.error().message()
        );
    }
    auto box = mail::Box::open(options.places.box(wanted->slug));
    if (!box) return refuse(proto::StreamEnd::failed, box.error().message());
    std::optional<Descriptor> message;
    if (!what.message.empty()) {
        auto file = box->message(what.message);
        if (!file) return refuse(proto::StreamEnd::no_message, file.error().message());
        message = *std::move(file);
    }
    log::info(
        "captured mail is read",
        {{"reading", what.reading}, {"environment", wanted->slug}, {"message", what.message}}
    );
    if (!host::answer_open(peer.get())) log::warning("nobody waits for captured mail");
    ::malloc_trim(0); // what the policy took
    auto list = message ? std::string() : mail::list_of(*box, what, look_time);
    host::SendOptions how;
    how.longest = message_time;
    how.stop_fd = stop.get();
    auto end = message ? host::send_whole(
                             peer.get(), "", message->get(), host::bytes_left(message->get()),
                             std::move(how)
                         )
                       : host::send_whole(peer.get(), list, std::move(how));
    log::info("captured mail was read", {{"reading", what.reading}, {"end", end}});
    return {};
}

int ended(const Result<>& outcome, std::string_view what) {
    if (outcome) return 0;
    log::error(what, {{"reason", outcome.error().message()}});
    return 1;
}

} // namespace

int run_mail_sink(const MailOptions& options) {
    crypto::start();
    return ended(take_mail(options), "mail could not be captured");
}

int run_mailbox(const MailOptions& options) {
    crypto::start(); // the policy has a hash
    return ended(read_mail(options), "captured mail could not be read");
}

} // namespace fairlead::app

#include "agent/link/status.hpp"

#include "agent/link/identity.hpp"
#include "common/json/json.hpp"
#include "common/runtime/file.hpp"
#include "common/runtime/plain_file.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace fairlead::link {

BOOST_DESCRIBE_STRUCT(ControllerStatus, (), (address, state, code, reason, at_ms))
BOOST_DESCRIBE_STRUCT(
    Status, (),
    (state, controller, code, reason, server_id, version, since_ms, certificate_sha256,
     certificate_not_after_ms, controllers, log_fork, log_fork_ms)
)

namespace {

std::string sentence(const Status& status) {
    auto since = to_rfc3339(from_ms(status.since_ms));
    if (status.state == "online")
        return status.server_id + " is online with " + status.controller + " since " + since + ".";
    if (status.state == "connecting")
        return status.server_id + " is calling " + status.controller + ".";
    return status.server_id + " is not connected since " + since + ": " + status.reason +
           (status.code.empty() ? "" : " (" + status.code + ")");
}

std::string certificate_line(const std::string& sha256, Timestamp not_after, Timestamp now) {
    auto days = std::chrono::duration_cast<std::chrono::hours>(not_after - now).count() / 24;
    auto until = to_rfc3339(not_after);
    return "certificate:  " +
           (not_after < now ? "EXPIRED on " + until
                            : "good until " + until + " (" + std::to_string(days) + " days)") +
           ", SHA-256 " + sha256 + "\n";
}

std::string fork_line(const Status& status) {
    return "audit log:    FORKED, seen " + to_rfc3339(from_ms(status.log_fork_ms)) + ": " +
           status.log_fork +
           ". Ask who runs the controller whether it was restored from an older " +
           "copy; if so: fairlead-agent forget-log\n";
}

std::string controller_line(const ControllerStatus& controller) {
    std::string line = "controller:   " + controller.address + " ";
    if (controller.state.empty()) return line + "not called yet\n";
    line += controller.state + " since " + to_rfc3339(from_ms(controller.at_ms));
    if (!controller.reason.empty()) line += ": " + controller.reason;
    if (!controller.code.empty()) line += " (" + controller.code + ")";
    return line + "\n";
}

} // namespace

std::string
overview(const std::filesystem::path& file, const std::filesystem::path& folder, Timestamp now) {
    std::string text;
    auto status = read_status(file);
    if (status && !status->certificate_sha256.empty()) {
        text += certificate_line(
            status->certificate_sha256, from_ms(status->certificate_not_after_ms), now
        );
        for (const auto& controller : status->controllers) text += controller_line(controller);
        if (!status->log_fork.empty()) text += fork_line(*status);
        return text;
    }
    IdentityFolder ours(folder);
    if (auto validity = ours.validity())
        text += certificate_line(validity->sha256, validity->not_after, now);
    if (auto identity = ours.load())
        for (const auto& address : identity->controllers)
            text += "controller:   " + address + " not called: the link is not running\n";
    return text;
}

Result<> write_status(const std::filesystem::path& file, const Status& status) {
    return write_file(file, json::encode(status), 0644);
}

Result<Status> read_status(const std::filesystem::path& file) {
    auto text = read_plain_file(file, 64 * 1024);
    if (!text && text.error().kind() == Errc::not_found)
        return fail(
            Errc::not_found, "The link is not running. Start it: systemctl start fairlead-link"
        );
    if (!text) return fail(std::move(text).error());
    return json::decode<Status>(*text, json::Strictness::lenient);
}

Result<std::string> wait_online(const std::filesystem::path& file, std::chrono::seconds limit) {
    auto end = std::chrono::steady_clock::now() + limit;
    // The file is replaced at each change; its folder tells so. Where that is not possible, look
    // twice a second.
    Descriptor watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (watch)
        ::inotify_add_watch(watch.get(), file.parent_path().c_str(), IN_MOVED_TO | IN_CREATE);
    for (;;) {
        auto status = read_status(file);
        if (status && status->state == "online") return sentence(*status);
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now()
        );
        if (left.count() <= 0) {
            if (!status) return fail(std::move(status).error());
            return fail(Errc::unavailable, sentence(*status));
        }
        pollfd one{watch.get(), POLLIN, 0};
        ::poll(&one, watch ? 1 : 0, static_cast<int>(std::min<std::int64_t>(left.count(), 500)));
        char events[4096];
        while (watch && ::read(watch.get(), events, sizeof events) > 0) {
        }
    }
}

} // namespace fairlead::link

#include "agent/link/status.hpp"

#include "common/json/json.hpp"
#include "common/runtime/file.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace fairlead::link {

BOOST_DESCRIBE_STRUCT(Status, (), (state, controller, code, reason, server_id, since_ms))

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

} // namespace

Result<> write_status(const std::filesystem::path& file, const Status& status) {
    return write_file(file, json::encode(status), 0644);
}

Result<Status> read_status(const std::filesystem::path& file) {
    auto text = read_file(file, 16 * 1024);
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

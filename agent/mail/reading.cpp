#include "agent/mail/reading.hpp"

#include "agent/policy/shape.hpp"
#include "common/json/json.hpp"
#include "common/runtime/clock.hpp"
#include "proto/codec.hpp"
#include "proto/log.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fairlead::mail {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t piece = 64 * 1024;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool has(std::string_view text, std::string_view wanted) {
    return !std::ranges::search(text, wanted, {}, lower, lower).empty();
}

bool fits(const proto::MailSummary& mail, std::string_view wanted) {
    return wanted.empty() || has(mail.subject, wanted) || has(mail.from, wanted) ||
           has(mail.to, wanted) || has(mail.sender, wanted) ||
           std::ranges::any_of(mail.recipients, [&](const auto& one) { return has(one, wanted); });
}

std::string line_of(const proto::MailSummary& mail) {
    auto line = proto::write(mail);
    auto& members = line.as_object();
    members.erase("at_ms");
    members["at"] = to_rfc3339(from_ms(mail.at_ms));
    return json::serialize(line);
}

/// Sends with a deadline, and watches whether anybody is there.
class Sender {
public:
    Sender(int peer, const SendOptions& options)
        : peer_(peer), options_(options), until_(Steady::now() + options.longest) {}

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            auto took = ::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (took > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(took));
                continue;
            }
            if (took < 0 && errno == EINTR) continue;
            if (took == 0 || errno != EAGAIN || !room()) return false;
        }
        return true;
    }

private:
    bool room() {
        auto left = std::min(
            std::chrono::ceil<std::chrono::milliseconds>(until_ - Steady::now()), options_.stuck
        );
        if (left.count() <= 0) return false;
        pollfd fds[2] = {{peer_, POLLOUT | POLLRDHUP, 0}, {options_.stop_fd, POLLIN, 0}};
        int found = ::poll(fds, 2, static_cast<int>(left.count()));
        if (found < 0 && errno == EINTR) return true;
        return found > 0 && fds[1].revents == 0 &&
               (fds[0].revents & (POLLHUP | POLLERR | POLLRDHUP)) == 0;
    }

    int peer_;
    const SendOptions& options_;
    Steady::time_point until_;
};

} // namespace

Result<proto::MailOpening> read_opening(std::string_view body) {
    FAIRLEAD_TRY(wanted, proto::read_text<proto::MailOpening>(body));
    FAIRLEAD_CHECK(proto::check(wanted.what));
    FAIRLEAD_CHECK(policy::check_slug(wanted.slug)); // it becomes a path
    return wanted;
}

Result<>
judge(const proto::MailOpening& wanted, const policy::Policy& policy, const Places& places) {
    FAIRLEAD_CHECK(policy.permit_mail(wanted.slug));
    FAIRLEAD_TRY(account, load_account(places, wanted.slug));
    if (account.environment == wanted.what.environment) return {};
    // Of an environment that had this name before.
    return fail(Error(
                    Errc::not_found,
                    fmt::format(
                        "The mail of {} is not captured yet: it is from the next deployment on.",
                        wanted.slug
                    )
    )
                    .with_code("mail_not_captured"));
}

std::string
list_of(const Box& box, const proto::MailPurpose& what, std::chrono::milliseconds longest) {
    auto until = Steady::now() + longest;
    std::string text, word = "done", next;
    auto all = box.list();
    std::uint64_t bytes = 0;
    if (all) {
        for (const auto& one : *all) bytes += one.bytes + head_bytes;
        std::uint32_t told = 0;
        for (auto at = all->rbegin(); at != all->rend(); ++at) {
            if (!what.before.empty() && at->id >= what.before) continue;
            if (told >= what.lines || Steady::now() >= until) {
                word = told >= what.lines ? "lines" : "time";
                break;
            }
            next = at->id;
            auto summary = box.summary(at->id);
            if (!summary || !fits(*summary, what.search)) continue;
            summary->bytes = at->bytes;
            text += line_of(*summary) + "\n";
            ++told;
        }
    }
    boost::json::object end{
        {"end", all ? word : "failed"},
        {"messages", all ? all->size() : 0},
        {"bytes", bytes},
        {"next", word == "done" ? std::string() : next}};
    if (!all) end["message"] = all.error().message();
    return text + json::serialize(end) + "\n";
}

bool send_whole(
    int peer, std::string_view text, const Descriptor* file, const SendOptions& options
) {
    Sender sender(peer, options);
    if (!sender.send(std::string_view(&proto::log_opened, 1)) || !sender.send(text)) return false;
    std::string bytes(file ? piece : 0, '\0');
    while (file) {
        auto got = ::read(file->get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) break;
        if (!sender.send(std::string_view(bytes).substr(0, static_cast<std::size_t>(got))))
            return false;
    }
    return sender.send(std::string_view(&proto::log_whole, 1));
}

} // namespace fairlead::mail

#include "agent/terminal/opening.hpp"

#include "proto/codec.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace fairlead::terminal {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t largest_frame = 4096;

Result<> read_exactly(int peer, char* into, std::size_t size, Steady::time_point until) {
    while (size > 0) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
        pollfd ready{peer, POLLIN, 0};
        auto got = left.count() > 0 ? ::poll(&ready, 1, static_cast<int>(left.count())) : 0;
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(Errc::timeout, "The link did not say what to open.");
        auto bytes = ::read(peer, into, size);
        if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (bytes <= 0) return fail(Errc::unavailable, "The link has gone.");
        into += bytes;
        size -= static_cast<std::size_t>(bytes);
    }
    return {};
}

bool send_answer(int peer, const proto::TerminalAnswer& answer) {
    auto body = proto::write_text(answer);
    std::string frame;
    for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(body.size() >> shift & 0xFF);
    frame += body;
    // The first bytes of a connection always have room.
    return ::send(peer, frame.data(), frame.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(frame.size());
}

} // namespace

Result<proto::TerminalPurpose> read_opening(int peer, std::chrono::milliseconds wait) {
    auto until = Steady::now() + wait;
    unsigned char head[4];
    FAIRLEAD_CHECK(read_exactly(peer, reinterpret_cast<char*>(head), sizeof head, until));
    std::size_t size = std::size_t(head[0]) << 24 | std::size_t(head[1]) << 16 |
                       std::size_t(head[2]) << 8 | head[3];
    if (size == 0 || size > largest_frame)
        return fail(Errc::invalid, "The link's first frame is empty, or larger than 4 KiB.");
    std::string body(size, '\0');
    FAIRLEAD_CHECK(read_exactly(peer, body.data(), size, until));
    FAIRLEAD_TRY(wanted, proto::read_text<proto::TerminalPurpose>(body));
    if (!proto::possible({wanted.columns, wanted.rows}))
        return fail(Errc::invalid, "A terminal has from 1 to 1,000 columns and rows.");
    return wanted;
}

bool answer(int peer, proto::StreamEnd code, std::string_view reason) {
    proto::TerminalAnswer answer;
    answer.code = static_cast<std::uint32_t>(code);
    answer.reason = reason;
    return send_answer(peer, answer);
}

bool answer_open(int peer) {
    return send_answer(peer, proto::TerminalAnswer());
}

tl::expected<host::Login, Refusal>
judge(const proto::TerminalPurpose& wanted, const policy::Policy& policy) {
    auto login = host::find_login(wanted.user);
    auto allowed = policy.permit_terminal(wanted.user, login && login->uid == 0);
    if (!allowed)
        return tl::unexpected(Refusal{proto::StreamEnd::forbidden, allowed.error().message()});
    if (!login) return tl::unexpected(Refusal{proto::StreamEnd::no_user, login.error().message()});
    if (wanted.record > 1)
        return tl::unexpected(Refusal{
            proto::StreamEnd::not_offered,
            "This agent does not know that kind of recording: open it without one, or update it."});
    return *std::move(login);
}

} // namespace fairlead::terminal

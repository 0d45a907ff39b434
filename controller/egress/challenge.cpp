#include "controller/egress/challenge.hpp"

#include "controller/egress/waiting.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>

namespace fairlead::egress {
namespace {

using namespace std::chrono_literals;

constexpr auto whole_time = 10s;
constexpr std::size_t most_bytes = 16 * 1024, most_body = 512;

tl::unexpected<Error> bad(std::string text) {
    return fail(Error(Errc::unavailable, std::move(text)).with_code("unreachable"));
}

/// Enough of it came to judge it.
bool whole(std::string_view text) {
    auto end = text.find("\r\n\r\n");
    return end != std::string_view::npos && text.size() - end - 4 >= most_body;
}

} // namespace

Result<ChallengeAnswer> parse_challenge_answer(std::string_view text) {
    constexpr std::string_view version = "HTTP/1.";
    constexpr std::size_t status_at = version.size() + 2;
    auto end = text.find("\r\n\r\n");
    if (!text.starts_with(version) || end == std::string_view::npos || end < status_at + 3)
        return bad("What answers at port 80 does not speak HTTP, or has a head of more than 16 KiB."
        );
    ChallengeAnswer answer;
    auto [rest, failed] =
        std::from_chars(text.data() + status_at, text.data() + status_at + 3, answer.status);
    if (failed != std::errc() || answer.status < 100)
        return bad("What answers at port 80 does not speak HTTP.");
    answer.body = text.substr(end + 4, most_body);
    return answer;
}

Result<ChallengeAnswer>
fetch_challenge(int socket, const std::string& host, const std::string& token, int stop) {
    auto deadline = std::chrono::steady_clock::now() + whole_time;
    auto request = "GET /.well-known/fairlead-challenge/" + token + " HTTP/1.0\r\nhost: " + host +
                   "\r\nuser-agent: Fairlead-Domains/1\r\naccept: text/plain, */*\r\n"
                   "connection: close\r\n\r\n";
    if (!send_all(socket, request, deadline, stop))
        return bad("The connection to " + host + " ended before the request was sent.");
    std::string text;
    while (text.size() < most_bytes && !whole(text)) {
        char piece[2048];
        auto got = ::recv(socket, piece, sizeof piece, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            if (!wait_for(socket, POLLIN, deadline, stop))
                return bad(host + " did not answer within 10 s.");
            continue;
        }
        if (got <= 0) break;
        text.append(piece, static_cast<std::size_t>(got));
    }
    return parse_challenge_answer(text);
}

} // namespace fairlead::egress

#include "controller/outbound/egress_ask.hpp"

#include "controller/egress/waiting.hpp"
#include "controller/outbound/cut.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace fairlead::outbound {
namespace {

constexpr std::size_t longest_answer = 4096;

tl::unexpected<Error> failed(Errc kind, std::string_view code, std::string text) {
    return fail(Error(kind, std::move(text)).with_code(std::string(code)));
}

tl::unexpected<Error> silent() {
    return failed(
        Errc::unavailable, "outbound_unreachable", "No connection came about within the time given."
    );
}

Result<std::string> head_of(int socket, const Deadline& deadline) {
    auto head = egress::read_head(socket, longest_answer, deadline.at, -1);
    if (!head.text.empty()) return std::move(head.text);
    if (head.late) return silent();
    return failed(
        Errc::unavailable, "egress_missing",
        "fairlead-egress closed the connection without an answer: it serves one user alone, which "
        "`controller` in its configuration names. Its log says more."
    );
}

std::string field(std::string_view head, std::string_view name) {
    auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string_view::npos) return "";
    at += name.size() + 4;
    return std::string(head.substr(at, head.find("\r\n", at) - at));
}

Result<Said> talk(int socket, const std::string& text, const Deadline& deadline) {
    // A head fits into a fresh socket's buffer.
    if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<long>(text.size()))
        return silent();
    FAIRLEAD_TRY(head, head_of(socket, deadline));
    Said said;
    constexpr std::string_view version = "HTTP/1.1 ";
    if (!head.starts_with(version)) return silent();
    std::from_chars(head.data() + version.size(), head.data() + head.size(), said.status);
    said.code = field(head, "fairlead-code");
    std::size_t length = 0;
    auto digits = field(head, "content-length");
    std::from_chars(digits.data(), digits.data() + digits.size(), length);
    length = std::min(length, longest_answer);
    while (said.body.size() < length) {
        char piece[512];
        auto got =
            ::recv(socket, piece, std::min(sizeof piece, length - said.body.size()), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            if (!egress::wait_for(socket, POLLIN, deadline.at, -1)) return silent();
            continue;
        }
        if (got <= 0) break;
        said.body.append(piece, static_cast<std::size_t>(got));
    }
    return said;
}

} // namespace

Result<Descriptor> open_egress(const std::string& path) {
    if (path.empty())
        return failed(
            Errc::unavailable, "egress_missing",
            "This controller makes no requests to the outside: name fairlead-egress's socket in "
            "controller.yaml (egress: socket:)."
        );
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return failed(
            Errc::unavailable, "outbound_busy", "Too many files are open. Try again later."
        );
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return socket;
    if (errno == EAGAIN)
        return failed(
            Errc::unavailable, "outbound_busy", "fairlead-egress has too much to do. Try again."
        );
    return failed(
        Errc::unavailable, "egress_missing",
        "fairlead-egress does not answer at " + path + ": " + std::strerror(errno) +
            ". Start it: systemctl enable --now fairlead-egress."
    );
}

Result<Said>
ask_egress(const Descriptor& socket, const std::string& text, const Deadline& deadline) {
    FAIRLEAD_TRY(cut, Cut::on(socket, deadline.stop));
    auto said = talk(socket.get(), text, deadline);
    if (deadline.stop.stop_requested()) return stopped();
    return said;
}

tl::unexpected<Error> refused_by_egress(const Said& said) {
    // A place that it cannot read is one that it does not let anybody reach.
    if (said.code == "address_refused" || said.code == "bad_request")
        return failed(Errc::forbidden, "address_refused", said.body);
    if (said.code == "busy") return failed(Errc::unavailable, "outbound_busy", said.body);
    return failed(Errc::unavailable, "outbound_unreachable", said.body);
}

} // namespace fairlead::outbound

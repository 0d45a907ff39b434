#include "agent/link/local_opening.hpp"

#include "proto/codec.hpp"
#include "proto/opening.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>
#include <unistd.h>

namespace fairlead::link {
namespace {

using Local = asio::local::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t largest_answer = 4096;

tl::unexpected<Error> gone(const LocalService& service) {
    return fail(
        Errc::unavailable, service.name +
                               ": the process ended without an answer. Look at: "
                               "journalctl -u '" +
                               service.unit + "@*'"
    );
}

Task<Result<>> connect(Local::socket& socket, const LocalService& service) {
    Local::endpoint where(service.path);
    auto connected = co_await socket.async_connect(where, as_result);
    auto failed = std::get<0>(connected);
    if (failed)
        co_return fail(
            Errc::unavailable, service.name + " cannot be reached at " + service.path + ": " +
                                   failed.message() + ". Look at: systemctl status " +
                                   service.unit + ".socket"
        );
    // Whoever puts a socket there would hear what is passed on (executor_channel.cpp).
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 ||
        (who.uid != 0 && who.uid != ::geteuid()))
        co_return fail(
            Errc::forbidden, service.path + " is not the agent's: it belongs to the user " +
                                 std::to_string(who.uid) + "."
        );
    co_return Result<>();
}

} // namespace

Task<Result<std::optional<StreamRefusal>>>
open_locally(Local::socket& socket, LocalService service, std::string body) {
    FAIRLEAD_CO_CHECK(co_await connect(socket, service));
    std::string frame;
    for (int shift : {24, 16, 8, 0}) frame += static_cast<char>(body.size() >> shift & 0xFF);
    frame += body;
    auto sent = co_await asio::async_write(socket, asio::buffer(frame), as_result);
    if (std::get<0>(sent)) co_return gone(service);
    unsigned char head[4];
    auto got = co_await asio::async_read(socket, asio::buffer(head), as_result);
    if (std::get<0>(got)) co_return gone(service);
    std::size_t size = std::size_t(head[0]) << 24 | std::size_t(head[1]) << 16 |
                       std::size_t(head[2]) << 8 | head[3];
    if (size == 0 || size > largest_answer)
        co_return fail(
            Errc::unavailable, service.name + ": the process answered what makes no sense."
        );
    std::string text(size, '\0');
    auto room = asio::buffer(text);
    got = co_await asio::async_read(socket, room, as_result);
    if (std::get<0>(got)) co_return gone(service);
    auto answer = proto::read_text<proto::OpeningAnswer>(text);
    if (!answer) co_return fail(Errc::unavailable, answer.error().message());
    std::optional<StreamRefusal> refusal;
    if (answer->code != 0) {
        refusal.emplace();
        refusal->code = static_cast<proto::StreamEnd>(answer->code);
        refusal->reason = answer->reason;
    }
    co_return refusal;
}

} // namespace fairlead::link

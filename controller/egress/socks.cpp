#include "controller/egress/socks.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

namespace fairlead::egress {
namespace {

constexpr char version = 5, without_signing_in = 0, connect_command = 1, reserved = 0;
constexpr char is_v4 = 1, is_name = 3, is_v6 = 4, nothing_fits = '\xff';

tl::unexpected<Error> wrong(std::string text) {
    return fail(Error(Errc::invalid, std::move(text)).with_code("bad_request"));
}

/// The text of an address of `family` in network order.
std::string text_of(int family, const std::string& bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

} // namespace

std::string socks_answer(SocksReply reply) {
    // The address that the egress connects from is nobody's business: 0.0.0.0, port 0.
    std::string text{version, static_cast<char>(reply), reserved, is_v4};
    return text.append(6, '\0');
}

bool begins_as_socks(int peer, Moment deadline, int stop) {
    if (!wait_for(peer, POLLIN, deadline, stop)) return false;
    char first = 0;
    return ::recv(peer, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first == version;
}

Result<Place> hear_socks(int peer, Moment deadline, int stop) {
    auto take = [&](std::size_t size) { return read_exactly(peer, size, deadline, stop); };
    auto say = [&](std::string_view text) { send_all(peer, text, deadline, stop); };
    auto answer = [&](SocksReply reply, std::string text) {
        say(socks_answer(reply));
        return wrong(std::move(text));
    };
    auto short_of = [] { return wrong("A request by SOCKS ended before its end."); };

    auto greeting = take(2);
    if (greeting.empty() || greeting[0] != version) return short_of();
    std::size_t count = static_cast<unsigned char>(greeting[1]);
    auto methods = take(count);
    if (methods.size() != count) return short_of();
    if (methods.find(without_signing_in) == std::string::npos) {
        say(std::string{version, nothing_fits});
        return wrong("Nobody signs in here: a client must offer to do without.");
    }
    say(std::string{version, without_signing_in});

    auto head = take(4);
    if (head.empty() || head[0] != version) return short_of();
    if (head[1] != connect_command)
        return answer(SocksReply::no_such_command, "Connections are made here, nothing else.");
    std::string host;
    if (head[3] == is_name) {
        auto length = take(1);
        if (length.empty()) return short_of();
        host = take(static_cast<unsigned char>(length[0]));
    } else if (head[3] == is_v4 || head[3] == is_v6) {
        bool v4 = head[3] == is_v4;
        auto bytes = take(v4 ? 4 : 16);
        if (!bytes.empty()) host = text_of(v4 ? AF_INET : AF_INET6, bytes);
    } else {
        return answer(SocksReply::no_such_address, "A kind of address that is not known.");
    }
    auto port = take(2);
    if (host.empty() || port.empty()) return short_of();
    auto number = static_cast<unsigned char>(port[0]) * 256 + static_cast<unsigned char>(port[1]);
    bool v6 = host.find(':') != std::string::npos;
    auto place = parse_place((v6 ? "[" + host + "]" : host) + ":" + std::to_string(number));
    if (!place) return answer(SocksReply::refused, place.error().message());
    return place;
}

} // namespace fairlead::egress

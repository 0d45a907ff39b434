#include "controller/egress/server.hpp"

#include "common/runtime/log.hpp"
#include "controller/egress/challenge.hpp"
#include "controller/egress/relay.hpp"
#include "controller/egress/socks.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace fairlead::egress {
namespace {

using namespace std::chrono_literals;

constexpr auto head_time = 5s, connect_time = 10s;
constexpr int backlog = 64;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

bool answers(const sockaddr_un& address) {
    Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
               0 ||
           errno == EAGAIN;
}

/// Two for each connection, and some to spare.
void raise_descriptors(std::size_t connections) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t wanted = 2 * connections + 64;
    if (limit.rlim_cur >= wanted) return;
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void tell(int peer, std::string_view text, int stop) {
    send_all(peer, text, std::chrono::steady_clock::now() + head_time, stop);
}

Result<Descriptor>
connect_any(const std::vector<IpAddress>& addresses, std::uint16_t port, int stop) {
    auto deadline = std::chrono::steady_clock::now() + connect_time;
    for (std::size_t i = 0;; ++i) {
        // An address that swallows packets leaves time for the next.
        auto share = (deadline - std::chrono::steady_clock::now()) / int(addresses.size() - i);
        auto socket =
            connect_to(addresses[i], port, std::chrono::steady_clock::now() + share, stop);
        if (socket || i + 1 == addresses.size()) return socket;
    }
}

} // namespace

Result<std::unique_ptr<Server>>
Server::open(const Settings& settings, unsigned user, Resolve resolve, Texts texts) {
    FAIRLEAD_TRY(allow, Allow::parse(settings.allow));
    Allow mail;
    if (settings.smtp) {
        FAIRLEAD_TRY(server, Allow::parse({*settings.smtp}));
        mail = std::move(server);
    }
    auto failed = [&](const char* what) {
        return fail(
            Errc::internal, settings.socket + ": " + what + ": " + std::strerror(errno) + "."
        );
    };
    auto address = address_of(settings.socket);
    if (answers(address))
        return fail(Errc::conflict, "Another fairlead-egress answers at " + settings.socket + ".");
    ::unlink(settings.socket.c_str());
    Descriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listening) return failed("cannot be made");
    if (::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return failed("cannot be made");
    // Anybody may knock: who it is says the kernel, and only one user is served.
    if (::chmod(settings.socket.c_str(), 0666) != 0) return failed("cannot be opened to others");
    if (::listen(listening.get(), backlog) != 0) return failed("cannot listen");
    raise_descriptors(settings.connections);
    return std::unique_ptr<Server>(new Server(
        settings, user, std::move(allow), std::move(mail), std::move(resolve), std::move(texts),
        std::move(listening)
    ));
}

Server::Server(
    Settings settings, unsigned user, Allow allow, Allow mail, Resolve resolve, Texts texts,
    Descriptor listening
)
    : settings_(std::move(settings)), user_(user), allow_(std::move(allow)), mail_(std::move(mail)),
      resolve_(std::move(resolve)), texts_(std::move(texts)), listening_(std::move(listening)) {}

Server::~Server() {
    for (auto& session : sessions_) session.thread.join();
    ::unlink(settings_.socket.c_str());
}

void Server::run(int stop) {
    auto stopped = [&] { return wait_for(stop, POLLIN, std::chrono::steady_clock::now(), -1); };
    while (!stopped()) {
        wait_for(listening_.get(), POLLIN, std::chrono::steady_clock::now() + 1h, stop);
        Descriptor peer(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)
        );
        reap();
        if (peer)
            take(std::move(peer), stop);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            wait_for(stop, POLLIN, std::chrono::steady_clock::now() + 100ms, -1);
    }
    for (auto& session : sessions_) session.thread.join();
    sessions_.clear();
}

void Server::reap() {
    sessions_.remove_if([](Session& session) {
        if (!session.done) return false;
        session.thread.join();
        return true;
    });
}

void Server::take(Descriptor peer, int stop) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != user_) {
        log::warning("a stranger was turned away", {{"user", who.uid}, {"process", who.pid}});
        return;
    }
    // Neither answer fills a fresh socket's buffer, so they keep nobody waiting.
    auto busy = [&] {
        tell(
            peer.get(), answer_text(503, "busy", "Too many connections are open. Try again."), stop
        );
    };
    if (sessions_.size() >= settings_.connections) {
        log::warning("full", {{"connections", sessions_.size()}});
        return busy();
    }
    auto& session = sessions_.emplace_back();
    try {
        session.thread = std::thread([this, &session, stop, fd = peer.get()] {
            try {
                serve(Descriptor(fd), stop);
            } catch (const std::exception& failed) {
                log::error("a connection failed", {{"reason", failed.what()}});
            }
            session.done = true;
        });
        peer.release();
    } catch (const std::system_error&) {
        sessions_.pop_back();
        busy();
    }
}

Result<> Server::permit(const Result<>& may, const Place& place) const {
    if (may || settings_.mode == Mode::enforce) return may;
    log::warning("would be refused", {{"to", place.text()}, {"reason", may.error().message()}});
    return {};
}

Result<std::vector<IpAddress>> Server::chosen(const Ask& ask) const {
    const auto& place = ask.place;
    const auto& wanted = ask.address;
    bool usual = place.port == https_port || ask.what == Ask::What::challenge;
    auto literal = IpAddress::parse(place.host);
    if (literal && wanted && *wanted != *literal)
        return fail(Error(Errc::forbidden, place.host + " is not " + wanted->text() + ".")
                        .with_code("address_refused"));
    std::optional<IpAddress> given = literal ? std::optional(*literal) : wanted;
    auto permitted = [&](const IpAddress& address) {
        return permit(
            ask.what == Ask::What::challenge ? allow_.permits_challenge(place.host, address)
                                             : allow_.permits(place, address),
            place
        );
    };
    if (given) FAIRLEAD_CHECK(permitted(*given));
    if (literal || (given && given->is_public() && usual)) return std::vector{*given};
    FAIRLEAD_TRY(addresses, resolve_(place.host));
    // One that leads inside spoils them all: the next question may get it as the first.
    for (const auto& address : addresses) FAIRLEAD_CHECK(permitted(address));
    if (!given) return addresses;
    if (std::ranges::find(addresses, *given) == addresses.end())
        return fail(
            Error(Errc::forbidden, place.host + " has not the address " + given->text() + ".")
                .with_code("address_refused")
        );
    return std::vector{*given};
}

std::string Server::look_up(const Ask& ask) const {
    std::string lines;
    if (ask.what == Ask::What::texts) {
        auto texts = texts_(ask.place.host);
        if (!texts) return answer_of(texts.error());
        for (const auto& text : *texts) lines += text + "\n";
    } else {
        auto addresses = resolve_(ask.place.host);
        if (!addresses) return answer_of(addresses.error());
        for (const auto& address : *addresses) lines += address.text() + "\n";
    }
    return answer_text(200, "", lines);
}

void Server::fetch(int peer, int far, const Ask& ask, int stop) const {
    auto answer = fetch_challenge(far, ask.place.host, ask.token, stop);
    log::info(
        "challenge", {{"to", ask.place.text()},
                      {"status", answer ? answer->status : 0},
                      {"reason", answer ? std::string() : answer.error().message()}}
    );
    if (!answer) return tell(peer, answer_of(answer.error()), stop);
    tell(peer, answer_text(200, "", std::to_string(answer->status) + "\n" + answer->body), stop);
}

Result<std::vector<IpAddress>> Server::mail_server(const Place& place) const {
    if (!mail_.names(place)) {
        Result<> refused =
            fail(Error(
                     Errc::forbidden, place.text() +
                                          " is not the mail server that `smtp` names: write "
                                          "smtp: \"" +
                                          place.text() + "\" if it is."
            )
                     .with_code("address_refused"));
        FAIRLEAD_CHECK(permit(refused, place));
    }
    std::vector<IpAddress> addresses;
    if (auto literal = IpAddress::parse(place.host)) {
        addresses.push_back(*literal);
    } else {
        FAIRLEAD_TRY(found, resolve_(place.host));
        addresses = std::move(found);
    }
    for (const auto& address : addresses)
        FAIRLEAD_CHECK(permit(mail_.permits(place, address), place));
    return addresses;
}

void Server::serve_mail(Descriptor peer, Moment began, int stop) const {
    auto place = hear_socks(peer.get(), began + head_time, stop);
    if (!place)
        return log::warning("refused", {{"to", "mail"}, {"reason", place.error().message()}});
    auto addresses = mail_server(*place);
    if (!addresses) {
        const auto& error = addresses.error();
        log::warning("refused", {{"to", place->text()}, {"reason", error.message()}});
        bool forbidden = error.kind() == Errc::forbidden;
        auto reply = forbidden ? SocksReply::refused : SocksReply::unreachable;
        return tell(peer.get(), socks_answer(reply), stop);
    }
    auto far = connect_any(*addresses, place->port, stop);
    if (!far) {
        log::info("not reached", {{"to", place->text()}, {"reason", far.error().message()}});
        return tell(peer.get(), socks_answer(SocksReply::unreachable), stop);
    }
    tell(peer.get(), socks_answer(SocksReply::granted), stop);
    pass(peer, *far, *place, began, stop);
}

void Server::serve(Descriptor peer, int stop) const {
    auto began = std::chrono::steady_clock::now();
    if (begins_as_socks(peer.get(), began + head_time, stop))
        return serve_mail(std::move(peer), began, stop);
    auto head = read_head(peer.get(), longest_head, began + head_time, stop).text;
    if (head.empty())
        return tell(peer.get(), answer_text(400, "bad_request", "No request came."), stop);
    auto ask = parse_ask(head);
    if (!ask) return tell(peer.get(), answer_of(ask.error()), stop);
    if (ask->what == Ask::What::addresses || ask->what == Ask::What::texts)
        return tell(peer.get(), look_up(*ask), stop);
    auto place = ask->place.text();
    auto addresses = chosen(*ask);
    if (!addresses) {
        log::warning("refused", {{"to", place}, {"reason", addresses.error().message()}});
        return tell(peer.get(), answer_of(addresses.error()), stop);
    }
    auto far = connect_any(*addresses, ask->place.port, stop);
    if (!far) {
        log::info("not reached", {{"to", place}, {"reason", far.error().message()}});
        return tell(peer.get(), answer_text(502, "unreachable", far.error().message()), stop);
    }
    if (ask->what == Ask::What::challenge) return fetch(peer.get(), far->get(), *ask, stop);
    tell(peer.get(), connected_text(), stop);
    pass(peer, *far, ask->place, began, stop);
}

void Server::pass(
    const Descriptor& peer, const Descriptor& far, const Place& place, Moment began, int stop
) const {
    RelayLimits limits{
        settings_.idle, began + settings_.life, std::uint64_t(settings_.mebibytes) << 20};
    auto relayed = relay(peer.get(), far.get(), limits, stop);
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - began
    );
    log::info(
        "connection", {{"to", place.text()},
                       {"sent", relayed.sent},
                       {"received", relayed.received},
                       {"ms", took.count()},
                       {"ended", relayed.why}}
    );
}

} // namespace fairlead::egress

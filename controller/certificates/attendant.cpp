#include "controller/certificates/attendant.hpp"

#include "controller/egress/waiting.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace fairlead::certificates {
namespace {

constexpr int backlog = 8;
constexpr auto pause_after_failure = std::chrono::milliseconds(100);

tl::unexpected<Error> broken(const char* what) {
    return fail(
        Errc::internal, "The ACME client cannot be started.",
        std::string(what) + ": " + std::strerror(errno)
    );
}

Result<Descriptor> listening(int family, const sockaddr* at, socklen_t size) {
    Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return broken("socket");
    if (::bind(socket.get(), at, size) != 0) return broken("bind");
    if (::listen(socket.get(), backlog) != 0) return broken("listen");
    return socket;
}

} // namespace

Attendant::Attendant(Descriptor listening, Descriptor stop, Serve serve)
    : listening_(std::move(listening)), stop_(std::move(stop)), serve_(std::move(serve)),
      thread_([this] { run(); }) {}

Result<std::unique_ptr<Attendant>> Attendant::start(Descriptor listening, Serve serve) {
    // Without it the thread could not be told to end.
    Descriptor stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop) return broken("eventfd");
    return std::unique_ptr<Attendant>(
        new Attendant(std::move(listening), std::move(stop), std::move(serve))
    );
}

Attendant::~Attendant() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
}

void Attendant::run() {
    for (;;) {
        // An hour is as good as for ever: a run ends long before.
        auto later = std::chrono::steady_clock::now() + std::chrono::hours(1);
        if (!egress::wait_for(listening_.get(), POLLIN, later, stop_.get())) return;
        Descriptor peer(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)
        );
        if (peer) {
            serve_(std::move(peer), stop_.get());
            continue;
        }
        // Such as with no descriptors left: whoever waits goes on waiting, and would be seen at
        // once.
        auto breath = std::chrono::steady_clock::now() + pause_after_failure;
        if (egress::wait_for(stop_.get(), POLLIN, breath, -1)) return;
    }
}

Result<Descriptor> listen_in(const std::string& folder, const std::string& name) {
    Descriptor place(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place) return broken("open");
    auto path = "/proc/self/fd/" + std::to_string(place.get()) + "/" + name;
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return broken("a socket's name");
    std::memcpy(at.sun_path, path.data(), path.size());
    return listening(AF_UNIX, reinterpret_cast<const sockaddr*>(&at), sizeof at);
}

Result<Descriptor> listen_on_loopback(std::uint16_t& port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    FAIRLEAD_TRY(socket, listening(AF_INET, reinterpret_cast<const sockaddr*>(&at), sizeof at));
    socklen_t size = sizeof at;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
        return broken("getsockname");
    port = ntohs(at.sin_port);
    return std::move(socket);
}

} // namespace fairlead::certificates

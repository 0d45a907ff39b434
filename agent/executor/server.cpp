#include "agent/executor/server.hpp"

#include "common/runtime/log.hpp"
#include "common/runtime/overload.hpp"
#include "proto/codec.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace fairlead::executor {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t out_high = 512 << 10; // no more reports are read from the journal above it
constexpr auto turn = 200ms;                // while something runs: log lines wait no longer
constexpr auto farewell = 2s;               // for the link to answer "idle"

} // namespace

Result<Descriptor> bind_socket(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path)
        return fail(Errc::invalid, fmt::format("{} is too long for a socket.", path.string()));
    std::strcpy(address.sun_path, path.c_str());
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::unlink(path.c_str());
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0660) != 0 || ::listen(fd.get(), 4) != 0)
        return fail(
            Errc::internal,
            fmt::format("Cannot listen on {}: {}.", path.string(), std::strerror(errno))
        );
    return fd;
}

Server::Server(
    Descriptor listener, int wake, Executor& executor, journal::Journal& journal,
    PolicySource policy, ServerOptions options
)
    : listener_(std::move(listener)), wake_(wake), executor_(executor), journal_(journal),
      policy_(std::move(policy)), options_(std::move(options)) {}

void Server::run(int signal_fd) {
    bool ending = false;
    for (;;) {
        std::array<pollfd, 4> fds{
            pollfd{listener_.get(), POLLIN, 0}, pollfd{wake_, POLLIN, 0},
            pollfd{ending ? -1 : signal_fd, POLLIN, 0},
            pollfd{link_.get(), static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT)), 0}};
        auto wait =
            executor_.idle() ? std::min<std::chrono::milliseconds>(options_.idle, 1s) : turn;
        if (idle_told_) wait = 100ms;
        if (::poll(fds.data(), fds.size(), static_cast<int>(wait.count())) < 0 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");

        if (fds[1].revents) {
            std::uint64_t count;
            [[maybe_unused]] auto n = ::read(wake_, &count, sizeof count);
        }
        if (fds[2].revents) {
            signalfd_siginfo told{};
            if (::read(signal_fd, &told, sizeof told) == sizeof told && told.ssi_signo == SIGHUP) {
                if (options_.look_for_due) options_.look_for_due();
                last_active_ = Steady::now();
            } else {
                log::info("told to end; waiting for what runs");
                ending = true;
            }
        }
        if (fds[3].revents) read_link();
        if (fds[0].revents) accept_link();
        executor_.tick();
        if (executor_.take_update_ended() && options_.look_for_due) options_.look_for_due();
        // Behind the reports: what is there now is the last word, also after an old end told again.
        // Asked before: an operation that ends meanwhile has its turn when its reports are out.
        inventory_due_ = executor_.take_inventory_changed() || inventory_due_;
        if (options_.watch) watched_ = options_.watch();
        if (watched_ == Watched::news) inventory_due_ = true;
        if (pump() && link_ && options_.inventory && std::exchange(inventory_due_, false)) {
            send(options_.inventory());
            write_link();
        }
        ask_for_package();
        if (time_to_go(ending)) return;
    }
}

void Server::ask_for_package() {
    if (!link_ || !options_.fetcher) return;
    auto wanted = options_.fetcher->take_wanted();
    if (!wanted) return;
    send(*wanted);
    write_link();
}

bool Server::time_to_go(bool ending) {
    auto now = Steady::now();
    if (!executor_.idle() || watched_ != Watched::nothing) last_active_ = now;
    if (!executor_.idle()) return false;
    if (ending) {
        // Who still has to hear of something starts it again.
        if (link_ && journal_.reports_after(0, 1).empty()) {
            send(proto::Idle{});
            write_link();
        }
        return true;
    }
    if (idle_told_) return !link_ || now - last_active_ > options_.idle + farewell;
    if (!out_.empty() || now - last_active_ < options_.idle) return false;
    if (!link_) return true;
    // A message that crosses this one is still read, and keeps the process alive.
    send(proto::Idle{});
    pump();
    idle_told_ = true;
    return false;
}

void Server::accept_link() {
    Descriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!peer) return;
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 ||
        std::ranges::find(options_.peers, who.uid) == options_.peers.end()) {
        log::warning(
            "a connection was refused: only the user fairlead and root may connect",
            {{"uid", who.uid}, {"pid", who.pid}}
        );
        return;
    }
    // What the old one still had to say was sent before the new one called.
    if (link_) read_link();
    close_link("replaced by a new connection");
    link_ = std::move(peer);
    if (options_.fetcher) options_.fetcher->linked();
    reader_ = {};
    last_active_ = Steady::now();
    idle_told_ = false;
    auto status = journal_.status();
    auto policy = policy_();
    if (policy) {
        status.policy = policy->facts();
        status.tunnel_keys = policy->tunnel_keys();
        if (options_.terminal_users) status.terminal_users = options_.terminal_users(*policy);
    } else {
        status.policy.summary = {"Refuses everything: " + policy.error().message()};
        status.tunnel_keys.emplace(); // none
    }
    sent_ = 0;
    send(status);
    if (options_.inventory) send(options_.inventory());
}

void Server::close_link(std::string_view why) {
    if (!link_) return;
    log::info("link closed", {{"why", why}});
    link_.reset();
    out_.clear();
}

void Server::read_link() {
    std::array<char, 65536> block;
    auto got = ::read(link_.get(), block.data(), block.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close_link("the link went away");
    last_active_ = Steady::now();
    idle_told_ = false;
    reader_.add({block.data(), static_cast<std::size_t>(got)});
    while (link_) {
        auto body = reader_.next();
        if (!body) return close_link(body.error().message());
        if (!*body) return;
        handle(**body);
    }
}

void Server::handle(std::string_view body) {
    auto message = proto::decode_to_executor(body);
    if (!message) return close_link(message.error().message());
    std::visit(
        Overload{
            [&](proto::Deliver& deliver) { executor_.deliver(std::move(deliver.operation)); },
            [&](const proto::Cancel& cancel) { executor_.cancel(cancel.operation.substr(0, 100)); },
            [&](const proto::Query& query) { executor_.query(query.operation.substr(0, 100)); },
            [&](const proto::Ack& ack) { executor_.acknowledge(ack.seq); },
            [&](proto::PackagePart& part) {
                if (options_.fetcher) options_.fetcher->answer(std::move(part));
            },
            [&](const proto::ServerRevoked&) {
                if (options_.revoked) options_.revoked();
            },
        },
        *message
    );
}

void Server::send(const proto::FromExecutor& message) {
    auto text = proto::encode(message);
    if (text.size() > largest_frame)
        return log::error("a message is too large to be sent", {{"bytes", text.size()}});
    out_ += frame(text);
}

bool Server::pump() {
    bool all = false;
    while (link_ && out_.size() < out_high) {
        auto reports = journal_.reports_after(sent_);
        all = reports.empty();
        if (all) break;
        sent_ = reports.back().seq;
        send(proto::Reports{std::move(reports)});
    }
    write_link();
    return all;
}

void Server::write_link() {
    while (link_ && !out_.empty()) {
        auto written = ::send(link_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) return;
        if (written < 0) return close_link(std::strerror(errno));
        out_.erase(0, static_cast<std::size_t>(written));
    }
}

} // namespace fairlead::executor

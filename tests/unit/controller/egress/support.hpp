/// An egress on a thread of its own, with names as a test wants them, and a listener that counts.
#pragma once

#include "controller/egress/server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace fairlead::egress {

inline std::string scratch_folder() {
    std::string text = (std::filesystem::temp_directory_path() / "egress-XXXXXX").string();
    if (!::mkdtemp(text.data())) throw std::runtime_error("no folder");
    return text;
}

/// What names resolve to; each question takes the next of its answers, the last one for ever.
class FakeNames {
public:
    void set(const std::string& host, std::vector<std::vector<std::string>> answers) {
        answers_[host] = std::move(answers);
    }
    Result<std::vector<IpAddress>> operator()(const std::string& host) {
        std::lock_guard guard(mutex_);
        ++questions;
        auto found = answers_.find(host);
        if (found == answers_.end())
            return fail(Error(Errc::unavailable, "No such name.").with_code("unreachable"));
        auto answer = found->second.front();
        if (found->second.size() > 1) found->second.erase(found->second.begin());
        std::vector<IpAddress> addresses;
        for (const auto& text : answer) addresses.push_back(IpAddress::parse(text).value());
        return addresses;
    }
    int questions = 0;

private:
    std::mutex mutex_;
    std::map<std::string, std::vector<std::vector<std::string>>> answers_;
};

class RunningServer {
public:
    RunningServer(Settings settings, FakeNames& names, unsigned user = ::geteuid())
        : folder_(scratch_folder()), stop_(::eventfd(0, EFD_CLOEXEC)) {
        settings.socket = folder_ + "/egress.sock";
        path = settings.socket;
        auto resolve = [&names](const std::string& host) { return names(host); };
        auto texts = [](const std::string& host) -> Result<std::vector<std::string>> {
            if (host.starts_with("silent."))
                return fail(Error(Errc::unavailable, "No answer.").with_code("resolver_failed"));
            return std::vector<std::string>{"fairlead-domain=of-" + host};
        };
        auto opened = Server::open(settings, user, resolve, texts);
        if (!opened) throw std::runtime_error(opened.error().message());
        server_ = std::move(*opened);
        thread_ = std::thread([this] { server_->run(stop_.get()); });
    }
    ~RunningServer() {
        std::uint64_t one = 1;
        if (::write(stop_.get(), &one, sizeof one) != static_cast<long>(sizeof one)) std::abort();
        thread_.join();
        server_.reset();
        std::filesystem::remove_all(folder_);
    }

    Descriptor connect() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0)
            throw std::runtime_error("the egress does not listen");
        return socket;
    }
    /// All that comes until the other side ends.
    static std::string read_all(const Descriptor& socket) {
        std::string text;
        char piece[4096];
        for (long got; (got = ::recv(socket.get(), piece, sizeof piece, 0)) > 0;)
            text.append(piece, static_cast<std::size_t>(got));
        return text;
    }
    std::string ask(const std::string& head) const {
        auto socket = connect();
        ::send(socket.get(), head.data(), head.size(), MSG_NOSIGNAL);
        ::shutdown(socket.get(), SHUT_WR);
        return read_all(socket);
    }

    std::string path;

private:
    std::string folder_;
    Descriptor stop_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

/// On 127.0.0.1; says "hello" to whoever comes, and then what it gets.
class Echo {
public:
    Echo() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* plain = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listening_.get(), plain, size) != 0 || ::listen(listening_.get(), 64) != 0 ||
            ::getsockname(listening_.get(), plain, &size) != 0)
            throw std::runtime_error("no listener");
        port = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~Echo() {
        ::shutdown(listening_.get(), SHUT_RDWR);
        thread_.join();
    }
    std::uint16_t port = 0;
    std::atomic<int> connections = 0;

private:
    void run() {
        for (;;) {
            Descriptor peer(::accept(listening_.get(), nullptr, nullptr));
            if (!peer) return;
            ++connections;
            ::send(peer.get(), "hello ", 6, MSG_NOSIGNAL);
            char piece[4096];
            for (long got; (got = ::recv(peer.get(), piece, sizeof piece, 0)) > 0;)
                ::send(peer.get(), piece, static_cast<std::size_t>(got), MSG_NOSIGNAL);
        }
    }
    Descriptor listening_;
    std::thread thread_;
};

} // namespace fairlead::egress

/// A mail server of a few lines on a loopback port: takes one client after the other, and refuses
/// what a test tells it to.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::test {

class FakeSmtp {
public:
    struct Received {
        std::string sender, recipient, text;
    };

    FakeSmtp() {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_, 8) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            std::abort();
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeSmtp() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }

    std::uint16_t port() const { return port_; }

    /// From now on, answer commands that begin with `command` by `reply`; "" answers nothing.
    void answer(const std::string& command, const std::string& reply) {
        std::lock_guard held(lock_);
        answers_[command] = reply;
    }
    /// Waits until a client has said something that begins with `command`.
    void wait_for(const std::string& command) {
        std::unique_lock held(lock_);
        heard_more_.wait(held, [&] {
            for (const auto& line : heard_)
                if (line.starts_with(command)) return true;
            return false;
        });
    }
    std::vector<std::string> heard() {
        std::lock_guard held(lock_);
        return heard_;
    }
    std::vector<Received> received() {
        std::lock_guard held(lock_);
        return received_;
    }

private:
    void serve() {
        for (;;) {
            int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) return;
            talk(client);
            ::close(client);
        }
    }

    void talk(int client) {
        auto say = [&](const std::string& line) {
            if (!line.empty()) (void)!::write(client, (line + "\r\n").data(), line.size() + 2);
        };
        std::string buffer;
        auto line = [&](std::string& text) {
            for (;;) {
                if (auto end = buffer.find("\r\n"); end != std::string::npos) {
                    text = buffer.substr(0, end);
                    buffer.erase(0, end + 2);
                    return true;
                }
                char bytes[4096];
                auto count = ::read(client, bytes, sizeof bytes);
                if (count <= 0) return false;
                buffer.append(bytes, static_cast<std::size_t>(count));
            }
        };
        Received mail;
        std::string said;
        say("220 fake ready");
        while (line(said)) {
            auto reply = hear(said);
            if (said.starts_with("MAIL FROM:")) mail.sender = said.substr(10);
            if (said.starts_with("RCPT TO:")) mail.recipient = said.substr(8);
            say(reply);
            if (said == "QUIT") return;
            if (said != "DATA" || !reply.starts_with("354")) continue;
            mail.text.clear();
            while (line(said) && said != ".") mail.text += said + "\n";
            {
                std::lock_guard held(lock_);
                received_.push_back(mail);
            }
            say(hear("."));
        }
    }

    std::string hear(const std::string& said) {
        std::lock_guard held(lock_);
        heard_.push_back(said);
        heard_more_.notify_all();
        for (const auto& [command, reply] : answers_)
            if (said.starts_with(command)) return reply;
        if (said.starts_with("EHLO")) return "250-fake\r\n250-AUTH PLAIN\r\n250 8BITMIME";
        if (said == "AUTH PLAIN") return "334 ";
        if (said.ends_with("=")) return "235 welcome"; // name and password in base 64
        if (said == "DATA") return "354 go ahead";
        return "250 fine";
    }

    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::mutex lock_;
    std::condition_variable heard_more_;
    std::map<std::string, std::string> answers_;
    std::vector<std::string> heard_;
    std::vector<Received> received_;
    std::thread thread_;
};

} // namespace fairlead::test

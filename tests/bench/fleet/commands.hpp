/// The commands of the program, see main.cpp.
#pragma once

#include "tests/bench/fleet/agent.hpp"
#include "tests/bench/fleet/api.hpp"
#include "tests/bench/fleet/mqtt.hpp"

#include <boost/json/object.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::bench {

using Answer = Result<boost::json::object>;
using Words = std::vector<std::string>;

/// Lines that another thread read.
class Lines {
public:
    explicit Lines(Executor executor) : filled_(std::move(executor)) {}
    void push(std::optional<std::string> line) {
        lines_.push_back(std::move(line));
        filled_.notify();
    }
    /// Nothing at the end.
    Task<std::optional<std::string>> next() {
        while (lines_.empty()) co_await filled_.wait();
        auto line = std::move(lines_.front());
        lines_.pop_front();
        co_return line;
    }

private:
    Event filled_;
    std::deque<std::optional<std::string>> lines_;
};

class Commands {
public:
    explicit Commands(Executor executor) : executor_(executor), fleet_(executor), mqtt_(executor) {}

    Task<Answer> run(Words words);
    /// Heartbeats of everybody, for ever.
    Task<> keep_alive();

private:
    Task<Answer> enrol(std::size_t count, Words tokens);
    Task<> enrol_some(Words& tokens, std::size_t wanted, std::size_t& made, std::string& failure);
    Task<Answer> start(std::size_t count, std::size_t at_once);
    Task<Answer> wait_online(std::size_t count, std::chrono::milliseconds limit);
    Task<Answer> cut(std::size_t count);
    Task<Answer> stop();
    Task<Answer> trip(std::size_t count);
    Task<Answer> mqtt(std::uint16_t port, std::size_t count, std::size_t at_once);
    Answer make_pki(const std::string& folder);
    Answer stats() const;

    Executor executor_;
    Fleet fleet_;
    MqttClients mqtt_;
    Site site_;
    std::string ca_;
    std::string pki_ca_, pki_client_;
    Secret pki_client_key_;
    std::vector<std::unique_ptr<FakeAgent>> agents_;
    std::vector<std::string> servers_; ///< ids, as agents_
};

} // namespace fairlead::bench

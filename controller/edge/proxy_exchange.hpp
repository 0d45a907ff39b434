/// What a proxy has of one request that is on its way, for its two .cpp files.
#pragma once

#include "common/async/task_group.hpp"
#include "controller/edge/proxy.hpp"

namespace fairlead::edge {

/// What a client is told that finds no place.
Refusal refusal_when(Shares::Full full);

/// A stream to one port of one environment, with the places that it takes.
struct Proxy::Upstream {
    Upstream(stream::Stream opened, EnvironmentId to, std::uint16_t number)
        : stream(std::move(opened)), environment(std::move(to)), port(number) {}

    stream::Stream stream;
    EnvironmentId environment;
    std::uint16_t port;
    std::string subscriber; ///< whose places these are
    std::optional<Shares::Places> places;
    std::optional<Quota::Place> kept; ///< while it waits for another request
};

/// One request on its way through one stream.
class Proxy::Exchange final : public net::Deadlines::Member {
public:
    Exchange(Executor executor, const net::HttpLimits& limits, std::string_view method)
        : answer(limits, method), both(executor) {}

    /// The site was silent for too long.
    void expire() override {
        late = true;
        end();
    }
    /// Neither direction goes on. A wait on the client's connection then fails as if the client
    /// were gone.
    void end() {
        over = true;
        both.cancel();
    }

    std::unique_ptr<Upstream> upstream;
    net::HttpAnswerReader answer;
    TaskGroup both;
    std::string rest;       // after the answer
    bool reused = false;    // the stream has served a request before
    bool heard = false;     // something came over it
    bool uploaded = false;  // the whole request is on its way
    bool answering = false; // something of the answer went to the client
    bool whole = false;     // all of it
    bool over = false;
    bool late = false;
    bool client_gone = false;
    bool upstream_broken = false;   // without an end
    std::optional<Refusal> refusal; // of the request's body
};

} // namespace fairlead::edge

#include "controller/gateway/hub.hpp"

#include "common/async/event.hpp"
#include "common/runtime/log.hpp"
#include "controller/gateway/session.hpp"

#include <boost/asio/post.hpp>

namespace fairlead::gateway {

Hub::Hub(Executor executor, WorkerPool& pool, AgentCore& core, HubOptions options)
    : executor_(std::move(executor)), pool_(pool), core_(core), options_(options) {}

Hub::~Hub() = default;

Task<> Hub::serve(net::WebSocket socket) {
    auto session = std::make_unique<Session>(*this, executor_, std::move(socket));
    co_await session->run();
}

Task<> Hub::watch() {
    for (;;) {
        co_await sleep_for(options_.look_every);
        auto now = std::chrono::steady_clock::now();
        for (auto& [server, session] : sessions_) session->check(now);
        for (auto& [server, carrier] : carriers_) carrier->expire(now, options_.stream_patience);
        std::erase_if(carriers_, [](const auto& entry) {
            return !entry.second->attached() && entry.second->open_streams() == 0;
        });
    }
}

void Hub::send(const ServerId& server, std::string link, std::vector<std::string> messages) {
    asio::post(
        executor_,
        [this, id = server.str(), link = std::move(link), texts = std::move(messages)]() mutable {
            if (auto found = sessions_.find(id); found != sessions_.end())
                found->second->deliver(std::move(link), std::move(texts));
        }
    );
}

void Hub::wake(const ServerId& server) {
    asio::post(executor_, [this, id = server.str()] {
        if (auto found = sessions_.find(id); found != sessions_.end()) found->second->wake();
    });
}

void Hub::cut(const ServerId& server, std::string code, std::string message) {
    asio::post(
        executor_,
        [this, id = server.str(), code = std::move(code), message = std::move(message)] {
            // A revoked server must not be reached by what is open either; others come again.
            if (auto found = carriers_.find(id); code == "revoked" && found != carriers_.end())
                found->second->give_up(message);
            if (auto found = sessions_.find(id); found != sessions_.end())
                found->second->end(code, message);
        }
    );
}

void Hub::attach(Session& session) {
    auto& place = sessions_[session.server().str()];
    if (place) {
        if (auto* streams = known_streams(*place))
            streams->detach(std::chrono::steady_clock::now());
        log::warning("another link of a server came", {{"server", session.server().str()}});
        place->end(
            "replaced", "Another link of this server came; two agents may share one identity."
        );
        place->attached_ = false;
    }
    place = &session;
    session.attached_ = true;
    online_.store(sessions_.size(), std::memory_order_relaxed);
}

void Hub::detach(Session& session) {
    if (auto* streams = known_streams(session)) streams->detach(std::chrono::steady_clock::now());
    sessions_.erase(session.server().str());
    session.attached_ = false;
    online_.store(sessions_.size(), std::memory_order_relaxed);
}

Result<stream::Stream>
Hub::open_stream(const ServerId& server, std::string_view text, std::uint32_t since) {
    auto refuse = [](std::string code, std::string why) {
        return fail(Error(Errc::unavailable, std::move(why)).with_code(std::move(code)));
    };
    auto found = sessions_.find(server.str());
    if (found == sessions_.end() || !found->second->talks())
        return refuse("server_offline", "The server is not connected.");
    if (!found->second->speaks(since))
        return refuse(
            "agent_too_old", since > proto::streams_since
                                 ? "The server's agent is too old for this; update it."
                                 : "The server's agent carries no streams yet; update it."
        );
    auto opened = streams_of(*found->second).open(text);
    if (!opened && opened.error().kind() == Errc::unavailable)
        return refuse("too_many_streams", opened.error().message());
    return opened;
}

/// What the session's server has open, made and attached where it was not.
stream::Carrier& Hub::streams_of(Session& session) {
    auto& carrier = carriers_[session.server().str()];
    if (!carrier)
        carrier =
            std::make_unique<stream::Carrier>(executor_, stream::Role::acceptor, options_.streams);
    if (!carrier->attached())
        carrier->attach([&session] {
            if (session.end_code_.empty()) session.start_writer();
        });
    return *carrier;
}

/// The same where there is any, and this session is the server's newest.
stream::Carrier* Hub::known_streams(const Session& session) {
    if (!session.attached_) return nullptr;
    auto found = carriers_.find(session.server().str());
    return found == carriers_.end() ? nullptr : found->second.get();
}

} // namespace fairlead::gateway

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
            if (auto found = sessions_.find(id); found != sessions_.end())
                found->second->end(code, message);
        }
    );
}

void Hub::attach(Session& session) {
    auto& place = sessions_[session.server().str()];
    if (place) {
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
    sessions_.erase(session.server().str());
    session.attached_ = false;
    online_.store(sessions_.size(), std::memory_order_relaxed);
}

} // namespace fairlead::gateway

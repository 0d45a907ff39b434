/// One agent's link. While nothing happens it is a single coroutine that reads; others run when
/// there is work.
#pragma once

#include "common/async/event.hpp"
#include "common/async/task_group.hpp"
#include "controller/gateway/hub.hpp"

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::gateway {

class Session {
public:
    Session(Hub& hub, Executor executor, net::WebSocket socket);

    Task<> run();

    const ServerId& server() const { return link_->server; }
    /// Sends these when they are for this link; after what its hello is answered.
    void deliver(std::string link, std::vector<std::string> messages);
    /// There may be something due.
    void wake();
    /// Says why and closes. The first reason counts.
    void end(std::string code, std::string message);
    /// Whether messages and streams reach its agent: greeted, and not about to end.
    bool talks() const { return greeted_ && end_code_.empty(); }
    bool carries_streams() const;
    bool speaks(std::uint32_t protocol) const { return link_->protocol() >= protocol; }
    /// Pings or gives up, by how long the agent has been silent.
    void check(std::chrono::steady_clock::time_point now);

private:
    friend class Hub;
    template <class T>
    using Ask = std::function<Result<T>()>;

    Task<Result<>> identify();
    Task<Result<>> greet();
    Task<> talk();
    Task<> read_loop();
    template <class T>
    Task<Result<T>> in_turn(Ask<T> ask);
    Task<> run_due();
    Task<> write_out();
    bool next_frame(std::string& frame);
    Result<> take_frame(std::string_view frame);
    void resume_streams();
    Task<> farewell();
    void refuse(const Error& why);
    void refuse_hello(Error why);
    void refuse_message(const Error& why);
    void note_connected();
    void note_gone();
    void send(std::vector<std::string> messages);
    void start_writer();

    Hub& hub_;
    net::WebSocket socket_;
    std::unique_ptr<LinkState> link_;
    TaskGroup children_;
    Event turn_;                   // notified when the core is free for this link
    std::list<std::string> queue_; // a deque takes half a KiB also while it is empty
    std::vector<std::pair<std::string, std::vector<std::string>>>
        early_; // before greeted_, by link
    std::size_t queue_bytes_ = 0;
    std::string end_code_, end_message_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point ended_at_{};
    bool attached_ = false;
    bool greeted_ = false;
    bool busy_ = false; // the core works for this link
    bool due_wanted_ = false;
    bool due_running_ = false;
    bool due_after_write_ = false;
    bool writing_ = false;
    bool ping_wanted_ = false;
};

} // namespace fairlead::gateway

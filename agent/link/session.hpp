/// One link to one controller, from its WebSocket to its end.
#pragma once

#include "agent/link/executor_channel.hpp"
#include "agent/link/facts.hpp"
#include "agent/link/identity.hpp"
#include "agent/link/link.hpp"
#include "agent/link/measuring.hpp"
#include "agent/link/tunnel.hpp"
#include "agent/link/witness.hpp"
#include "common/async/task_group.hpp"
#include "common/async/worker_pool.hpp"
#include "common/net/websocket.hpp"
#include "proto/messages.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace fairlead::link {

/// Why a link ended.
struct Ending {
    Ending() = default;
    explicit Ending(Error error)
        : code(error.code()), reason(error.message()), kind(error.kind()) {}

    std::string code;   ///< of `refused`, of TLS, or ""
    std::string reason; ///< a sentence
    Errc kind = Errc::unavailable;
};

/// What outlives a link. `identity` and `tls` change when the controller sends new ones.
struct Shared {
    const LinkOptions& options;
    IdentityFolder& folder;
    Identity& identity;
    net::TlsClientContext& tls;
    ExecutorChannel& executor;
    WorkerPool& workers;
    FactsReader& facts;
    proto::PolicyFacts& policy; ///< as the executor last told it
    Witness& witness;
    Tunnel& tunnel;
    Measuring& measuring;
};

class LinkSession {
public:
    LinkSession(
        Shared shared, net::WebSocket socket, Executor executor,
        std::function<void()>
            online ///< called when it is, and after what `status` shows has changed
    )
        : shared_(shared), socket_(std::move(socket)), children_(executor), turn_(executor),
          frame_turn_(executor), wanted_(executor), online_(std::move(online)) {}

    /// Says hello, carries messages, and returns why it ended. Says goodbye when it is cancelled.
    Task<Ending> run();

private:
    Task<Result<>> greet();
    Task<> read_controller();
    Task<> read_executor();
    Task<> tell_facts();
    Task<> watch_silence();
    Task<Result<>> send(std::string text);
    Task<> take_turn();
    void give_turn();
    void carry_streams();
    Task<> write_frames();
    Task<Result<>> handle(std::string text);
    Task<Result<>> start_executor();
    Task<Result<>> pass_on(std::string text, bool kept);
    Task<> ask_renewal();
    void remember(const std::string& operation, const std::string& text);
    void answered(const std::string& operation);
    Task<> tell_revoked();
    void take_status(const proto::ExecutorStatus& status);
    void take_welcome(const proto::Welcome& welcome);
    void take_controllers(const std::vector<std::string>& controllers);
    Result<> take_certificate(const proto::Certificate& message);
    void end(Ending ending);

    Shared shared_;
    net::WebSocket socket_;
    TaskGroup children_;
    Event turn_;       // notified when nobody writes to the controller
    Event frame_turn_; // the same, for frames of streams
    Event wanted_;     // notified when the executor is to be started
    std::function<void()> online_;
    bool writing_ = false;
    bool framing_ = false;    // write_frames() runs
    std::size_t senders_ = 0; // messages that wait for their turn, before any frame
    std::uint32_t protocol_ = 0;
    std::optional<Ending> ending_;
    std::chrono::seconds heartbeat_{15}, facts_every_{30};
    std::map<std::string, std::string> unanswered_; // deliveries that no report has answered yet
    std::size_t unanswered_bytes_ = 0;
    std::deque<std::string> waiting_; // cancels and queries for an executor that is not running
    std::uint64_t acknowledged_ = 0;
    bool renewal_asked_ = false;
};

} // namespace fairlead::link

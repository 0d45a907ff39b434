/// All readings of logs that are under way.
#pragma once

#include "common/async/task.hpp"
#include "common/async/task_group.hpp"
#include "common/async/worker_pool.hpp"
#include "common/net/http_server.hpp"
#include "common/stream/carrier.hpp"
#include "controller/logs/directory.hpp"
#include "controller/logs/journal.hpp"
#include "controller/logs/reading.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace fairlead::logs {

/// All of it on the executor's thread, but for what says otherwise. stop() before it is destroyed.
class Readings {
public:
    /// A stream that reads what was asked for. Errc::unavailable with a code.
    using Opener = std::function<Task<Result<stream::Stream>>(AskedPtr)>;
    /// net::HttpResponse::stream
    using Body = std::function<Task<>(net::BodyWriter&)>;
    struct Parts {
        Executor executor;
        WorkerPool& pool;
        Journal& journal;
        Directory& directory;
        Opener opener;
    };
    explicit Readings(Parts parts, ReadingOptions options = ReadingOptions());
    Readings(const Readings&) = delete;
    ~Readings();

    /// Opens what the directory holds under this id; its place there is free again when the body
    /// is over, was never written, or could not be opened.
    Task<Result<Body>> open(std::string id);

    /// Whoever had this bond may not any more what they could: theirs end within a second.
    /// Thread-safe.
    void end_bond(const std::string& bond);

    /// Ends all.
    Task<> stop();

    std::size_t size() const { return all_.size(); }

private:
    class Held;
    Task<> hurry(std::shared_ptr<Held> held);
    Task<> write_down(AskedPtr asked, std::string reason);
    void cut_now(const ReadingId& id, const LastWords& why);

    Parts parts_;
    ReadingOptions options_;
    TaskGroup group_;
    std::map<ReadingId, std::weak_ptr<Held>> all_;
    bool stopping_ = false;
};

} // namespace fairlead::logs

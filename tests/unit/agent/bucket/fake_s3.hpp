/// A small S3 over TLS in this process, which misbehaves where a test tells it to.
#pragma once

#include "agent/bucket/bucket.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace fairlead::bucket {

/// What a test sees of a request.
struct Seen {
    std::string method, path; ///< path decoded, without the query
    std::map<std::string, std::string> query;
    std::map<std::string, std::string> headers; ///< names in lower case
    std::size_t bytes = 0;

    bool asks(const std::string& name) const { return query.count(name) > 0; }
    std::string header(const std::string& name) const {
        auto found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
};

/// What to answer instead of the truth.
struct Fault {
    int status = 500;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    enum class Body { plain, cut, silent, endless } kind = Body::plain;
    std::size_t after = 0;    ///< for cut: how many bytes of `body` come
    bool done_before = false; ///< the request is carried out, only the answer is this one
};

/// A test sets it while requests are under way.
class Script {
public:
    using Function = std::function<std::optional<Fault>(const Seen&)>;
    void operator=(Function function) {
        std::lock_guard lock(mutex_);
        function_ = std::move(function);
    }
    std::optional<Fault> ask(const Seen& seen) {
        Function function;
        {
            std::lock_guard lock(mutex_);
            function = function_;
        }
        return function ? function(seen) : std::nullopt;
    }

private:
    std::mutex mutex_;
    Function function_;
};

class FakeS3 {
public:
    FakeS3();
    ~FakeS3();

    /// A storage that reaches it.
    proto::Storage storage() const;
    std::string ca() const;

    /// Asked at each request; nothing: the truth.
    Script misbehave;

    std::map<std::string, std::string> objects() const;
    /// `modified`: when it was stored, which a list then tells.
    void
    set_object(const std::string& key, std::string bytes, std::optional<Timestamp> modified = {});
    std::size_t uploads() const;
    std::vector<Seen> seen() const;
    /// Requests of that method, and with that word in the query where it is not empty.
    std::size_t count(const std::string& method, const std::string& asks = "") const;
    std::size_t most_parts_at_once() const { return most_parts_; }
    std::size_t page = 1000; ///< objects of one page of a list
    /// Ends answers that are silent.
    void release();
    /// Takes no connections any more.
    void stop();

private:
    struct Server;
    friend struct Server;
    std::unique_ptr<Server> server_;
    std::atomic<std::size_t> most_parts_{0};
};

/// Does not wait, and remembers what it was asked to.
class FakePause final : public Pause {
public:
    bool wait(std::chrono::milliseconds time, const std::stop_token& stop) override {
        std::lock_guard lock(mutex);
        waits.push_back(time);
        if (on_wait) on_wait();
        return !stop.stop_requested();
    }
    double draw() override { return chance; }

    std::mutex mutex;
    std::vector<std::chrono::milliseconds> waits;
    std::function<void()> on_wait;
    double chance = 0.5;
};

/// "<Error><Code>…"
std::string error_document(const std::string& code, const std::string& more = "");

} // namespace fairlead::bucket

/// The egress program: takes connections on its Unix socket and makes those that the rules allow.
#pragma once

#include "controller/egress/names.hpp"
#include "controller/egress/protocol.hpp"
#include "controller/egress/settings.hpp"
#include "controller/egress/waiting.hpp"

#include <atomic>
#include <functional>
#include <list>
#include <thread>

namespace fairlead::egress {

/// Names to addresses; tests have their own.
using Resolve = std::function<Result<std::vector<IpAddress>>(const std::string& host)>;

/// A host to the records that prove it.
using Texts = std::function<Result<std::vector<std::string>>(const std::string& host)>;

/// A thread for each connection, at most `connections` of them: a name whose server is silent
/// keeps nobody else waiting.
class Server {
public:
    /// Makes the socket, in place of one that was left behind. Errc::conflict where another egress
    /// answers at it; Errc::internal.
    static Result<std::unique_ptr<Server>>
    open(const Settings& settings, unsigned user, Resolve resolve, Texts texts = &challenge_texts);
    ~Server();
    Server(const Server&) = delete;

    /// Serves until `stop` can be read; then ends what is open.
    void run(int stop);

private:
    struct Session {
        std::thread thread;
        std::atomic<bool> done = false;
    };

    Server(
        Settings settings, unsigned user, Allow allow, Resolve resolve, Texts texts,
        Descriptor listening
    );
    void take(Descriptor peer, int stop);
    void reap();
    void serve(Descriptor peer, int stop) const;
    /// What is answered at once.
    std::string look_up(const Ask& ask) const;
    Result<> permit(const Ask& ask, const IpAddress& address) const;
    /// The addresses that may be connected to, of what was asked for.
    Result<std::vector<IpAddress>> chosen(const Ask& ask) const;
    void fetch(int peer, int far, const Ask& ask, int stop) const;

    Settings settings_;
    unsigned user_;
    Allow allow_;
    Resolve resolve_;
    Texts texts_;
    Descriptor listening_;
    std::list<Session> sessions_;
};

} // namespace fairlead::egress

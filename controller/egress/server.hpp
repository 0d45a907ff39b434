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
        Settings settings, unsigned user, Allow allow, Allow mail, Resolve resolve, Texts texts,
        Descriptor listening
    );
    void take(Descriptor peer, int stop);
    void reap();
    void serve(Descriptor peer, int stop) const;
    /// What is answered at once.
    std::string look_up(const Ask& ask) const;
    /// By SOCKS, to the mail server alone.
    void serve_mail(Descriptor peer, Moment began, int stop) const;
    void fetch(int peer, int far, const Ask& ask, int stop) const;
    void pass(
        const Descriptor& peer, const Descriptor& far, const Place& place, Moment began, int stop
    ) const;
    Result<> permit(const Result<>& may, const Place& place) const;
    /// The addresses that may be connected to, of what was asked for.
    Result<std::vector<IpAddress>> chosen(const Ask& ask) const;
    Result<std::vector<IpAddress>> mail_server(const Place& place) const;

    Settings settings_;
    unsigned user_;
    Allow allow_;
    Allow mail_; ///< the mail server, or nothing
    Resolve resolve_;
    Texts texts_;
    Descriptor listening_;
    std::list<Session> sessions_;
};

} // namespace fairlead::egress

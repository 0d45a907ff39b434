/// One client's connection: its requests one after another, each over a stream to its environment.
#pragma once

#include "common/net/deadlines.hpp"
#include "common/net/http_answer_reader.hpp"
#include "common/net/http_reader.hpp"
#include "controller/edge/edge.hpp"
#include "controller/edge/heads.hpp"

#include <memory>
#include <optional>
#include <string>

namespace fairlead::edge {

/// Holds at most one piece of each direction; what waits beyond that waits in the stream's window
/// or with the client.
class Proxy {
public:
    Proxy(Edge& edge, net::Wire& wire);
    Proxy(const Proxy&) = delete;
    ~Proxy();

    /// Until the connection ends. Cancelling it cuts it off.
    Task<> run();

    /// The table is another one: ends the connection if what it leads to is gone.
    void look_again();

private:
    class Exchange;
    struct Upstream;

    Task<bool> read_head();
    Task<Result<bool>> fill(net::Wire::Limit limit);
    bool buffer_is_full() const;
    Task<bool> serve_request();
    Task<bool> refuse(int status, std::string_view sentence = "");
    std::optional<Refusal> take_route();
    Task<Result<>> open(Exchange& x);
    Task<> exchange(Exchange& x);
    Task<> upload(Exchange& x);
    Task<> watch_client(Exchange& x);
    Task<> download(Exchange& x);
    bool become_socket(Exchange& x);
    Task<bool> receive(Exchange& x, net::Wire::Limit limit);
    Task<bool> conclude(Exchange& x);
    Task<> pass_through(Exchange& x);
    Task<> pass_in(Exchange& x);
    Task<> pass_out(Exchange& x);
    bool may_reuse() const;
    bool still_leads_there() const;

    Edge& edge_;
    net::Wire& wire_;
    std::string name_;       ///< of SNI, plain
    std::string visitor_;    ///< the address of whoever asks
    std::string subscriber_; ///< of that
    bool was_routed_ = false;
    net::HttpReader reader_;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0, end_ = 0;

    // Of the request that is under way.
    net::HttpRequest request_;
    bool with_body_ = false;
    bool keep_ = false;
    bool old_version_ = false;
    Exchange* exchange_ = nullptr;

    std::shared_ptr<const Route> route_; ///< of the last request
    std::optional<Shares::Places> places_;
    std::unique_ptr<Upstream> kept_;
};

} // namespace fairlead::edge

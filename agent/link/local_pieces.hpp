/// What comes from a connection on this machine, on its way to a stream.
#pragma once

#include "common/async/task.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::link {

/// Takes what is there at once, and waits only where nothing is: then it has no buffer, since most
/// connections are quiet most of the time. `Socket` is one of Asio's, is connected, and outlives
/// this.
template <class Socket>
class LocalPieces {
public:
    /// Of one piece: of a connection that has more than this to say the next one is `large`.
    static constexpr std::size_t small = 16 * 1024;

    explicit LocalPieces(Socket& socket) : socket_(socket) {
        boost::system::error_code ignored; // told by the first read
        socket_.non_blocking(true, ignored);
    }

    /// Waits for the next bytes, at most max(small, large); they are bytes() until the next call.
    Task<boost::system::error_code> next(std::size_t large) {
        for (;;) {
            buffer_.resize(full_ && large > small ? large : small);
            boost::system::error_code failed;
            auto size = socket_.read_some(boost::asio::buffer(buffer_), failed);
            if (failed == boost::asio::error::interrupted) continue;
            full_ = !failed && size == buffer_.size();
            if (failed != boost::asio::error::would_block) {
                bytes_ = std::string_view(buffer_).substr(0, size);
                co_return failed;
            }
            std::string().swap(buffer_);
            constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
            auto waited = co_await socket_.async_wait(Socket::wait_read, as_result);
            if (std::get<0>(waited)) co_return std::get<0>(waited);
        }
    }

    std::string_view bytes() const { return bytes_; }

private:
    Socket& socket_;
    std::string buffer_;
    std::string_view bytes_;
    bool full_ = false; // the last piece
};

} // namespace fairlead::link

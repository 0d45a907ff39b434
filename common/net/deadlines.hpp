/// Time limits of many connections on one timer: no timer and no allocation for each of them.
#pragma once

#include "common/async/task.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <memory>

namespace fairlead::net {

/// Looks at its members four times a second, so a limit is kept to a quarter of a second. One
/// thread.
class Deadlines : public std::enable_shared_from_this<Deadlines> {
public:
    using Hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

    /// Something with a limit. Leaves the list when it is destroyed.
    class Member : public Hook {
    public:
        virtual void expire() = 0;

    protected:
        virtual ~Member() = default;

    private:
        friend class Deadlines;
        std::chrono::steady_clock::time_point deadline_{};
    };

    explicit Deadlines(Executor executor) : timer_(std::move(executor)) {}

    /// Calls member.expire() once, when `limit` has passed, unless it is set anew or cleared
    /// before.
    void set(Member& member, std::chrono::steady_clock::duration limit);
    void clear(Member& member) { member.unlink(); }

private:
    void arm();
    void sweep();

    asio::steady_timer timer_;
    boost::intrusive::list<Member, boost::intrusive::constant_time_size<false>> members_;
    bool armed_ = false;
};

} // namespace fairlead::net

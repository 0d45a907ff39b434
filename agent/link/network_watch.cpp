#include "agent/link/network_watch.hpp"

#include "common/runtime/file.hpp"
#include "common/runtime/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace fairlead::link {

namespace {

constexpr auto settle =
    std::chrono::milliseconds(200); // an interface coming up says several things

int open_netlink() {
    Descriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    local.nl_groups =
        RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE;
    if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) return -1;
    return fd.release();
}

/// Reads what is there; true when something came up (what goes away helps nobody).
bool drain(int fd) {
    alignas(nlmsghdr) char messages[8192];
    bool came = false;
    for (;;) {
        auto size = ::recv(fd, messages, sizeof messages, 0);
        if (size < 0 && errno == ENOBUFS)
            came = true; // more than the kernel kept: something surely changed
        if (size < 0 && (errno == ENOBUFS || errno == EINTR)) continue;
        if (size <= 0) return came;
        auto left = static_cast<unsigned>(size);
        for (auto* one = reinterpret_cast<nlmsghdr*>(messages); NLMSG_OK(one, left);
             one = NLMSG_NEXT(one, left))
            came = came || one->nlmsg_type == RTM_NEWADDR || one->nlmsg_type == RTM_NEWROUTE;
    }
}

} // namespace

Task<> watch_network(Event& changed) {
    auto executor = co_await asio::this_coro::executor;
    int fd = open_netlink();
    if (fd < 0) {
        log::warning(
            "the kernel tells nothing of network changes", {{"reason", std::strerror(errno)}}
        );
        for (;;) co_await sleep_for(std::chrono::hours(24));
    }
    asio::posix::stream_descriptor netlink(executor, fd);
    for (;;) {
        co_await netlink.async_wait(asio::posix::descriptor_base::wait_read, asio::use_awaitable);
        bool came = drain(fd);
        if (!came) continue;
        co_await sleep_for(settle);
        drain(fd);
        changed.notify();
    }
}

} // namespace fairlead::link

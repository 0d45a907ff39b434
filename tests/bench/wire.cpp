// A long line, for kernels without netem: packets between this network and another, each held back
// for the same time, and no more of them than the line takes.
//
//     bench-wire NETNS MILLISECONDS [BYTES]     NETNS is a file such as /proc/PID/ns/net; BYTES a
//                                               second of each direction, where it has an end
//
// Both ends are interfaces called "wire", without addresses; they go when this ends, which is when
// its standard input does. Segments travel as large as the kernel hands them over (virtio's
// headers), so that they cost little. Root.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>

namespace {

using Steady = std::chrono::steady_clock;

// struct virtio_net_hdr has 10 bytes; its header is not C++.
constexpr std::size_t largest = 10 + 65536;
constexpr std::size_t most_held = 256 << 20; // bytes of one direction; what comes beyond is lost

[[noreturn]] void stop(const char* what) {
    std::fprintf(stderr, "bench-wire: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

/// Made in the network that this thread is in.
int make_end() {
    int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) stop("/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
    std::strcpy(request.ifr_name, "wire");
    if (::ioctl(fd, TUNSETIFF, &request) < 0) stop("the interface \"wire\"");
    if (::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) stop("offload");
    return fd;
}

struct Line {
    Steady::duration delay;
    double bytes_a_second; // 0: no end
};

struct Packet {
    Steady::time_point due;
    std::string bytes;
};

struct Direction {
    int from, to;
    std::deque<Packet> held{};
    std::size_t bytes = 0;
    Steady::time_point free{}; // when the line takes the next one

    void take(const Line& line) {
        static char buffer[largest];
        for (;;) {
            auto size = ::read(from, buffer, sizeof buffer);
            if (size <= 0) return;
            auto count = static_cast<std::size_t>(size);
            if (bytes + count > most_held) continue;
            bytes += count;
            free = std::max(free, Steady::now());
            if (line.bytes_a_second > 0)
                free += std::chrono::duration_cast<Steady::duration>(
                    std::chrono::duration<double>(static_cast<double>(count) / line.bytes_a_second)
                );
            held.push_back({free + line.delay, std::string(buffer, count)});
        }
    }

    void give() {
        auto now = Steady::now();
        for (; !held.empty() && held.front().due <= now; held.pop_front()) {
            const auto& packet = held.front().bytes;
            // One that the other side does not take is lost, as on any line.
            if (::write(to, packet.data(), packet.size()) < 0 && errno != EAGAIN) stop("a packet");
            bytes -= packet.size();
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4) {
        std::fputs("bench-wire NETNS MILLISECONDS [BYTES]\n", stderr);
        return 2;
    }
    Line line{std::chrono::milliseconds(std::atoi(argv[2])), argc > 3 ? std::atof(argv[3]) : 0};
    int home = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int there = ::open(argv[1], O_RDONLY | O_CLOEXEC);
    if (home < 0 || there < 0) stop(argv[1]);
    int near = make_end();
    if (::setns(there, CLONE_NEWNET) < 0) stop("the other network");
    int far = make_end();
    if (::setns(home, CLONE_NEWNET) < 0) stop("this network");
    std::puts("ready");
    std::fflush(stdout);

    Direction out{near, far}, in{far, near};
    for (;;) {
        auto next = Steady::time_point::max();
        for (const auto* one : {&out, &in})
            if (!one->held.empty()) next = std::min(next, one->held.front().due);
        timespec wait{};
        if (next != Steady::time_point::max()) {
            auto left = std::max(Steady::duration::zero(), next - Steady::now());
            wait.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
            wait.tv_nsec = (left % std::chrono::seconds(1)).count();
        }
        pollfd watched[] = {{near, POLLIN, 0}, {far, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        auto* until = next == Steady::time_point::max() ? nullptr : &wait;
        if (::ppoll(watched, 3, until, nullptr) < 0 && errno != EINTR) stop("poll");
        if (watched[2].revents) return 0;
        out.take(line);
        in.take(line);
        out.give();
        in.give();
    }
}

#include "controller/outbound/cut.hpp"

#include <fcntl.h>
#include <sys/socket.h>

namespace fairlead::outbound {

Result<Cut> Cut::on(const Descriptor& connection, const std::stop_token& stop) {
    Cut cut{Descriptor()};
    if (!stop.stop_possible()) return cut;
    cut.held_ = Descriptor(::fcntl(connection.get(), F_DUPFD_CLOEXEC, 0));
    if (!cut.held_)
        return fail(Error(Errc::unavailable, "Too many files are open. Try again later.")
                        .with_code("outbound_busy"));
    cut.callback_ = std::make_unique<Callback>(stop, [socket = cut.held_.get()] {
        ::shutdown(socket, SHUT_RDWR);
    });
    return cut;
}

tl::unexpected<Error> stopped() {
    return fail(Error(Errc::unavailable, "The controller was stopped while this was being sent.")
                    .with_code("outbound_stopped"));
}

} // namespace fairlead::outbound

#include "controller/outbound/egress_way.hpp"

#include "controller/outbound/egress_ask.hpp"

#include <algorithm>
#include <string_view>

namespace fairlead::outbound {

Result<std::vector<IpAddress>> EgressWay::addresses(const std::string& host, Deadline deadline) {
    FAIRLEAD_TRY(socket, open_egress(socket_));
    FAIRLEAD_TRY(
        said, ask_egress(socket, "GET /addresses/" + host + " HTTP/1.1\r\n\r\n", deadline)
    );
    if (said.status != 200) return refused_by_egress(said);
    std::vector<IpAddress> addresses;
    std::string_view lines = said.body;
    while (!lines.empty()) {
        auto end = std::min(lines.find('\n'), lines.size());
        FAIRLEAD_TRY(address, IpAddress::parse(lines.substr(0, end)));
        addresses.push_back(address);
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return addresses;
}

Result<Descriptor> EgressWay::connect(
    const egress::Place& place, const std::optional<IpAddress>& address, Deadline deadline
) {
    FAIRLEAD_TRY(socket, open_egress(socket_));
    auto text = "CONNECT " + place.text() + " HTTP/1.1\r\nhost: " + place.text() + "\r\n";
    if (address) text += "fairlead-address: " + address->text() + "\r\n";
    FAIRLEAD_TRY(said, ask_egress(socket, text + "\r\n", deadline));
    if (said.status != 200) return refused_by_egress(said);
    return std::move(socket);
}

} // namespace fairlead::outbound

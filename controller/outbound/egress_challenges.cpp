#include "controller/outbound/egress_challenges.hpp"

#include "controller/outbound/egress_ask.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace fairlead::outbound {

Result<std::vector<std::string>>
EgressChallenges::records(const std::string& host, Deadline deadline) {
    FAIRLEAD_TRY(socket, open_egress(socket_));
    FAIRLEAD_TRY(said, ask_egress(socket, "GET /texts/" + host + " HTTP/1.1\r\n\r\n", deadline));
    if (said.code == "resolver_failed")
        return fail(Error(Errc::unavailable, said.body).with_code("resolver_failed"));
    if (said.status != 200) return refused_by_egress(said);
    std::vector<std::string> texts;
    std::string_view lines = said.body;
    while (!lines.empty()) {
        auto end = std::min(lines.find('\n'), lines.size());
        texts.emplace_back(lines.substr(0, end));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return texts;
}

Result<Answer>
EgressChallenges::plain_file(const std::string& host, const std::string& token, Deadline deadline) {
    FAIRLEAD_TRY(addresses, way_.addresses(host, deadline));
    // Every one of them, as for any other request.
    for (const auto& address : addresses) FAIRLEAD_CHECK(allow_.permits_challenge(host, address));
    FAIRLEAD_TRY(socket, open_egress(socket_));
    FAIRLEAD_TRY(
        said, ask_egress(
                  socket,
                  "GET /challenge/" + host + "/" + token +
                      " HTTP/1.1\r\nfairlead-address: " + addresses.front().text() + "\r\n\r\n",
                  deadline
              )
    );
    if (said.status != 200) return refused_by_egress(said);
    Answer answer;
    auto line = std::min(said.body.find('\n'), said.body.size());
    std::from_chars(said.body.data(), said.body.data() + line, answer.status);
    answer.body = said.body.substr(std::min(line + 1, said.body.size()));
    return answer;
}

} // namespace fairlead::outbound

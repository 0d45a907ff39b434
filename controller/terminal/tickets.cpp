#include "controller/terminal/tickets.hpp"

#include "common/crypto/encoding.hpp"
#include "common/json/json.hpp"

namespace fairlead::terminal {
namespace {

constexpr std::string_view prefix = "fltk_";
constexpr std::size_t longest = 1024;

struct Stated {
    int version = 0;
    std::string terminal, user, session, org, server, unix_user, address;
    std::int64_t expires = 0; ///< Unix time in milliseconds
};
BOOST_DESCRIBE_STRUCT(
    Stated, (), (version, terminal, user, session, org, server, unix_user, address, expires)
)

} // namespace

tl::unexpected<Error> ticket_refused() {
    return fail(Error(
                    Errc::unauthenticated,
                    "This ticket opens nothing: it was used, has run out, or is somebody else's. "
                    "Ask for another one."
    )
                    .with_code("ticket_refused"));
}

Secret Tickets::sign(const Seat& seat) const {
    Stated stated{
        1,
        seat.id.str(),
        seat.user.str(),
        seat.session.str(),
        seat.scope.org().str(),
        seat.server.str(),
        seat.unix_user,
        seat.address,
        to_ms(seat.expires)};
    auto text = std::string(prefix) + crypto::base64url_encode(json::encode(stated));
    return Secret(text + "." + crypto::base64url_encode(key_.sign(text)));
}

Result<> Tickets::check(std::string_view ticket, const Bearer& bearer, Timestamp now) const {
    auto dot = ticket.rfind('.');
    if (ticket.size() > longest || !ticket.starts_with(prefix) || dot == std::string_view::npos)
        return ticket_refused();
    auto text = ticket.substr(0, dot);
    auto signature = crypto::base64url_decode(ticket.substr(dot + 1));
    if (!signature || !verifier_.verify(text, *signature)) return ticket_refused();
    auto document = crypto::base64url_decode(text.substr(prefix.size()));
    if (!document) return ticket_refused();
    auto stated = json::decode<Stated>(*document, json::Strictness::exact);
    bool ours = stated && stated->version == 1 && stated->terminal == bearer.terminal.str() &&
                stated->user == bearer.user.str() && stated->session == bearer.session.str() &&
                stated->address == bearer.address && now < from_ms(stated->expires);
    if (!ours) return ticket_refused();
    return {};
}

} // namespace fairlead::terminal

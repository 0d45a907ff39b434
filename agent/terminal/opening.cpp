#include "agent/terminal/opening.hpp"

#include "agent/host/asked.hpp"
#include "proto/codec.hpp"

namespace fairlead::terminal {

Result<proto::TerminalPurpose> read_opening(int peer, std::chrono::milliseconds wait) {
    FAIRLEAD_TRY(body, host::read_opening_frame(peer, wait));
    FAIRLEAD_TRY(wanted, proto::read_text<proto::TerminalPurpose>(body));
    if (!proto::possible({wanted.columns, wanted.rows}))
        return fail(Errc::invalid, "A terminal has from 1 to 1,000 columns and rows.");
    return wanted;
}

tl::expected<host::Login, Refusal>
judge(const proto::TerminalPurpose& wanted, const policy::Policy& policy) {
    auto login = host::find_login(wanted.user);
    auto allowed = policy.permit_terminal(wanted.user, login && login->uid == 0);
    if (!allowed)
        return tl::unexpected(Refusal{proto::StreamEnd::forbidden, allowed.error().message()});
    if (!login) return tl::unexpected(Refusal{proto::StreamEnd::no_user, login.error().message()});
    if (wanted.record > 1)
        return tl::unexpected(Refusal{
            proto::StreamEnd::not_offered,
            "This agent does not know that kind of recording: open it without one, or update it."});
    return *std::move(login);
}

} // namespace fairlead::terminal

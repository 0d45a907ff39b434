#include "controller/terminal/messages.hpp"

#include "common/json/json.hpp"
#include "controller/terminal/room.hpp"

namespace fairlead::terminal {
namespace {

struct Wire {
    std::string type, ticket, secret;
    std::uint64_t received = 0, bytes = 0;
    std::uint16_t columns = 0, rows = 0;
};
BOOST_DESCRIBE_STRUCT(Wire, (), (type, ticket, secret, received, bytes, columns, rows))

} // namespace

Result<Said> read_said(std::string_view text) {
    FAIRLEAD_TRY(wire, json::decode<Wire>(text, json::Strictness::lenient, longest_text));
    Said said;
    if (wire.type == "open") {
        said.what = Said::What::open;
        said.proof = Secret(std::move(wire.ticket));
    } else if (wire.type == "resume") {
        said.what = Said::What::resume;
        said.proof = Secret(std::move(wire.secret));
        said.bytes = wire.received;
    } else if (wire.type == "took") {
        said.what = Said::What::took;
        said.bytes = wire.bytes;
    } else if (wire.type == "resize") {
        said.what = Said::What::resize;
        said.size = {wire.columns, wire.rows};
        if (!proto::possible(said.size))
            return fail(Errc::invalid, "resize: columns and rows are from 1 to 1000.");
    } else if (wire.type != "close") {
        return fail(Errc::invalid, "A message of this type is not known here.");
    }
    return said;
}

std::string say_opened(const Secret& secret, std::chrono::seconds patience) {
    return json::serialize(boost::json::object{
        {"type", "opened"},
        {"secret", secret.reveal()},
        {"resume_s", patience.count()},
        {"output_window", Room::output_window},
        {"input_window", Room::input_window}});
}

std::string say_resumed(const Secret& secret, std::uint64_t input) {
    return json::serialize(boost::json::object{
        {"type", "resumed"}, {"secret", secret.reveal()}, {"input", input}});
}

std::string say_took(std::uint64_t input) {
    return json::serialize(boost::json::object{{"type", "took"}, {"bytes", input}});
}

std::string say_ended(const Ending& ending) {
    boost::json::object said{
        {"type", "ended"}, {"reason", ending.reason}, {"message", ending.message}};
    if (ending.code) said["code"] = *ending.code;
    if (!ending.signal.empty()) said["signal"] = ending.signal;
    return json::serialize(said);
}

} // namespace fairlead::terminal

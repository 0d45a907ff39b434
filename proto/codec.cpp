#include "proto/codec.hpp"

#include "common/json/json.hpp"
#include "proto/log.hpp"
#include "proto/mail.hpp"
#include "proto/measures.hpp"
#include "proto/opening.hpp"
#include "proto/recording.hpp"
#include "proto/terminal.hpp"

namespace fairlead::proto {
namespace {

template <class Variant>
std::string encode_any(const Variant& message) {
    return std::visit(
        [](const auto& body) {
            boost::json::object object;
            object.emplace("type", body.type);
            auto members = json::to_value(body);
            for (auto& member : members.get_object())
                object.emplace(member.key(), std::move(member.value()));
            return json::serialize(object);
        },
        message
    );
}

template <class Variant>
Result<Variant> decode_any(std::string_view text) {
    FAIRLEAD_TRY(value, json::parse(text, max_message));
    const auto* object = value.if_object();
    const auto* type = object ? object->if_contains("type") : nullptr;
    if (!type || !type->is_string()) return fail(Errc::invalid, "The message has no type.");
    Result<Variant> decoded = fail(
        Errc::invalid,
        "The message type \"" + std::string(type->get_string()).substr(0, 40) + "\" is not known."
    );
    boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, Variant>>(
        [&](auto identity) {
            using Message = typename decltype(identity)::type;
            if (type->get_string() != Message::type) return;
            auto read = json::from_value<Message>(value, json::Strictness::lenient);
            if (read)
                decoded = Variant(std::move(*read));
            else
                decoded = tl::unexpected(read.error());
        }
    );
    return decoded;
}

} // namespace

std::string encode(const FromAgent& message) {
    return encode_any(message);
}
std::string encode(const ToAgent& message) {
    return encode_any(message);
}
std::string encode(const FromExecutor& message) {
    return encode_any(message);
}
std::string encode(const ToExecutor& message) {
    return encode_any(message);
}

Result<FromAgent> decode_from_agent(std::string_view text) {
    return decode_any<FromAgent>(text);
}
Result<ToAgent> decode_to_agent(std::string_view text) {
    return decode_any<ToAgent>(text);
}
Result<FromExecutor> decode_from_executor(std::string_view text) {
    return decode_any<FromExecutor>(text);
}
Result<ToExecutor> decode_to_executor(std::string_view text) {
    return decode_any<ToExecutor>(text);
}

template <class T>
Result<T> read(const boost::json::value& value) {
    return json::from_value<T>(value, json::Strictness::lenient);
}
template <class T>
boost::json::value write(const T& value) {
    return json::to_value(value);
}
template <class T>
Result<T> read_text(std::string_view text) {
    return json::decode<T>(text, json::Strictness::lenient, 4 * max_message);
}
template <class T>
std::string write_text(const T& value) {
    return json::encode(value);
}

#define FAIRLEAD_INSTANTIATE(T)                                                                    \
    template Result<T> read<T>(const boost::json::value&);                                         \
    template boost::json::value write<T>(const T&);                                                \
    template Result<T> read_text<T>(std::string_view);                                             \
    template std::string write_text<T>(const T&);

FAIRLEAD_INSTANTIATE(DeployArgs)
FAIRLEAD_INSTANTIATE(PreflightArgs)
FAIRLEAD_INSTANTIATE(RollbackArgs)
FAIRLEAD_INSTANTIATE(EnvironmentArgs)
FAIRLEAD_INSTANTIATE(PingArgs)
FAIRLEAD_INSTANTIATE(StorageTestArgs)
FAIRLEAD_INSTANTIATE(BackupConfigureArgs)
FAIRLEAD_INSTANTIATE(BackupArgs)
FAIRLEAD_INSTANTIATE(BackupDeleteArgs)
FAIRLEAD_INSTANTIATE(RestoreArgs)
FAIRLEAD_INSTANTIATE(DrillArgs)
FAIRLEAD_INSTANTIATE(CloneArgs)
FAIRLEAD_INSTANTIATE(BackupRecipientArgs)
FAIRLEAD_INSTANTIATE(BackupGrantArgs)
FAIRLEAD_INSTANTIATE(ImportAnalyseArgs)
FAIRLEAD_INSTANTIATE(ImportRunArgs)
FAIRLEAD_INSTANTIATE(ImportDiscardArgs)
FAIRLEAD_INSTANTIATE(SshKeysArgs)
FAIRLEAD_INSTANTIATE(MailConfigureArgs)
FAIRLEAD_INSTANTIATE(MailDeleteArgs)
FAIRLEAD_INSTANTIATE(OdooUsersArgs)
FAIRLEAD_INSTANTIATE(OdooLoginArgs)
FAIRLEAD_INSTANTIATE(AgentUpdateArgs)
FAIRLEAD_INSTANTIATE(ImportAnalysis)
FAIRLEAD_INSTANTIATE(EnvironmentSpec)
FAIRLEAD_INSTANTIATE(OperationResult)
FAIRLEAD_INSTANTIATE(ReleaseInfo)
FAIRLEAD_INSTANTIATE(EnvironmentState)
FAIRLEAD_INSTANTIATE(Operation)
FAIRLEAD_INSTANTIATE(Report)
FAIRLEAD_INSTANTIATE(StepReport)
FAIRLEAD_INSTANTIATE(Finished)
FAIRLEAD_INSTANTIATE(Facts)
FAIRLEAD_INSTANTIATE(Measures)
FAIRLEAD_INSTANTIATE(MeasureOpening)
FAIRLEAD_INSTANTIATE(Born)
FAIRLEAD_INSTANTIATE(StreamPurpose)
FAIRLEAD_INSTANTIATE(TerminalPurpose)
FAIRLEAD_INSTANTIATE(LogPurpose)
FAIRLEAD_INSTANTIATE(LogOpening)
FAIRLEAD_INSTANTIATE(MailPurpose)
FAIRLEAD_INSTANTIATE(MailOpening)
FAIRLEAD_INSTANTIATE(MailSummary)
FAIRLEAD_INSTANTIATE(RecordingPurpose)
FAIRLEAD_INSTANTIATE(RecordingFacts)
FAIRLEAD_INSTANTIATE(OpeningAnswer)

} // namespace fairlead::proto

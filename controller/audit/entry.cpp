#include "controller/audit/entry.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <vector>

namespace fairlead::audit {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::optional<std::string>& text) {
    return text ? json::value(*text) : json::value(nullptr);
}

json::value parsed_or_null(const std::optional<std::string>& text) {
    if (!text) return nullptr;
    boost::system::error_code bad;
    auto value = json::parse(*text, bad);
    // Somebody altered it: shown as it is, and its hash is another.
    return bad ? json::value(*text) : value;
}

void print(const json::value& value, std::string& into) {
    if (const auto* object = value.if_object()) {
        std::vector<const json::key_value_pair*> members;
        for (const auto& member : *object) members.push_back(&member);
        // Our names are ASCII, where bytes sort as the UTF-16 units that the RFC compares.
        std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
            return std::string_view(a->key()) < std::string_view(b->key());
        });
        into += '{';
        for (const auto* member : members) {
            if (member != members.front()) into += ',';
            into += json::serialize(json::value(member->key()));
            into += ':';
            print(member->value(), into);
        }
        into += '}';
    } else if (const auto* array = value.if_array()) {
        into += '[';
        for (const auto& item : *array) {
            if (&item != &array->front()) into += ',';
            print(item, into);
        }
        into += ']';
    } else if (value.is_double()) {
        into += json::serialize(json::value(json::serialize(value)));
    } else {
        into += json::serialize(value);
    }
}

} // namespace

std::string canonical(const json::value& value) {
    std::string text;
    print(value, text);
    return text;
}

json::object to_json(const Entry& entry) {
    json::value target = nullptr;
    if (entry.target_id)
        target = {
            {"type", entry.target_type.value_or("")},
            {"id", *entry.target_id},
            {"name", entry.target_name.value_or("")}};
    return {
        {"id", entry.id.str()},
        {"seq", entry.seq},
        {"at", to_rfc3339(entry.at)},
        {"actor",
         {{"type", entry.actor_type},
          {"id", text_or_null(entry.actor_id)},
          {"label", entry.actor_label}}},
        {"on_behalf_of", text_or_null(entry.on_behalf_of)},
        {"connect_session", text_or_null(entry.connect_session)},
        {"action", entry.action},
        {"target", std::move(target)},
        {"result", entry.result},
        {"address", text_or_null(entry.address)},
        {"user_agent", text_or_null(entry.user_agent)},
        {"request_id", text_or_null(entry.request_id)},
        {"before", parsed_or_null(entry.before)},
        {"after", parsed_or_null(entry.after)},
    };
}

std::string leaf_of(const Entry& entry, const OrgId& org) {
    auto object = to_json(entry);
    object["org"] = org.str();
    return canonical(object);
}

} // namespace fairlead::audit

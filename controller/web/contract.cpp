#include "controller/web/contract.hpp"

#include <boost/json.hpp>
#include <yaml-cpp/yaml.h>

#include <charconv>

namespace fairlead::web {
namespace {

boost::json::value scalar(const YAML::Node& node) {
    const auto& text = node.Scalar();
    if (node.Tag() == "!") return boost::json::value(text); // it was quoted
    if (text == "null" || text == "~" || text.empty()) return nullptr;
    if (text == "true") return true;
    if (text == "false") return false;
    const auto* end = text.data() + text.size();
    std::int64_t whole = 0;
    if (auto read = std::from_chars(text.data(), end, whole);
        read.ec == std::errc() && read.ptr == end)
        return whole;
    double number = 0;
    if (auto read = std::from_chars(text.data(), end, number);
        read.ec == std::errc() && read.ptr == end)
        return number;
    return boost::json::value(text);
}

boost::json::value convert(const YAML::Node& node) {
    switch (node.Type()) {
    case YAML::NodeType::Sequence: {
        boost::json::array array;
        for (const auto& item : node) array.push_back(convert(item));
        return array;
    }
    case YAML::NodeType::Map: {
        boost::json::object object;
        for (const auto& member : node) object[member.first.Scalar()] = convert(member.second);
        return object;
    }
    case YAML::NodeType::Scalar:
        return scalar(node);
    default:
        return nullptr;
    }
}

} // namespace

Result<std::string> json_from_yaml(std::string_view yaml) {
    try {
        return boost::json::serialize(convert(YAML::Load(std::string(yaml))));
    } catch (const YAML::Exception& broken) {
        return fail(Errc::internal, "The contract cannot be read.", broken.what());
    }
}

} // namespace fairlead::web

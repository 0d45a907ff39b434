#include "controller/api/nullable.hpp"

#include <boost/json/object.hpp>

namespace fairlead::api {

boost::json::value text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::value(text);
}

boost::json::value time_or_null(const std::optional<Timestamp>& at) {
    if (!at) return nullptr;
    return boost::json::value(to_rfc3339(*at));
}

boost::json::value error_or_null(const std::string& code, const std::string& message) {
    if (code.empty()) return nullptr;
    return boost::json::object{{"code", code}, {"message", message}};
}

} // namespace fairlead::api

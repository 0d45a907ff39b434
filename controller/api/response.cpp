#include "controller/api/response.hpp"

#include <boost/json.hpp>

namespace fairlead::api {

Response answer(const boost::json::value& body, int status) {
    Response response;
    response.status = status;
    response.body = boost::json::serialize(body);
    return response;
}

Response accepted(const boost::json::value& operation, const std::string& location) {
    auto response = answer(operation, 202);
    response.headers.emplace_back("Location", location);
    return response;
}

Response no_content() {
    Response response;
    response.status = 204;
    response.content_type.clear();
    return response;
}

Response on_its_way() {
    auto response = no_content();
    response.status = 202;
    return response;
}

} // namespace fairlead::api

/// Lists with cursors: {"data": […], "next_cursor": …}.
#pragma once

#include "controller/api/call.hpp"
#include "controller/api/response.hpp"

#include <boost/json/array.hpp>

#include <cstdint>
#include <string>

namespace fairlead::api {

/// ?limit= (1–200, 50) and ?cursor=: the id after which (newest first: below which) the page
/// starts.
struct Page {
    std::int64_t limit = 50;
    std::string after; ///< empty on the first page

    /// Errc::invalid names the parameter.
    static Result<Page> of(const Call& call);
    /// For lists whose cursor is no id.
    static Result<std::int64_t> limit_of(const Call& call);
};

/// `items` holds up to limit + 1 rows, newest first, each with its "id"; the extra one only proves
/// that there is more.
Response page_of(boost::json::array items, const Page& page);

} // namespace fairlead::api

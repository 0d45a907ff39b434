#include "controller/api/page.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

#include <charconv>

namespace fairlead::api {

Result<std::int64_t> Page::limit_of(const Call& call) {
    std::int64_t limit = 50;
    if (auto text = call.query("limit")) {
        auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
        if (error != std::errc() || end != text->data() + text->size() || limit < 1 || limit > 200)
            return fail(
                Error(
                    Errc::invalid,
                    fmt::format("limit is \"{}\"; it must be a number from 1 to 200.", *text)
                )
                    .with_fields({{"limit", "must be a number from 1 to 200"}})
            );
    }
    return limit;
}

Result<Page> Page::of(const Call& call) {
    Page page;
    FAIRLEAD_TRY(limit, limit_of(call));
    page.limit = limit;
    if (auto text = call.query("cursor")) {
        auto split = text->find('_');
        if (split == std::string_view::npos || split > 8 || !is_ulid(text->substr(split + 1)))
            return fail(Error(
                            Errc::invalid,
                            "The cursor is not one that a list gave out. Start again without it."
            )
                            .with_code("bad_cursor")
                            .with_fields({{"cursor", "is not one that a list gave out"}}));
        page.after = *text;
    }
    return page;
}

Response page_of(boost::json::array items, const Page& page) {
    boost::json::value next = nullptr;
    if (items.size() > static_cast<std::size_t>(page.limit)) {
        items.resize(static_cast<std::size_t>(page.limit));
        next = items.back().at("id");
    }
    return answer(boost::json::object{{"data", std::move(items)}, {"next_cursor", std::move(next)}}
    );
}

} // namespace fairlead::api

/// What the routes of a subject have in common: registering them, and showing lists.
#pragma once

#include "common/store/store.hpp"
#include "controller/api/page.hpp"
#include "controller/api/route_table.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace fairlead::api {

/// The routes below one path. A handler is `Result<Response>(const Call&, Parts&)`; `parts`
/// outlives the table.
template <class Parts>
class Routes {
public:
    Routes(RouteTable& table, Parts& parts, std::string base)
        : table_(table), parts_(parts), base_(std::move(base)) {}

    template <class Handler>
    void
    get(std::string_view below, std::string_view permission, Handler handler, Marks marks = {}) {
        add(Method::get, below, permission, std::move(handler), marks);
    }
    template <class Handler>
    void
    post(std::string_view below, std::string_view permission, Handler handler, Marks marks = {}) {
        add(Method::post, below, permission, std::move(handler), marks);
    }
    template <class Handler>
    void
    put(std::string_view below, std::string_view permission, Handler handler, Marks marks = {}) {
        add(Method::put, below, permission, std::move(handler), marks);
    }
    template <class Handler>
    void
    patch(std::string_view below, std::string_view permission, Handler handler, Marks marks = {}) {
        add(Method::patch, below, permission, std::move(handler), marks);
    }
    template <class Handler>
    void
    remove(std::string_view below, std::string_view permission, Handler handler, Marks marks = {}) {
        add(Method::remove, below, permission, std::move(handler), marks);
    }

private:
    template <class Handler>
    void
    add(Method method, std::string_view below, std::string_view permission, Handler handler,
        Marks marks) {
        table_.add(
            method, base_ + std::string(below), std::string(permission),
            [&parts = parts_, handler = std::move(handler)](const Call& call) -> Result<Response> {
                return handler(call, parts);
            },
            marks
        );
    }

    RouteTable& table_;
    Parts& parts_;
    std::string base_;
};

/// One page of a list: `rows(Connection&, const Page&)` gives a Result of up to limit + 1 of them,
/// newest first, and `show(row)` makes each an object with its "id".
template <class Rows, class Show>
Result<Response> list_page(const Call& call, store::Store& store, Rows&& rows, Show&& show) {
    FAIRLEAD_TRY(page, Page::of(call));
    FAIRLEAD_TRY(found, store.read([&](store::Connection& db) { return rows(db, page); }));
    boost::json::array items;
    items.reserve(found.size());
    for (const auto& row : found) items.push_back(show(row));
    return page_of(std::move(items), page);
}

/// The same where the subject's `to_json(row)` shows it.
template <class Rows>
Result<Response> list_page(const Call& call, store::Store& store, Rows&& rows) {
    return list_page(call, store, rows, [](const auto& row) { return to_json(row); });
}

} // namespace fairlead::api

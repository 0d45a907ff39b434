#include "controller/edge/names.hpp"

#include "common/runtime/ip.hpp"

namespace fairlead::edge {

Names::Names(const std::vector<std::string>& own, Covers covers) : covers_(std::move(covers)) {
    for (const auto& name : own) own_.insert(plain_name(name));
    own_.insert("localhost");
}

Side Names::side_of(std::string_view name, const Table& table) const {
    auto plain = plain_name(name);
    if (plain.empty() || plain.front() == '[' || own_.contains(plain) || IpAddress::parse(plain))
        return Side::own;
    if (table.find(plain)) return Side::routed;
    return covers_ && covers_(plain) ? Side::own : Side::nobody;
}

} // namespace fairlead::edge

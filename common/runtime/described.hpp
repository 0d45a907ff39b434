/// What the readers of JSON and of configuration ask of types (Boost.Describe).
#pragma once

#include <boost/describe.hpp>
#include <boost/mp11/algorithm.hpp>

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace fairlead::described {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
using Members = boost::describe::describe_members<
    T, boost::describe::mod_public | boost::describe::mod_inherited>;

/// The enumerators' names with commas between them.
template <class E>
std::string choices() {
    std::string list;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto d) {
        if (!list.empty()) list += ", ";
        list += d.name;
    });
    return list;
}

} // namespace fairlead::described

/// One callable out of several, for std::visit.
#pragma once

namespace fairlead {

template <class... F>
struct Overload : F... {
    using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>; // Clang 14 does not make this one itself

} // namespace fairlead

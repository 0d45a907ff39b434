/// How much of something each owner has, up to a limit.
#pragma once

#include "common/runtime/result.hpp"
#include "controller/edge/table.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace fairlead::edge {

/// Costs nothing for owners who have nothing. One thread. Outlives what it gave.
class Quota {
public:
    /// Given back when it is destroyed.
    class Place {
    public:
        Place(Place&& other) noexcept
            : place_(std::exchange(other.place_, nullptr)), from_(other.from_) {}
        Place& operator=(Place&&) = delete;
        ~Place() {
            if (place_) from_->give_back(*place_);
        }

    private:
        friend class Quota;
        using Entry = std::pair<const std::string, std::size_t>;
        Place(Quota& from, Entry& place) : place_(&place), from_(&from) {}
        Entry* place_; // entries of the map stay where they are
        Quota* from_;
    };

    explicit Quota(std::size_t limit) : limit_(limit) {}
    Quota(const Quota&) = delete;

    /// None when the owner has as many as it may.
    std::optional<Place> take(const std::string& owner);
    std::size_t owners() const { return taken_.size(); }

private:
    void give_back(Place::Entry& place);

    std::size_t limit_;
    std::unordered_map<std::string, std::size_t> taken_;
};

/// The places of one kind that environments have: so many each, so many for all of an
/// organization, and of an environment's so many for one client's address.
class Shares {
public:
    enum class Full { organization, environment, address };

    struct Places {
        Quota::Place organization, environment;
        std::optional<Quota::Place> address;
    };

    Shares(std::size_t of_organization, std::size_t of_environment, std::size_t of_address)
        : organizations_(of_organization), environments_(of_environment), addresses_(of_address) {}

    /// All three, or the first that has no place. An empty address is many clients', and has no
    /// part of its own.
    tl::expected<Places, Full> take(const Route& route, const std::string& address);

private:
    Quota organizations_, environments_, addresses_;
};

} // namespace fairlead::edge

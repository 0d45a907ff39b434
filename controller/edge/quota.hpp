/// How much of something each owner has, up to a limit.
#pragma once

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

} // namespace fairlead::edge

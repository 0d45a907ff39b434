/// Bytes on their way through a stream.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::stream {

/// Bytes in order, taken from the front and added at the back.
class Bytes {
public:
    void append(std::string_view bytes) {
        size_ += bytes.size();
        if (!chunks_.empty() && chunks_.back().size() + bytes.size() <= joined_up_to) {
            chunks_.back() += bytes;
            return;
        }
        chunks_.emplace_back(bytes);
    }
    void drop(std::uint64_t count) {
        assert(count <= size_);
        size_ -= count;
        while (count > 0) {
            auto left = chunks_.front().size() - front_;
            if (count < left) {
                front_ += count;
                return;
            }
            count -= left;
            front_ = 0;
            chunks_.pop_front();
        }
    }
    /// Appends `count` bytes from `at` on to `out`.
    void copy(std::uint64_t at, std::size_t count, std::string& out) const {
        at += front_;
        for (const auto& chunk : chunks_) {
            if (count == 0) return;
            if (at >= chunk.size()) {
                at -= chunk.size();
                continue;
            }
            auto piece = std::string_view(chunk).substr(at, count);
            out += piece;
            count -= piece.size();
            at = 0;
        }
    }
    std::string take(std::size_t limit) {
        std::string out;
        if (!chunks_.empty() && front_ == 0 && chunks_.front().size() <= limit &&
            chunks_.size() == 1) {
            out = std::move(chunks_.front());
            chunks_.clear();
            size_ = 0;
            return out;
        }
        auto count = std::min<std::uint64_t>(limit, size_);
        copy(0, count, out);
        drop(count);
        return out;
    }
    std::uint64_t size() const { return size_; }

private:
    static constexpr std::size_t joined_up_to = 16 * 1024; // small writes are one chunk

    std::deque<std::string> chunks_;
    std::size_t front_ = 0; // already dropped bytes of the first chunk
    std::uint64_t size_ = 0;
};

} // namespace fairlead::stream

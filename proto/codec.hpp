/// Text of messages. Decoding is lenient: unknown members are ignored, missing ones keep their
/// defaults; an unknown "type" and members of the wrong kind are Errc::invalid. Instantiated in
/// codec.cpp, so that includers stay cheap.
#pragma once

#include "common/runtime/result.hpp"
#include "proto/messages.hpp"

#include <string>
#include <string_view>

namespace fairlead::proto {

/// Largest control message either side sends or accepts.
inline constexpr std::size_t max_message = 1 << 20;

std::string encode(const FromAgent& message);
std::string encode(const ToAgent& message);
std::string encode(const FromExecutor& message);
std::string encode(const ToExecutor& message);

Result<FromAgent> decode_from_agent(std::string_view text);
Result<ToAgent> decode_to_agent(std::string_view text);
Result<FromExecutor> decode_from_executor(std::string_view text);
Result<ToExecutor> decode_to_executor(std::string_view text);

/// Arguments and stored parts, one by one: `read<DeployArgs>(operation.args)`.
template <class T>
Result<T> read(const boost::json::value& value);
template <class T>
boost::json::value write(const T& value);

/// The same as text, as it stands in a database column.
template <class T>
Result<T> read_text(std::string_view text);
template <class T>
std::string write_text(const T& value);

} // namespace fairlead::proto

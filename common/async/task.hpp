/// Coroutines of the shell. One thread runs them; blocking work goes through offload().
///
/// GCC 12 destroys an aggregate or a capturing lambda twice when it is built in the same expression
/// as a co_await: one line to build, one line to await. Structs that travel through coroutines
/// declare a constructor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace fairlead {

namespace asio = boost::asio;

using Executor = asio::any_io_executor;

/// A lazy coroutine: starts when awaited or spawned into a TaskGroup. Parameters by value;
/// references only to what outlives the group that the task runs in.
template <class T = void>
using Task = asio::awaitable<T>;

} // namespace fairlead

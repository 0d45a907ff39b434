// Inside the network that tools/browser made: leads one port on to a Unix socket of the test, and runs Chromium.
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";

const { FAIRLEAD_BROWSER: program, FAIRLEAD_BROWSER_PORT: port, FAIRLEAD_BROWSER_SOCKET: socket } = process.env;

const ip = (line) => execFileSync("ip", line.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

// An address that comes by itself a second later (IPv6, link-local) would be a change of network again.
for (const which of ["all", "default"]) writeFileSync(`/proc/sys/net/ipv6/conf/${which}/disable_ipv6`, "1");
// Without an address beside the loopback's, pages are told that they are offline.
for (const line of ["link set lo up", "link add fl0 type veth peer name fl1", "link set fl1 up", "link set fl0 up", "addr add 192.0.2.1/24 dev fl0"]) ip(line);
while (!/\bLOWER_UP\b.*\bstate UP\b/.test(ip("link show fl0")));

const server = createServer((inside) => {
  const outside = connect(socket);
  inside.pipe(outside).pipe(inside);
  for (const [one, other] of [[inside, outside], [outside, inside]]) one.on("error", () => other.destroy()).on("close", () => other.destroy());
});
server.listen(Number(port), "127.0.0.1", () => {
  // 3 and 4: what playwright speaks with it by.
  const browser = spawn(program, process.argv.slice(2), { stdio: ["inherit", "inherit", "inherit", 3, 4] });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => browser.kill(signal));
  browser.on("error", (error) => {
    console.error(`${program}: ${error.message}`);
    process.exit(1);
  });
  browser.on("exit", (code) => process.exit(code ?? 1));
});

// Inside the network that tools/browser made: leads one port on to a Unix socket of the test, and runs Chromium.
import { execFileSync, spawn } from "node:child_process";
import { connect, createServer } from "node:net";

const { FAIRLEAD_BROWSER: program, FAIRLEAD_BROWSER_PORT: port, FAIRLEAD_BROWSER_SOCKET: socket } = process.env;

// Without an address beside the loopback's, pages are told that they are offline.
for (const line of ["link set lo up", "link add fl0 type veth peer name fl1", "addr add 192.0.2.1/24 dev fl0", "link set fl0 up", "link set fl1 up"]) {
  execFileSync("ip", line.split(" "), { stdio: "inherit" });
}

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

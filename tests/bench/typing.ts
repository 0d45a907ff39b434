// Typing at a shell, by the loop of typist: milliseconds of a byte to `cat` and back, megabytes a second of output.
import { join } from "node:path";
import { root } from "../system/lib/paths.ts";
import { run } from "../system/lib/process.ts";
import { askFor, type Ticket } from "../system/lib/terminal.ts";
import type { Server } from "../system/lib/types.ts";
import { type Enrolled, type World } from "../system/lib/world.ts";

/** Where the keys are. */
export interface Keys {
  name: string;
  /** What is typed at: typist's kind, what it is told, the words of the program. */
  words: (what: string, count: number) => Promise<{ args: string[]; input?: string }>;
}

const typed = async (keys: Keys, what: string, count: number): Promise<unknown> => {
  const { args, input } = await keys.words(what, count);
  return JSON.parse((await run(join(root, "tests/bench/typist"), args, { input, timeoutMs: 120_000 })).stdout);
};

/** One byte after another. */
export const echoes = (keys: Keys, count: number): Promise<number[]> => typed(keys, "echo", count) as Promise<number[]>;
/** Megabytes a second. */
export const output = (keys: Keys, bytes: number): Promise<number> => typed(keys, "bulk", bytes) as Promise<number>;

/** A terminal of the console, as a Unix user that is made for it. */
export async function consoleOf(world: World, { host, server }: Enrolled): Promise<Keys & { ask: () => Promise<Ticket> }> {
  const [api, org] = [await world.api(), await world.org()];
  await host.sh("useradd --create-home --shell /bin/bash deploy; printf 'terminal:\\n  - allow: [deploy]\\n' >>/etc/fairlead/policy.yaml; systemctl restart fairlead-link");
  await world.until("the controller knows whom the server allows", 60_000, async () => {
    const now = await api.get<Server>(`${org}/servers/${server.id}`);
    return now.status === "online" && now.terminal_users.includes("deploy") ? true : undefined;
  });
  const ask = (): Promise<Ticket> => askFor(api, org, server.id, "deploy");
  const words = async (what: string, count: number): Promise<{ args: string[]; input: string }> => {
    const { terminal: { id }, ticket } = await ask();
    const { address, port, name, ca } = api.endpoint;
    return { args: ["terminal", what, String(count)], input: JSON.stringify({ address, port, name, ca, host: new URL(api.origin).host, origin: api.origin, cookie: api.cookie, id, ticket }) };
  };
  return { name: "fairlead", ask, words };
}

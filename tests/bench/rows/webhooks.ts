// How fast what happened reaches receivers, through the egress, each delivery signed and over TLS.
import { join } from "node:path";
import { enrolAlone } from "../../system/lib/fill.ts";
import { folder } from "../../system/lib/paths.ts";
import { makeAuthority } from "../../system/lib/pki.ts";
import { Receiver } from "../../system/lib/receiver.ts";
import { poll } from "../../system/lib/wait.ts";
import { World } from "../../system/lib/world.ts";
import { cpuOf } from "../processes.ts";
import { add } from "../table.ts";

const hooks = 10;
const events = 100;

export async function webhooks(): Promise<void> {
  const held: (() => void)[] = [];
  let free = false;
  let receiver: Receiver | undefined;
  const world: World = new World(async (): Promise<string> => {
    const dir = folder(join(world.dir, "receivers"));
    receiver = await Receiver.start(dir, {
      authority: await makeAuthority(join(dir, "ca")),
      // Each webhook sends one delivery at a time: who holds the first back finds all the others queued.
      answer: (_, response) => {
        const answer = (): unknown => response.writeHead(204).end();
        if (free) answer();
        else held.push(answer);
      },
    });
    return `${(await world.egress({ allow: [receiver.place] })).settings(receiver.ca)}rates:\n  reads_a_minute: 1000000\n  writes_a_minute: 1000000\n`;
  });
  try {
    const api = await world.api();
    const org = await world.org();
    for (let i = 0; i < hooks; ++i) await api.post(`${org}/webhooks`, { url: `${receiver!.url}/${i}`, events: ["server.enrolled"] });
    for (let i = 0; i < events; ++i) await enrolAlone(api, org, `told-${i}`);
    const before = cpuOf(/^fairlead-(contro|egress)/);
    const already = receiver!.came.length;
    const began = performance.now();
    free = true;
    for (const answer of held) answer();
    await poll("all deliveries came", 120_000, async () => (receiver!.came.length >= hooks * events ? true : undefined), 5);
    const seconds = (performance.now() - began) / 1000;
    const count = hooks * events - already;
    add({
      what: `deliveries of an organization's ${hooks} webhooks, ${events} waiting for each`, ours: `${(count / seconds).toFixed(0)}/s`, target: "–", met: undefined,
      cpu: `${(((cpuOf(/^fairlead-(contro|egress)/) - before) * 1000) / count).toFixed(2)} ms CPU each, with the egress; four at a time for one organization, a TLS connection each`,
    });
  } finally {
    receiver?.stop();
    await world.stop();
  }
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { auditKey as key, leafHash, proofOf } from "../../dev/proof";
import { NotProven, prove, type Proof } from "./merkle";

const name = "fairlead.example/audit";
const entryOf = (seq: number) => ({ seq, id: `aud_${seq}`, action: "project.edit", actor: { type: "user", label: "ada" }, after: { name: "Shop" }, before: null });
const log = (size: number, seq: number): Proof => proofOf(Array.from({ length: size }, (_, i) => entryOf(i)), seq);

test("every entry of logs of every shape is proven, with size and root", async () => {
  for (const size of [1, 2, 3, 4, 5, 7, 8, 13, 33]) {
    for (let seq = 0; seq < size; seq++) {
      const proven = await prove(entryOf(seq), log(size, seq));
      assert.equal(proven.size, size);
      assert.equal(proven.signature, true);
      assert.match(log(size, seq).checkpoint.note, new RegExp(proven.root.replaceAll(/[+/]/g, ".")));
    }
  }
});

test("the order of members does not matter, what they say does", async () => {
  const shuffled = Object.fromEntries(Object.entries(entryOf(2)).reverse());
  await prove(shuffled, log(5, 2));
  await assert.rejects(prove({ ...entryOf(2), action: "project.delete" }, log(5, 2)), /not what was written/);
  await assert.rejects(prove({ ...entryOf(2), more: 1 }, log(5, 2)), /not what was written/);
  await assert.rejects(prove(entryOf(3), log(5, 2)), /not what was written/);
});

test("whatever else is bent is named", async () => {
  const good = log(7, 3);
  const other = log(8, 3);
  const bent: [RegExp, Partial<Proof>][] = [
    [/does not fit its hash/, { leaf_hash: leafHash("x").toString("base64") }],
    [/does not lead to the root/, { path: [good.path[1]!, good.path[0]!, good.path[2]!] }],
    [/ends before it/, { path: good.path.slice(1) }],
    [/longer than the log is deep/, { path: [...good.path, good.path[0]!] }],
    [/does not reach/, { checkpoint: { ...good.checkpoint, size: 8 } }],
    [/does not lead to the root|ends before it/, { checkpoint: other.checkpoint }],
    [/signature of the log's state is wrong/, { checkpoint: { ...good.checkpoint, note: good.checkpoint.note.replace("org_1", "org_2") } }],
    [/not signed by somebody/, { key: key.replace(name, "somebody") }],
    [/another key/, { key: `${name}+00000000+${Buffer.concat([Buffer.from([1]), Buffer.alloc(32, 7)]).toString("base64")}` }],
    [/cannot be read/, { checkpoint: { ...good.checkpoint, note: "nothing" } }],
  ];
  for (const [what, change] of bent) {
    await assert.rejects(prove(entryOf(3), { ...good, ...change }), (error: Error) => error instanceof NotProven && what.test(error.message), String(what));
  }
});

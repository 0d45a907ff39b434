// Recovery recipients of age (age-encryption.org/v1): the public half, in Bech32 (BIP 173). The secret half is none of the console's business.

const letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** Whether somebody is about to hand over a secret key, in whatever surroundings. */
export function holdsSecretKey(text: string): boolean {
  return /AGE-SECRET-KEY-/i.test(text.replace(/\s+/g, ""));
}

/** "# public key: age1…" or "age1…" → "age1…"; "" where there is none. What `age-keygen` prints may be pasted as it is. */
export function recipientIn(text: string): string {
  return /\bage1[a-z0-9]*/i.exec(text)?.[0].toLowerCase() ?? "";
}

/** What is wrong with a recipient, as a sentence; undefined: nothing. */
export function recipientProblem(recipient: string): string | undefined {
  if (!/^age1[a-z0-9]+$/.test(recipient)) return "This is no age recipient: it begins with age1.";
  if (recipient.length !== 62) return `An age recipient has 62 signs, this one has ${recipient.length}. Copy the whole line.`;
  const data = [...recipient.slice(4)].map((sign) => letters.indexOf(sign));
  if (data.includes(-1) || checksum("age", data) !== 1) return "There is a wrong sign in it: its checksum does not fit. Copy it instead of typing it.";
  return undefined;
}

/** 1 where the last six letters fit what is before them. */
function checksum(prefix: string, data: number[]): number {
  const codes = [...prefix].map((sign) => sign.charCodeAt(0));
  let sum = 1;
  for (const value of [...codes.map((c) => c >> 5), 0, ...codes.map((c) => c & 31), ...data]) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    generator.forEach((each, bit) => {
      if ((top >> bit) & 1) sum ^= each;
    });
  }
  return sum >>> 0;
}

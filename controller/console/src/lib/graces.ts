/** For how long what was replaced counts beside the new: a secret, a key. */
export const graces: { value: string; label: string }[] = [
  { value: "0", label: "Not at all: it ends now" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "24 hours" },
  { value: "259200", label: "3 days" },
  { value: "604800", label: "7 days" },
];

import { Anchor, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { recipes } from "../../lib/verify";
import { Secret } from "../../ui/Command";

/** For whoever writes the receiver. */
export function Verify() {
  const [language, setLanguage] = useState<keyof typeof recipes>("node");
  return (
    <details>
      <summary>How the receiver verifies what comes</summary>
      <div className="fl-stack fl-verify">
        <p className="fl-dim">
          By the{" "}
          <Anchor href="https://www.standardwebhooks.com/" underline="always" target="_blank" rel="noopener noreferrer">
            Standard Webhooks
          </Anchor>{" "}
          specification; it has libraries for many languages. Or by a function of your own, over the body as it came. Answer with any 2xx within 15 s and do the work after that. The same{" "}
          <code>webhook-id</code> may come twice: take it once.
        </p>
        <SegmentedControl
          size="xs"
          value={language}
          onChange={(value) => setLanguage(value as keyof typeof recipes)}
          data={[
            { value: "node", label: "Node" },
            { value: "python", label: "Python" },
          ]}
          aria-label="Language"
        />
        <Secret label={`Function that verifies, for ${language === "node" ? "Node" : "Python"}`} value={recipes[language]} />
      </div>
    </details>
  );
}

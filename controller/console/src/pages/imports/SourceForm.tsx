import { Button, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Environment, Import } from "../../api/types";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { Choice } from "../../ui/Choice";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";

type Where = "path" | "url";

/** Where the data are. The server looks there itself; they never pass the controller. */
export function SourceForm({ environment }: { environment: Environment }) {
  const org = useOrg();
  const client = useQueryClient();
  const [where, setWhere] = useState<Where>("path");
  const [source, setSource] = useState("");
  const [filestore, setFilestore] = useState("");
  const [sha256, setSha256] = useState("");
  const given = source.trim();
  const dump = where === "path" && given !== "" && !/\.zip$/i.test(given);
  const analyse = useAct<void, Import>({
    run: (_, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/imports", {
          params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
          body: {
            [where]: given,
            ...(dump && filestore.trim() ? { filestore: filestore.trim() } : {}),
            ...(where === "url" && sha256.trim() ? { sha256: sha256.trim() } : {}),
          },
        }),
      ),
    done: () => {
      setSource("");
      setFilestore("");
      setSha256("");
      void client.invalidateQueries({ queryKey: keys.imports(org, environment.id) });
    },
    quiet: true,
  });
  const { error } = analyse;
  return (
    <Panel title="Bring the data of another Odoo">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          analyse.mutate();
        }}
      >
        <Stack>
          <p className="fl-dim">The server of {environment.name} reads them itself, and says first what is in them and whether they fit. Until you say so, nothing of {environment.name} is touched.</p>
          <Choice
            label="Where are they?"
            value={where}
            onChange={(to) => {
              setWhere(to);
              setSource("");
              analyse.reset();
            }}
            options={[
              ["path", "On the server", "A file that somebody copied there, below /srv/imports"],
              ["url", "At an https address", "The server fetches it; a signed address is best"],
            ]}
          />
          {where === "path" ? (
            <TextInput
              label="Path"
              description="Odoo’s zip; or a dump by pg_dump, as SQL, packed by gzip or not, or in its own format"
              placeholder="/srv/imports/shop.zip"
              value={source}
              onChange={(e) => setSource(e.currentTarget.value)}
              error={error?.field("path")}
              maxLength={400}
              spellCheck={false}
              autoComplete="off"
            />
          ) : (
            <>
              <TextInput
                label="Address"
                description="On the internet, not on an internal network. What stands behind the “?” is kept secret, and forgotten once the file is there."
                placeholder="https://files.example.org/shop.zip?signature=…"
                value={source}
                onChange={(e) => setSource(e.currentTarget.value)}
                error={error?.field("url")}
                maxLength={4096}
                spellCheck={false}
                autoComplete="off"
              />
              <TextInput label="SHA-256, if you know it" description="Anything else than this file is refused" value={sha256} onChange={(e) => setSha256(e.currentTarget.value)} error={error?.field("sha256")} maxLength={64} spellCheck={false} autoComplete="off" />
            </>
          )}
          {dump && (
            <TextInput
              label="Folder of the filestore, if there is one"
              description="The folder with 256 folders from 00 to ff, called like the database in the old Odoo"
              placeholder="/srv/imports/filestore/shop"
              value={filestore}
              onChange={(e) => setFilestore(e.currentTarget.value)}
              error={error?.field("filestore")}
              maxLength={400}
              spellCheck={false}
              autoComplete="off"
            />
          )}
          {error && <ProblemNote error={error} />}
          <div className="fl-form-end">
            <Button type="submit" loading={analyse.isPending} disabled={!given}>
              Look at it
            </Button>
          </div>
        </Stack>
      </form>
    </Panel>
  );
}

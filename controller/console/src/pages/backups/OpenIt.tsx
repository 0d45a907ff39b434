import type { Backup } from "../../api/types";
import { useHref } from "../../app/access";
import { LinkTo, Mono } from "../../ui/bits";
import { Command } from "../../ui/Command";

/** The way to the data that needs neither Fairlead nor this page. */
export function OpenIt({ backup, prefix }: { backup: Backup; prefix: string }) {
  const folder = `${prefix ? `${prefix}/` : ""}${backup.environment.id}`;
  const href = useHref();
  // Its server is the first; without another, nobody else can open it.
  const recoverable = backup.recipients.length > 1;
  const key = recoverable ? "fairlead-recovery.txt" : "identity";
  return (
    <div className="fl-form">
      <p className="fl-dim">
        These need Debian's own age, zstd and postgresql-client, and a key that opens it:{" "}
        {recoverable ? (
          <>
            the secret half of a recovery key, as <Mono>{key}</Mono>.
          </>
        ) : (
          <>
            the environment's own, which lies on its server as <Mono>/var/lib/fairlead/environments/*/backup/{key}</Mono> and nowhere else. There was no recovery key when this backup was made;{" "}
            <LinkTo href={href("/settings/recovery-keys")}>with one</LinkTo>, the next ones open without that server.
          </>
        )}{" "}
        In the bucket lie below <Mono>{`${folder}/`}</Mono>:
      </p>
      <ol className="fl-numbered">
        <li>
          <Mono>{`backups/${backup.id}/database.dump.zst.age`}</Mono>, the database. Fetch it, then put it into an empty one:
          <Command prompt="$" label="Commands that restore the database" value={`createdb restored\nage -d -i ${key} database.dump.zst.age | zstd -d | pg_restore --no-owner -d restored`} />
        </li>
        <li>
          <Mono>{`backups/${backup.id}/files.zst.age`}</Mono>, the list of its files: which pack holds which.
          <Command prompt="$" label="Command that shows the list of files" value={`age -d -i ${key} files.zst.age | zstd -d`} />
        </li>
        <li>
          <Mono>packs/pck_….tar.zst.age</Mono>, the files of the filestore. Fetch those that the list names and unpack them; a pack may hold files of other backups too.
          <Command prompt="$" label="Command that unpacks files" value={`mkdir -p filestore\nfor pack in pck_*.tar.zst.age; do age -d -i ${key} "$pack" | zstd -d | tar -x -C filestore; done`} />
        </li>
      </ol>
      <p className="fl-dim">
        On a server of Fairlead, with or without this controller, <Mono>{`fairlead-agent backup restore`}</Mono> does all of it.
      </p>
    </div>
  );
}

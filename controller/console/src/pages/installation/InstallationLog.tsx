import { AuditLog } from "../audit/Audit";

/** For whoever looks after the installation: its own log, beside those of its organizations. */
export default function InstallationLog() {
  return (
    <AuditLog
      org={null}
      title="Log of the installation"
      lead="What was done for all organizations, here and at the controller’s command line, and what people did who are in none. Nothing here can be changed or deleted."
      exports
    />
  );
}

import type { components, paths } from "./contract";

export type { Permission } from "./contract";

type Schemas = components["schemas"];
export type Session = Schemas["Session"];
export type SessionEntry = Schemas["SessionEntry"];
export type Account = Schemas["Account"];
export type Passkey = Schemas["Passkey"];
export type Identity = Schemas["Identity"];
export type PendingLink = Schemas["PendingLink"];
export type OrgAccess = Session["orgs"][number];
export type Org = Schemas["Org"];
export type Plan = Schemas["PlanName"];
export type PlanUse = Schemas["PlanUse"];
export type PlanTerms = Schemas["PlanTerms"];
/** What a plan can have; the contract leaves it open, because plans are data. */
export type Feature = "api" | "granular_permissions" | "audit_log" | "audit_export" | "custom_roles" | "connect_as";
export type Security = Schemas["Security"];
export type InvitationFacts = Schemas["InvitationFacts"];
export type Member = Schemas["Member"];
export type Invitation = Schemas["Invitation"];
export type Role = Schemas["Role"];
export type PermissionInfo = Schemas["Permission"];
export type ApiKey = Schemas["ApiKey"];
export type ApiKeyKind = Schemas["ApiKeyKind"];
export type ConnectGrant = Schemas["ConnectGrant"];
export type ConnectSession = Schemas["ConnectSession"];
/** The Connect-As session that this browser is in. */
export type Visit = paths["/api/v1/connect"]["get"]["responses"]["200"]["content"]["application/json"];
export type SupportAccess = Schemas["SupportAccess"];
export type Server = Schemas["Server"];
export type Terminal = Schemas["Terminal"];
export type SshKey = Schemas["SshKey"];
export type SshServer = paths["/api/v1/orgs/{org}/servers/{server}/ssh-keys"]["get"]["responses"]["200"]["content"]["application/json"]["server"];
export type LogEntry = Schemas["LogEntry"];
export type LogEnd = Schemas["LogEnd"];
export type Facts = Schemas["Facts"];
export type FactPoint = Schemas["FactPoint"];
export type RegistrationToken = Schemas["RegistrationToken"];
export type GitCredential = Schemas["GitCredential"];
export type Project = Schemas["Project"];
export type AddonRepository = Schemas["AddonRepository"];
export type Environment = Schemas["Environment"];
export type FoundEnvironment = Schemas["FoundEnvironment"];
export type EnvironmentType = Schemas["EnvironmentType"];
export type Release = Schemas["Release"];
export type Variable = Schemas["Variable"];
export type Operation = Schemas["Operation"];
export type OperationRef = Schemas["OperationRef"];
export type OperationState = Schemas["OperationState"];
export type OperationKind = Schemas["OperationKind"];
export type Step = Schemas["Step"];
export type StepEvent = Schemas["StepEvent"];
export type LogLine = Schemas["LogLine"];
export type Check = Schemas["Check"];
export type Storage = Schemas["Storage"];
export type StorageProvider = Schemas["StorageProvider"];
export type BackupSettings = Schemas["BackupSettings"];
export type BackupPolicy = Schemas["BackupPolicy"];
export type Retention = Schemas["Retention"];
export type RetentionPreview = Schemas["RetentionPreview"];
export type RetentionRule = RetentionPreview["data"][number]["rules"][number];
export type Backup = Schemas["Backup"];
export type BackupKind = Schemas["BackupKind"];
/** A database and a filestore from elsewhere. */
export type Import = Schemas["Import"];
export type Copy = Schemas["Copy"];
export type Certificate = Schemas["Certificate"];
export type CustomHostname = Schemas["CustomHostname"];
export type TunnelKey = Schemas["TunnelKey"];
export type Domain = Schemas["Domain"];
/** A name that an environment answers to, and whether it would be routed. */
export type HostName = Schemas["HostStanding"];
export type Webhook = Schemas["Webhook"];
export type WebhookEvent = Schemas["WebhookEvent"];
export type WebhookError = Schemas["WebhookError"];
export type WebhookAttempt = Schemas["WebhookAttempt"];
export type WebhookDelivery = Schemas["WebhookDelivery"];
/** A webhook with the secret that is told once. */
export type WebhookWithSecret = Schemas["WebhookWithSecret"];
export type PushDeploy = Schemas["PushDeploy"];
export type PushDeploySecret = Schemas["PushDeploySecret"];
/** What came in by an environment's push hook. */
export type Push = Schemas["Push"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditWitness = Schemas["AuditWitness"];
export type Problem = Schemas["Problem"];
export type Commit = Schemas["Commit"];
